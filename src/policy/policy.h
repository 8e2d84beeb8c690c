#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "evidence/evidence.h"
#include "kernel/syscalls.h"

// What a workload may do, independent of layer and engine, every rule with its
// reasons. Holds only what is stable: no counts, times or recording ids, so
// that recording the same behavior again gives the same bytes.
// docs/formats/policy.md has the JSON form.
namespace vambrace::policy {

// Why a rule is in a policy.
enum class Cause : std::uint8_t {
  Observed,  // seen in evidence
  Closure,   // an optional closure asked for: "resilient libc", "arch aarch64"
  Always,    // every program needs it: exit, rt_sigreturn, the vDSO fallbacks;
             // of a refusal: every C library gets by with it
  Denied,    // a refused attempt, accepted by --heal
  Decision,  // a person added it, in bundle.yaml
};

std::string_view to_string(Cause cause);  // "observed", "closure", ...
std::optional<Cause> cause_from(std::string_view name);

// A rule without a reason cannot be built.
struct Reason {
  Cause cause = Cause::Observed;
  std::string exe;  // process image; empty unless Observed or Denied
  std::string script;
  std::optional<evidence::Origin> origin;
  std::set<std::string> phases;
  std::string note;  // the closure, the person and their words, ...
  auto operator<=>(const Reason&) const = default;
};

// One argument compared under a mask: (argument & mask) == value.
struct ArgMatch {
  std::uint8_t index = 0;
  std::uint64_t mask = 0;
  std::uint64_t value = 0;
  auto operator<=>(const ArgMatch&) const = default;
};

// All matches hold together (indices distinct, ascending).
using ArgTuple = std::vector<ArgMatch>;

struct SyscallRule {
  kernel::Syscall syscall;
  // Empty: any arguments. Otherwise one of the tuples must match.
  std::set<ArgTuple> args;
  std::vector<Reason> reasons;  // sorted, at least one
  auto operator<=>(const SyscallRule&) const = default;
};

// A call that is refused on purpose: one that the application tried, with the
// errno it already knows, or clone3, with the errno on which a C library takes
// clone. replay and verify list such denials as expected.
struct ExpectedDenial {
  kernel::Syscall syscall;
  std::uint32_t error = 0;  // errno
  std::vector<Reason> reasons;
  auto operator<=>(const ExpectedDenial&) const = default;
};

struct CapabilityRule {
  std::uint32_t number = 0;
  // "bind (inet_bind)": the call and the kernel function that asked.
  std::set<std::string> uses;
  std::vector<Reason> reasons;
  auto operator<=>(const CapabilityRule&) const = default;
};

// The CapabilityNoise::why of one that the kernel itself grants to who makes a
// user namespace. AppArmor asks its profile all the same (security/apparmor/
// capability.c).
constexpr std::string_view kInOwnNamespace =
    "asked in a user namespace that the workload made";

// Asked for and granted, but not granted by this policy, and why not
// ("memory overcommit check").
struct CapabilityNoise {
  std::uint32_t number = 0;
  std::string why;
  auto operator<=>(const CapabilityNoise&) const = default;
};

// A user that the workload's first program was started as, in numbers of the
// initial user namespace.
struct UserNeed {
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::vector<Reason> reasons;
  auto operator<=>(const UserNeed&) const = default;
};

// Whose a folder is and who may what in it, as evidence::OwnedFolder.
struct FolderOwner {
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::uint32_t mode = 0;
  auto operator<=>(const FolderOwner&) const = default;
};

// A folder in which files are made, changed or removed.
struct WritableNeed {
  std::string folder;  // "/var/lib/redis"; "/" for the root folder itself
  // Files in it were there before the workload made any: an empty file system
  // in its place would hide them.
  bool brought = false;
  // The same may be: files that were read were opened with O_CREAT, and the
  // recording does not tell whether that made them; or one of the recordings
  // that were folded into one made them, and perhaps not each.
  bool may_hide = false;
  // It takes the place of folders in it that the image has: these must be
  // there.
  bool folded = false;
  bool executed = false;  // programs or libraries in it were run
  // Whose it is in the image; nullopt: not known.
  std::optional<FolderOwner> owner;
  std::vector<Reason> reasons;
  auto operator<=>(const WritableNeed&) const = default;
};

// A program that gains rights by its own file (setuid, setgid) and was run.
struct RaisedNeed {
  std::string exe;
  std::vector<Reason> reasons;
  auto operator<=>(const RaisedNeed&) const = default;
};

// Folders of which files were renamed or linked from one into another: where
// each is a mount of its own, that fails. One folder: into it from anywhere.
struct Apart {
  std::set<std::string> folders;
  bool certain = false;  // otherwise it may have been within each
  auto operator<=>(const Apart&) const = default;
};

// What a workload needs of the container around it. Sorted.
struct Needs {
  // Every recording watched files: a folder that is not in `writable` was not
  // written to.
  bool files_known = false;
  // Every recording was of plain processes: users and folders are those of a
  // host, which an image may have otherwise.
  bool on_host = false;
  std::vector<UserNeed> users;  // none: not known
  std::vector<WritableNeed> writable;
  std::vector<RaisedNeed> raised;
  // Where the container that was recorded had mounts of its own that were
  // written to: they are not in `writable`.
  std::set<std::string> mounted;
  // Calls that changed a folder by its path and succeeded, where the recordings
  // do not tell which: a folder may be missing above.
  std::set<std::string> unseen;
  // Patterns of files that people allowed to be written and nobody wrote, which
  // do not tell the folder: it may be missing above.
  std::set<std::string> untold;
  std::set<Apart> apart;
  auto operator<=>(const Needs&) const = default;
};

// A part of a file rule's pattern that is wider than what was seen. The names
// that stood there change from run to run: the evidence has them.
struct Widening {
  std::string kind;     // "pid", "siblings", ...: apparmor/segment.h
  std::string pattern;  // the part: "@{pid}", or "/usr/share/x/*"
  std::string allows;   // in words, what it permits beyond what was seen
  auto operator<=>(const Widening&) const = default;
};

// Files that one program of the workload may access.
struct FileRule {
  // A helper's exe; empty: the main program, see programs.h.
  std::string program;
  // AppArmor's syntax, not yet quoted; without `widened` it is one path.
  std::string pattern;
  std::string access;  // some of evidence::kAccessLetters, never "i"
  bool owner = false;  // only files of the process's own user
  // The path was reached below no root of the mount namespace.
  bool disconnected = false;
  // With "x": the program that runs then, empty for the main one; nullopt: not
  // known from the evidence.
  std::optional<std::string> starts;
  std::vector<Widening> widened;
  std::vector<Reason> reasons;  // sorted, at least one
  auto operator<=>(const FileRule&) const = default;
};

// Files that a person dropped: no program of the workload may access them,
// whatever rules and includes allow.
struct FileDenial {
  std::string pattern;  // as of a FileRule, and once in a policy
  // Some of evidence::kAccessLetters, never "i"; all that write, or none.
  std::string access;
  std::vector<Reason> reasons;  // sorted, at least one
  auto operator<=>(const FileDenial&) const = default;
};

// Sockets that one program may make.
struct SocketRule {
  std::string program;
  std::string family;  // "inet", kernel/sockets.h; empty: not known, so any
  std::string type;    // "stream"; empty: any
  std::vector<Reason> reasons;
  auto operator<=>(const SocketRule&) const = default;
};

// Signals that one program sends; to whom was not recorded.
struct SignalRule {
  std::string program;
  std::string signal;  // "term"; "exists" for number 0
  std::vector<Reason> reasons;
  auto operator<=>(const SignalRule&) const = default;
};

// A change to what is mounted where that one program may make.
struct MountRule {
  std::string program;
  std::string operation;             // one of evidence::kMountOperations
  std::string fstype;                // of "mount"; else empty
  std::vector<std::string> options;  // these and no others; sorted
  // AppArmor's syntax, not yet quoted. An empty source is none.
  std::string source;
  std::string target;
  std::vector<Reason> reasons;
  auto operator<=>(const MountRule&) const = default;
};

// Whom one program may look into.
struct TraceRule {
  std::string program;
  std::string access;  // "read" or "trace", with which it may read, too
  // Unknown: which of the workload's programs it was.
  evidence::Side other = evidence::Side::Unknown;
  std::string peer;  // of Side::Program: as `program`
  std::vector<Reason> reasons;
  auto operator<=>(const TraceRule&) const = default;
};

// A file rule of an abstraction.
struct AbstractionRule {
  std::string pattern;  // AppArmor's syntax, not quoted; may use variables
  std::string access;   // some of "aklmrw", in that order
  bool owner = false;
  auto operator<=>(const AbstractionRule&) const = default;
};

// What the hosts have under a name that an AppArmor profile may include:
// everything that such an include would grant.
struct Abstraction {
  std::string name;  // "openssl"; a file below abstractions/
  // Those that the rules use and those that these use, by name without @{ }.
  std::map<std::string, std::vector<std::string>, std::less<>> variables;
  std::vector<AbstractionRule> rules;  // sorted
  auto operator<=>(const Abstraction&) const = default;
};

// A remark that synthesis makes about its own result.
struct Finding {
  std::string id;        // "args-unbounded", "evidence-incomplete", ...
  std::string severity;  // "info", "low", "medium", "high"
  std::string place;     // "seccomp: ioctl"
  std::string message;
  std::string hint;
  auto operator<=>(const Finding&) const = default;
};

struct Policy {
  evidence::Workload workload;
  // What the evidence was: policies from incomplete evidence say so.
  evidence::State evidence_state = evidence::State::Complete;
  std::set<std::string> gaps;  // kinds
  std::set<kernel::Arch> arches;
  std::vector<SyscallRule> syscalls;         // sorted by syscall
  std::vector<ExpectedDenial> expected;      // sorted by syscall
  std::vector<CapabilityRule> capabilities;  // sorted by number
  std::vector<CapabilityNoise> noise;        // sorted
  // False: the evidence tells no file at all (recorded with --light), so what
  // the workload needs of them is unknown, not nothing.
  bool files_known = false;
  std::vector<FileRule> files;      // sorted
  std::vector<FileDenial> denied;   // sorted
  std::vector<SocketRule> sockets;  // sorted
  std::vector<SignalRule> signals;  // sorted
  std::vector<MountRule> mounts;    // sorted
  // False: not every recording watched who looks into whom. What a workload
  // does by ptrace and the like is then allowed among its own programs.
  bool traces_known = false;
  std::vector<TraceRule> traces;  // sorted
  // What an AppArmor profile may include, where that fits. Sorted.
  std::vector<Abstraction> abstractions;
  Needs needs;
  std::vector<Finding> findings;  // sorted
  // The runtime layer is not in here: it is added when a target is rendered.
  auto operator<=>(const Policy&) const = default;
};

// nullptr: no rule for this call.
const SyscallRule* find_rule(const Policy& policy, kernel::Syscall syscall);
const ExpectedDenial* find_expected(const Policy& policy,
                                    kernel::Syscall syscall);
const CapabilityRule* find_capability(const Policy& policy,
                                      std::uint32_t number);

// "observed: /usr/sbin/nginx (app) in serving, startup", for people; names are
// quoted.
std::string describe(const Reason& reason);

}  // namespace vambrace::policy
