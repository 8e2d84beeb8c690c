#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "evidence/evidence.h"
#include "evidence/span.h"

namespace vambrace::recorder {

// What to watch. Exactly one of command, pid, cgroup, container is set, except
// that `container` with `command` waits for a container that the command
// creates.
struct Scope {
  std::vector<std::string> command;
  std::optional<int> pid;
  std::string cgroup;     // path below the cgroup2 mount
  std::string container;  // name or id
  // Paths, basenames or container names of the workloads; empty: the command.
  std::vector<std::string> workloads;
};

// Where files are seen: in the hooks of the security modules, where the kernel
// lets us, or else at the exits of calls.
enum class FileProbe : std::uint8_t { Automatic, Hooks, Calls };

struct Options {
  bool light = false;  // no sys_exit probe: no errnos, no denied attempts
  FileProbe file_probe = FileProbe::Automatic;
  // See a command's calls as they enter, too, where their exits alone would
  // tell them. (docs/decisions/0016-calls-by-their-exits.md)
  bool enters = false;
  bool redact = true;
  std::string user;         // run the command as this user; empty: as we are
  std::string workload_id;  // evidence identity; empty: derived from the scope
  std::vector<std::string> probe_commands;
  std::string pin_directory;  // below bpffs; empty: not pinned
  std::string output;         // where the evidence is to go, for `stop`
  // Count in slices of time, so that divide() can also split the counts of
  // calls that several tests make.
  bool slices = false;
  // Table sizes, to be made tiny in tests. 0: default.
  std::uint32_t max_tasks = 0;
  std::uint32_t max_images = 0;
  std::uint32_t max_facts = 0;
  std::uint32_t ring_bytes = 0;
};

// A look at a recording in progress.
struct Progress {
  std::chrono::milliseconds elapsed{};
  std::uint64_t distinct_facts = 0;
  std::uint64_t events_lost = 0;
  std::string phase;
  std::chrono::milliseconds since_new_fact{};
  bool waiting = false;       // for the first process of the scope
  bool asked_to_end = false;  // by end() or `vambrace stop`
};

// Watches one scope. start() returns when every probe is in place and before
// the command runs; finish() detaches and collects. One thread at a time.
class Recorder {
 public:
  virtual ~Recorder() = default;
  virtual Result<> start(const Scope& scope, const Options& options) = 0;
  // What happens from here on belongs to this phase.
  virtual Result<> mark(const std::string& phase) = 0;
  // Waits up to `timeout`; the exit status of the command once it has ended.
  virtual Result<std::optional<int>> wait(
      std::chrono::milliseconds timeout) = 0;
  // Asks the command, if there is one, to end; wait() then takes at most ten
  // seconds more.
  virtual void end() = 0;
  virtual Progress progress() const = 0;
  // When each test may have run, told before finish(): what lies wholly inside
  // the time of one test alone gets that test's name as its phase.
  virtual void divide(evidence::Spans tests) = 0;
  // One evidence per workload, in the order of Scope::workloads.
  virtual Result<std::vector<evidence::Evidence>> finish() = 0;
  // What finish() could not remove from the kernel, where every call of every
  // process goes on paying for it; nullopt: nothing.
  virtual std::optional<Error> left_behind() const = 0;
};

}  // namespace vambrace::recorder
