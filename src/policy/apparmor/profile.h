#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "policy/apparmor/pattern.h"
#include "policy/policy.h"
#include "policy/stage.h"

// The AppArmor profile of one workload as values. print.h writes it, lint.h
// judges it. Patterns, addresses and peers are AppArmor patterns: what comes
// from evidence goes through pattern_of first.
namespace vambrace::policy::apparmor {

enum class Mode : std::uint8_t {
  Complain,  // allow all, log what the rules do not cover
  Enforce,
};

// Enforce in harden alone: AppArmor cannot deny a part and log the rest. In
// Complain what is denied is logged and allowed, too: see FileRule::deny.
Mode mode_of(Stage stage);

// Why a rule is there, and paths that a wider pattern stands for; for comments.
struct Why {
  std::vector<Reason> reasons;
  std::vector<std::string> examples;  // as they were seen, any bytes
  auto operator<=>(const Why&) const = default;
};

struct Access {
  bool read = false;
  bool write = false;  // implies append
  bool append = false;
  bool lock = false;
  bool link = false;
  bool map = false;  // mmap with PROT_EXEC
  auto operator<=>(const Access&) const = default;
};

// What profile a program started from here runs under.
enum class Exec : std::uint8_t {
  None,              // may not be started
  Inherit,           // ix: this one
  Profile,           // px: the target, or the one whose name is its path
  Child,             // cx: the child profile of that name
  ProfileOrInherit,  // pix
  ChildOrInherit,    // cix
};
std::string_view letters(Exec exec);  // "", "ix", ...

struct FileRule {
  std::string pattern;
  Access access;
  Exec exec = Exec::None;
  std::string target;  // "helper", "&helper" to stack; empty: by the path
  bool owner = false;  // only files of the process's own user
  // Wins over every rule that allows, those of includes among them. Without
  // the word "audit" such a rule would refuse silently, in Complain, too.
  bool deny = false;
  Why why;
  auto operator<=>(const FileRule&) const = default;
};

struct LinkRule {
  std::string pattern;  // the new name
  std::string target;   // what it names
  bool owner = false;
  Why why;
  auto operator<=>(const LinkRule&) const = default;
};

struct NetworkRule {
  std::string family;  // "inet"; empty: any
  std::string type;    // "stream"; empty: any
  Why why;
  auto operator<=>(const NetworkRule&) const = default;
};

// Kernels before AppArmor's own unix mediation (Debian 12's 6.1) ignore these.
struct UnixRule {
  std::set<std::string> access;  // "connect", ...; empty: all
  std::string type;
  std::string address;  // "@NAME" abstract, "none"; empty: any
  std::string peer;     // profile
  std::string peer_address;
  Why why;
  auto operator<=>(const UnixRule&) const = default;
};

struct SignalRule {
  std::set<std::string> access;   // "send", "receive"; empty: both
  std::set<std::string> signals;  // "term"; empty: all
  std::string peer;
  Why why;
  auto operator<=>(const SignalRule&) const = default;
};

struct PtraceRule {
  std::set<std::string> access;  // "trace", "read", "tracedby", "readby"
  std::string peer;
  Why why;
  auto operator<=>(const PtraceRule&) const = default;
};

enum class MountKind : std::uint8_t { Mount, Remount, Umount, PivotRoot };

// By one of evidence::kMountOperations: binding, moving and changing how mounts
// propagate are told from mounting by their options.
MountKind mount_kind(std::string_view operation);

struct MountRule {
  MountKind kind = MountKind::Mount;
  std::string fstype;             // empty: any
  std::set<std::string> options;  // these and no others; empty: any
  // A pattern, of PivotRoot for where the old root goes; nullopt: any.
  std::optional<std::string> source;
  std::string target;
  Why why;
  auto operator<=>(const MountRule&) const = default;
};

struct CapabilityGrant {
  std::string name;  // "net_admin"
  Why why;
  auto operator<=>(const CapabilityGrant&) const = default;
};

// A file of the host that a profile includes, with what it grants there.
struct Include {
  std::string name;             // "abstractions/openssl"
  std::vector<FileRule> rules;  // all of it, without deny and exec
  auto operator<=>(const Include&) const = default;
};

struct Rules {
  std::vector<Include> includes;
  std::vector<CapabilityGrant> capabilities;
  std::vector<NetworkRule> network;
  std::vector<UnixRule> unix_sockets;
  std::vector<SignalRule> signals;
  std::vector<PtraceRule> ptrace;
  std::vector<MountRule> mounts;
  std::vector<FileRule> files;
  std::vector<LinkRule> links;
};

struct Profile {
  std::string name;                // a letter or digit, then those and . _ + -
  std::string abi;                 // "abi/3.0"; empty: none, which lint tells
  std::set<std::string> tunables;  // "tunables/global"
  Variables variables;
  Mode mode = Mode::Enforce;
  bool attach_disconnected = false;
  // Files that have no name any more, or none yet, are known by their last one.
  bool mediate_deleted = false;
  Rules rules;
  std::map<std::string, Rules> children;  // by name, for helpers
};

// The rules themselves and those of the includes; they must outlive the list.
std::vector<const FileRule*> file_rules(const Rules& rules);

// The include that a rule of file_rules() is from; nullptr: it is none's.
const Include* include_of(const Rules& rules, const FileRule& rule);

}  // namespace vambrace::policy::apparmor
