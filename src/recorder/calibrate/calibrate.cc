#include "recorder/calibrate/calibrate.h"

#include <sys/utsname.h>
#include <unistd.h>

#include <cstdio>
#include <memory>

#include "host/disk_files.h"
#include "recorder/calibrate/bundle.h"
#include "recorder/calibrate/observed.h"
#include "recorder/ebpf/cgroups.h"
#include "recorder/ebpf/ebpf_recorder.h"

namespace vambrace::recorder {
namespace {

using runtime::Runtime;
using runtime::RuntimeLayer;

constexpr unsigned kOtherUser = 1000;

std::string first_line_of(const std::string& command) {
  const std::unique_ptr<FILE, int (*)(FILE*)> output(
      ::popen(command.c_str(), "r"), ::pclose);
  char line[256] = {};
  if (!output || std::fgets(line, sizeof line, output.get()) == nullptr) {
    return "";
  }
  const std::string text(line);
  return text.substr(0, text.find('\n'));
}

// $1 runtime, $2 bundle, $3 id, $4 program. Whatever happens, the container is
// gone at the end.
constexpr const char* kOneStart = R"(
trap '"$1" delete --force "$3" >/dev/null 2>&1' EXIT
trap 'exit 1' INT TERM
"$1" run --detach --bundle "$2" "$3" </dev/null >/dev/null 2>"$2/said" &&
  "$1" exec "$3" "$4" end </dev/null >/dev/null 2>>"$2/said"
)";

constexpr const char* kPlainCgroups =
    "umount -l /sys/fs/cgroup && mount -t cgroup2 none /sys/fs/cgroup && "
    "exec \"$@\"";

std::vector<std::string> start_command(const InstalledRuntime& installed,
                                       const std::string& bundle,
                                       const std::string& id) {
  std::vector<std::string> words;
  if (installed.needs_plain_cgroups) {
    words = {"unshare", "-m", "sh", "-c", kPlainCgroups, "sh"};
  }
  const std::string runtime(runtime::to_string(installed.runtime));
  for (const std::string& word :
       {std::string("sh"), std::string("-c"), std::string(kOneStart),
        std::string("sh"), runtime, bundle, id,
        std::string(kCalibrationProgram)}) {
    words.push_back(word);
  }
  return words;
}

Result<evidence::Evidence> record_start(const InstalledRuntime& installed,
                                        const CalibrationBundle& bundle,
                                        const std::string& id) {
  const auto recorder = ebpf::make_recorder();
  Scope scope;
  scope.container = id;
  scope.command = start_command(installed, bundle.path(), id);
  TRY(recorder->start(scope, Options{}));
  std::optional<int> status;
  while (!status) {
    TRY_ASSIGN(status, recorder->wait(std::chrono::seconds(1)));
  }
  TRY_ASSIGN(auto evidences, recorder->finish());
  if (*status != 0) {
    const DiskFiles files;
    const auto said = files.read(bundle.path() + "/said");
    return std::unexpected(
        Error(ErrorCode::Unavailable,
              fmt::format("{} does not start a container here: {}",
                          runtime::to_string(installed.runtime),
                          said ? said->substr(0, said->find('\n')) : ""))
            .with_hint("start one by hand first; as root, with cgroup v2"));
  }
  evidence::Evidence& evidence = evidences.front();
  if (evidence.recordings.front().verdict.state ==
      evidence::State::Incomplete) {
    std::string missing;  // the filter is the bundle's own
    for (const auto& gap : evidence.recordings.front().verdict.gaps) {
      if (gap.kind != "filter_active") {
        missing += fmt::format("{}{}: {}", missing.empty() ? "" : "; ",
                               gap.kind, gap.detail);
      }
    }
    return std::unexpected(
        Error(ErrorCode::Unavailable, "a start was not wholly seen: " + missing)
            .with_hint("calibrate again"));
  }
  return std::move(evidence);
}

std::string method_text() {
  utsname host{};
  ::uname(&host);
  return fmt::format(
      "recorded by vambrace {} around `run` and `exec` of a static program "
      "under an allow-all filter, as uid 0 and {}; the union of all calls that "
      "a thread of the runtime's init entered between its new filter and its "
      "execve. Linux {}, {}.",
      VAMBRACE_VERSION, kOtherUser, host.release, host.machine);
}

}  // namespace

Result<InstalledRuntime> find_runtime(Runtime runtime) {
  const std::string name(runtime::to_string(runtime));
  const std::string said = first_line_of(name + " --version 2>/dev/null");
  const std::string before = name + " version ";
  if (!said.starts_with(before)) {
    return std::unexpected(
        Error(ErrorCode::Unavailable, name + " is not installed here")
            .with_hint("install it (apt-get install " + name +
                       "), or leave the layer that ships in place"));
  }
  InstalledRuntime found{.runtime = runtime};
  TRY_ASSIGN(found.version, runtime::parse_version(said.substr(before.size())));
  TRY_ASSIGN(const std::string mount, ebpf::cgroup2_mount());
  found.needs_plain_cgroups =
      runtime == Runtime::Crun && mount != "/sys/fs/cgroup";
  return found;
}

Result<RuntimeLayer> calibrate(
    const InstalledRuntime& installed, bool no_new_privs, std::uint64_t runs,
    const std::function<void(std::uint64_t)>& progress) {
  runtime::Target target;
  target.runtime = installed.runtime;
  target.runtime_version = installed.version;
  target.no_new_privs = no_new_privs;
  const RuntimeLayer& shipped = runtime::runtime_layer(target);

  RuntimeLayer layer;
  layer.runtime = installed.runtime;
  layer.version = installed.version;
  layer.no_new_privs = no_new_privs;
  layer.method = method_text();
  layer.closure = shipped.closure;
  layer.closure_why = shipped.closure_why;
  TRY_ASSIGN(const auto bundle, CalibrationBundle::create());
  for (std::uint64_t run = 1; run <= runs; ++run) {
    progress(run);
    TRY(bundle.configure(run % 2 == 0 ? kOtherUser : 0, no_new_privs));
    const std::string id =
        fmt::format("vambrace-calibrate-{}-{}", ::getpid(), run);
    TRY_ASSIGN(const auto evidence, record_start(installed, bundle, id));
    const ObservedLayer seen = observed_layer(evidence);
    if (seen.start.empty() || seen.exec.empty()) {
      return std::unexpected(
          Error(ErrorCode::Unsupported,
                fmt::format("{} loaded no filter that could be seen",
                            runtime::to_string(installed.runtime)))
              .with_hint("it may be built without seccomp: see its --version"));
    }
    unite(layer.start, seen.start);
    unite(layer.exec, seen.exec);
    ++layer.runs;
    ++layer.exec_runs;
  }
  return layer;
}

}  // namespace vambrace::recorder
