#pragma once

#include <optional>
#include <string>
#include <variant>

#include "base/result.h"
#include "kernel/syscalls.h"

// What a person decided about single rules; kept in bundle.yaml.
namespace vambrace::policy {

// A person's choice about one rule.
struct Decision {
  std::string what;    // "syscall ptrace", "file /x rw": see parse_subject
  std::string choice;  // "keep", "drop", "add"
  std::string who;
  std::string why;
  auto operator<=>(const Decision&) const = default;
};

// A named person's exception: what, why, until when.
struct Waiver {
  std::string what;
  std::string who;
  std::string why;
  std::string until;  // 2026-12-31, the last day it holds
  auto operator<=>(const Waiver&) const = default;
};

// What a decision or a waiver speaks about.
struct SyscallSubject {
  std::string name;
  auto operator<=>(const SyscallSubject&) const = default;
};
struct CapabilitySubject {
  std::uint32_t number = 0;
  auto operator<=>(const CapabilitySubject&) const = default;
};
struct FileSubject {
  std::string pattern;  // AppArmor's syntax, not quoted
  std::string access;   // some of evidence::kAccessLetters, in that order
  auto operator<=>(const FileSubject&) const = default;
};
struct SocketSubject {
  std::string family;  // "inet"
  std::string type;    // "stream"; empty: any
  auto operator<=>(const SocketSubject&) const = default;
};
struct SignalSubject {
  std::string signal;  // "term", "rtmin+3"
  auto operator<=>(const SignalSubject&) const = default;
};
using Subject = std::variant<SyscallSubject, CapabilitySubject, FileSubject,
                             SocketSubject, SignalSubject>;

// "syscall ptrace", "capability NET_ADMIN" (with or without CAP_),
// "file /var/lib/x/* rw": the last word is the access, in any order;
// "network inet stream" or "network inet", "signal term".
// InvalidInput for anything else, with the nearest name as hint. Whether the
// pattern can be read is not asked here.
Result<Subject> parse_subject(std::string_view what);

}  // namespace vambrace::policy
