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
  std::string what;    // "syscall ptrace", "capability NET_ADMIN"
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
using Subject = std::variant<SyscallSubject, CapabilitySubject>;

// "syscall ptrace" or "capability NET_ADMIN" (with or without CAP_).
// InvalidInput for anything else, with the nearest name as hint.
Result<Subject> parse_subject(std::string_view what);

}  // namespace vambrace::policy
