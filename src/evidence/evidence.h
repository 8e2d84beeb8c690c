#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "kernel/syscalls.h"

// What was seen of a workload, with what is known to be missing. Plain values;
// docs/formats/evidence.md has the JSON form.
namespace vambrace::evidence {

// Wall-clock time of the recording host, UTC, microseconds.
using Instant = std::chrono::sys_time<std::chrono::microseconds>;
using RecordingId = std::string;  // 32 lower-case hex digits

// One container (or process tree) of one application. The image digest belongs
// to the recording: a rebuild is the same workload.
struct Workload {
  std::string id;         // "spiffe://local/nginx"
  std::string container;  // container name; empty for a process tree
  std::string owner;      // may be empty
  auto operator<=>(const Workload&) const = default;
};

// Who made a fact.
enum class Origin : std::uint8_t {
  Runtime,  // runc, crun or our launcher, before the program starts
  App,      // the workload's main program image
  Helper,   // other programs that the app runs
  Probe,    // a declared health check or hook, by exec
  Session,  // somebody's exec into the container
  Harness,  // the test driver around the workload; never part of a policy
};

// A known unknown. The detail is for people; kinds are stable words:
//   attached_late     the scope already ran when recording began
//   filter_active     a seccomp filter was installed before recording began
//   no_exit_probe     denials and errnos were not watched (record --light)
//   ring_lost         hints were lost (facts may still be whole)
//   map_full          a table was full; facts were refused
//   storage_refused   a task could not be followed
//   read_failed       user or kernel memory could not be read
//   recursion_missed  the kernel skipped our program
//   refusals_unsure   calls that a filter of the workload may have refused are
//                     told as made
//   interrupted       the recorder ended before the scope did
//   io_uring          io_uring was used; its operations are not system calls
//   unknown_syscall   a number without a name was called
//   image_unread      the build id of a program could not be read
//   links_unfollowed  paths of named files may lead over symbolic links, and
//                     are missing where those are of /proc
//   path_truncated    a path was longer than the recorder keeps
//   scope_lost        the container or cgroup vanished early
//   mixed_images      recordings of different image digests were merged
//   no_recording      there is no recording at all
//   compat            facts of another kind, told in the detail
struct Gap {
  std::string kind;
  std::string detail;
  auto operator<=>(const Gap&) const = default;
};

enum class State : std::uint8_t { Complete, Incomplete, Filtered };

// Complete if and only if there is no gap. Filtered: the only gaps are
// filter_active ones; each refused attempt was captured as a denied attempt.
struct Verdict {
  State state = State::Complete;
  std::vector<Gap> gaps;  // sorted, unique
  auto operator<=>(const Verdict&) const = default;
};

struct Phase {
  std::string name;
  Instant start;
  auto operator<=>(const Phase&) const = default;
};

// A folder and whose it is, in numbers of the initial user namespace; mode has
// its permissions, with the bits of inode(7) above them: 07777 at most.
struct OwnedFolder {
  std::string path;
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::uint32_t mode = 0;
  auto operator<=>(const OwnedFolder&) const = default;
};

// One observation of one scope, from start to end, by one recorder.
struct Recording {
  RecordingId id;
  // More than one id after `evidence compact`.
  std::vector<RecordingId> folded;
  std::string recorder;  // "ebpf"
  std::string recorder_version;
  Instant start;
  Instant end;
  std::string kernel;   // uname -r
  std::string arch;     // of the host, kernel::to_string(Arch)
  std::string scope;    // "command", "container web", "cgroup /x", "pid 12"
  std::string runtime;  // "process", "runc", "crun"; "" unknown
  std::string runtime_version;  // "" unknown
  std::string image;            // digest; "" none or unknown
  // Folders and files of the container where its engine was told to mount
  // something over the image, sorted: volumes, binds, file systems in memory.
  std::vector<std::string> mounts;
  // With kFoundProbe: of each folder of its image into which it put files, one
  // file or link (the first by name) that was there at the end and that it did
  // not put there; sorted.
  std::vector<std::string> found;
  // Whose those folders were then, of which that could be told; sorted by path,
  // each once.
  std::vector<OwnedFolder> owners;
  std::string host;
  std::vector<std::string> command;  // argv[0], other words redacted
  bool no_new_privs = false;
  std::vector<Phase> phases;  // in the order they began
  // Which probe each kind of fact came from: {"syscalls": "tp_btf/sys_enter"}.
  std::map<std::string, std::string> probes;
  // Events seen, lost, maps full: whatever the recorder counts.
  std::map<std::string, std::uint64_t> counters;
  Verdict verdict;
  auto operator<=>(const Recording&) const = default;
};

// A fact's share of one recording. Totals over recordings are derived.
struct Share {
  std::uint64_t count = 0;
  std::map<std::string, std::uint64_t> phases;  // sums to count
  std::map<std::string, std::uint64_t> errnos;  // failed calls by "EAGAIN"
  // Attempts that a filter (or, for capabilities, the kernel) refused. They are
  // not part of count.
  std::uint64_t denied = 0;
  std::map<std::string, std::uint64_t> denied_errnos;
  Instant first;
  Instant last;
  auto operator<=>(const Share&) const = default;
};
using By = std::map<RecordingId, Share>;

// Sum, union, earliest and latest over all recordings.
Share total(const By& by);

// Distinct values of the arguments that kernel::arg_spec names, in its order
// and masked to its widths. More than kMaxTuples become unbounded.
constexpr std::size_t kMaxTuples = 64;
struct Arguments {
  std::set<std::vector<std::uint64_t>> tuples;  // empty if unbounded
  bool unbounded = false;
  auto operator<=>(const Arguments&) const = default;

  void add(std::vector<std::uint64_t> tuple);
  void add_all(const Arguments& other);
};

struct SyscallFact {
  kernel::Syscall syscall;
  // Of calls that were let through. Absent where arguments do not matter; where
  // they do, arguments that nobody watched are unbounded (see canonical()).
  std::optional<Arguments> args;
  std::optional<Arguments> denied_args;  // of refused attempts
  By by;
  auto operator<=>(const SyscallFact&) const = default;
};

enum class Audited : std::uint8_t { Yes, No, Unknown };

struct CapabilityFact {
  std::uint32_t number = 0;
  std::optional<kernel::Syscall> during;  // nullopt: outside any call
  // Kernel functions from the check outwards, without offsets.
  std::vector<std::string> functions;
  Audited audited = Audited::Unknown;
  // The check was made with credentials other than the task's own (overlayfs).
  bool overridden = false;
  // The user namespace asked about: "initial", "own" (where the workload began,
  // if not in that), "nested" (which the workload made) or "other".
  std::string user_namespace;
  // count = granted, denied = refused.
  By by;
  auto operator<=>(const CapabilityFact&) const = default;
};

// A socket operation. Addresses are classes ("loopback", "any", "private",
// "public", "unix", "abstract") unless recording was asked not to redact.
struct NetworkFact {
  // socket, bind, connect, listen, accept; "inherit": the program did not make
  // it, but was started with it or got it from another process.
  std::string operation;
  std::string family;  // "inet", "inet6", "unix", "netlink", or the number
  std::string type;    // "stream", "dgram", "raw", ...; "" not known here
  std::uint32_t protocol = 0;
  std::string address;
  std::uint32_t port = 0;  // 0: none
  By by;
  auto operator<=>(const NetworkFact&) const = default;
};

struct ExecFact {
  std::string path;  // resolved path of the program that was started
  By by;
  auto operator<=>(const ExecFact&) const = default;
};

// Whom a process looked into, or sent a signal.
enum class Side : std::uint8_t {
  Program,  // another one of the same scope, or itself
  Outside,  // a process out of the scope
  Unknown,
};

// A signal that was sent, by a system call that AppArmor is asked about.
struct SignalFact {
  std::uint32_t signal = 0;
  Side other = Side::Unknown;
  By by;
  auto operator<=>(const SignalFact&) const = default;
};

// A start of the program by execve: the user and group of the process, in the
// numbers of the initial user namespace; what it changes to later is not told.
struct UserFact {
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  // The program's file gave it another user or group than that (setuid,
  // setgid).
  bool raised = false;
  By by;
  auto operator<=>(const UserFact&) const = default;
};

// Letters of FileFact::access: append, create, delete, inherited (the others
// then say how the descriptor was open), lock (k), link, map executable, own
// (o: chown), permit (p: chmod), read, write, execute.
constexpr std::string_view kAccessLetters = "acdiklmoprwx";

// The kind in Recording::probes that says that calls which only name a path
// (unlink, rename, mkdir, ...) became file facts, too. Without it they are
// counted among the calls alone, and which files they changed is unknown.
constexpr std::string_view kPathProbe = "paths";

// The kind in Recording::probes that says that executing a script is a fact of
// its starter. Without it, only that an interpreter read it is.
constexpr std::string_view kScriptProbe = "scripts";

// The kind in Recording::probes that says that a file which an open or a rename
// made has the fact `c` alone, beside that of the open or the rename. Without
// it, an open with O_CREAT does not tell whether the file was there.
constexpr std::string_view kMadeProbe = "made";

// The kind in Recording::probes that says that the folders were looked into
// where files were made (Recording::found). Without it, what else they hold is
// unknown.
constexpr std::string_view kFoundProbe = "found";

// One way in which a file was accessed; another way is another fact.
struct FileFact {
  // As AppArmor is asked: resolved, below the root of the mount namespace, with
  // a slash at the end of a folder. Without one at the begin it is on no mount:
  // "tmpfs:memfd:x", "disconnected:/x".
  std::string path;
  std::string access;  // some of kAccessLetters, in that order
  // The file was the accessing user's own; nullopt if a call only named it. The
  // path then is the name's, over links as they were when the recording ended.
  std::optional<bool> owner;
  By by;
  auto operator<=>(const FileFact&) const = default;
};

// The kind in Recording::probes that says that mounts were watched, and the one
// that says that looking into other processes was. Without it, that there is no
// such fact says nothing.
constexpr std::string_view kMountProbe = "mounts";
constexpr std::string_view kTraceProbe = "traces";

// MountFact::operation: which of its questions AppArmor is asked
// (security/apparmor/lsm.c, apparmor_sb_mount and those beside it).
constexpr std::string_view kMountOperations[] = {
    "bind", "mount", "move", "pivot_root", "propagation", "remount", "umount"};

// A change to what is mounted where. Paths are those of FileFact.
struct MountFact {
  std::string operation;  // one of kMountOperations
  std::string fstype;     // of "mount"; else empty
  // What the kernel was asked for, in AppArmor's words, sorted: "nosuid", "ro"
  // or "rw", "rbind"; "0x2000000" for a flag that has none.
  std::vector<std::string> options;
  // The path of a folder or a device; of a file system that needs none the text
  // that stands for one; of "pivot_root" where the old root goes. Empty: there
  // is none. nullopt: not known.
  std::optional<std::string> source;
  std::optional<std::string> target;  // nullopt: not known
  By by;
  auto operator<=>(const MountFact&) const = default;
};

// A look into another process (ptrace, process_vm_readv, files of /proc/PID),
// as AppArmor is asked about it. What a process may see of itself needs no
// permission.
struct TraceFact {
  std::string access;  // "read", or "trace": to change it
  Side other = Side::Unknown;
  std::string exe;  // of Side::Program: its file
  By by;
  auto operator<=>(const TraceFact&) const = default;
};

// ProcessKey::script of a runtime's process that has not started the program
// yet: facts before the container's filter are of no interest to a policy,
// those after it are what the runtime needs itself. "exec" is a later program
// in a running container.
constexpr std::string_view kBeforeFilter = "before the filter";
constexpr std::string_view kAfterFilter = "after the filter";
constexpr std::string_view kExecBeforeFilter = "exec, before the filter";
constexpr std::string_view kExecAfterFilter = "exec, after the filter";

// One program as it ran in one role.
struct ProcessKey {
  std::string exe;                      // resolved path in its own root
  std::optional<std::string> build_id;  // nullopt unknown, "" has none
  // Script path or argv[0] where it tells more than exe; the words above.
  std::string script;
  Origin origin = Origin::App;
  std::string parent;  // exe of the program that started it; "" none in scope
  auto operator<=>(const ProcessKey&) const = default;
};

struct Process {
  ProcessKey key;
  std::vector<SyscallFact> syscalls;  // sorted by (arch, nr)
  std::vector<FileFact> files;
  std::vector<CapabilityFact> capabilities;
  std::vector<NetworkFact> network;
  std::vector<ExecFact> execs;
  std::vector<SignalFact> signals;
  // None for a program that ran before the recording, or in a user namespace
  // of its own.
  std::vector<UserFact> users;
  std::vector<MountFact> mounts;
  std::vector<TraceFact> traces;
  auto operator<=>(const Process&) const = default;
};

// Merged facts of any number of recordings. Canonical: everything sorted, keys
// unique (see canonical() in merge.h).
struct Evidence {
  Workload workload;
  std::vector<Recording> recordings;  // sorted by id
  std::vector<Process> processes;     // sorted by key
  auto operator<=>(const Evidence&) const = default;
};

// True if there is a fact of the application: of its main program or of one
// that it runs. Without any, a policy would deny all that the workload does.
bool has_application(const Evidence& evidence);

// "mount tmpfs (nosuid, rw) none at /x/", "read /usr/bin/gdb", for people;
// names are quoted.
std::string describe(const MountFact& fact);
std::string describe(const TraceFact& fact);

// The files that a process accessed, whatever the way.
std::set<std::string_view> paths_in(const Process& process);

std::string_view to_string(Origin origin);
std::optional<Origin> origin_from(std::string_view name);
std::string_view to_string(State state);
std::string_view to_string(Side side);
std::optional<Side> side_from(std::string_view name);

}  // namespace vambrace::evidence
