#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <ctime>

#include "host/disk_files.h"
#include "recorder/ebpf/cgroups.h"
#include "recorder/ebpf/ebpf_recording.h"
#include "recorder/ebpf/oci.h"
#include "recorder/ebpf/selectors.h"

namespace vambrace::recorder::ebpf {
namespace {

std::uint64_t ktime_now() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 +
         static_cast<std::uint64_t>(now.tv_nsec);
}

}  // namespace

// Whether tasks of the scope may begin under a seccomp filter: those of a
// container do, and what we start inherits ours. Others may have anything.
bool begins_filtered(const Scope& scope) {
  if (scope.command.empty() || !scope.container.empty() ||
      std::ranges::any_of(scope.workloads, [](const std::string& workload) {
        return container_selector(workload).has_value();
      })) {
    return true;
  }
  const auto status = DiskFiles().read("/proc/self/status");
  return !status || !status->contains("\nSeccomp:\t0\n");
}

Result<> EbpfRecorder::prepare_control() {
  const Maps& maps = session_->maps();
  vmb_phase first{};
  first.start = ktime_now();
  std::memcpy(first.name, "startup", 7);
  TRY(maps.put("phases", std::uint32_t{0}, first));
  control_->phases = 1;
  control_->epoch = 1;
  control_->enters_from = session_->sees_enters() ? 0 : VMB_NEVER;
  control_->scopes = 2;
  if (!scope_.workloads.empty()) {
    control_->scopes = static_cast<std::uint32_t>(scope_.workloads.size()) + 1;
    for (std::uint32_t i = 0; i < scope_.workloads.size(); ++i) {
      if (const auto name = container_selector(scope_.workloads[i])) {
        TRY_ASSIGN(auto awaited, AwaitedContainer::of(*name, false));
        awaited_.push_back({i, std::move(awaited)});
        TRY(watch_new_cgroups());
        continue;
      }
      TRY_ASSIGN(const auto keys, selector_keys(scope_.workloads[i]));
      for (const vmb_selector_key& key : keys) {
        TRY(maps.put("selectors", key, i + 1));
      }
    }
    control_->selectors = static_cast<std::uint32_t>(scope_.workloads.size());
  }
  return {};
}

// The launcher's own image is written by us: it is not seen at an execve.
Result<> EbpfRecorder::start_command() {
  TRY_ASSIGN(launcher_, Launcher::prepare(scope_.command, options_.user));
  const auto pid = static_cast<std::uint32_t>(launcher_->pid());
  // The harness, where the workload is something else than the command.
  const std::uint32_t home =
      scope_.workloads.empty() && scope_.container.empty() ? 1 : 0;
  const Maps& maps = session_->maps();

  TRY_ASSIGN(const vmb_image image, launcher_image(home, pid));
  TRY(maps.put("images", std::uint32_t{1}, image));
  programs_.look(1, image, 0);
  counters_->images = 1;
  vmb_scope scope{};
  scope.main_pid = pid;
  TRY(maps.put("scopes", home, scope));
  vmb_task task{};
  task.image = 1;
  task.scope = home;
  task.flags = VMB_TASK_FIRST_EXIT | VMB_TASK_TREE;
  TRY(maps.put("tasks", pid, task));
  main_pid_ = pid;
  control_->enabled = 1;
  __atomic_fetch_add(&control_->epoch, 1, __ATOMIC_SEQ_CST);
  return {};
}

void EbpfRecorder::add_late(const std::vector<int>& tids, std::uint32_t flags) {
  vmb_task task{};
  task.scope = 1;
  task.flags = VMB_TASK_FIRST_EXIT | VMB_TASK_LATE | flags;
  for (const int tid : tids) {
    const auto key = static_cast<std::uint32_t>(tid);
    // Already there: it was forked by one of ours, and inherits.
    if (bpf_map_update_elem(session_->maps().fd("tasks"), &key, &task,
                            BPF_NOEXIST) != 0 &&
        errno != EEXIST) {
      counters_->tasks_refused = counters_->tasks_refused + 1;
    }
  }
}

// Known without any image: those threads may never make another call.
void EbpfRecorder::say_late(std::size_t threads) {
  if (threads != 0) {
    frame_.gaps.push_back(
        {"attached_late",
         fmt::format("{} threads ran before recording began", threads)});
  }
}

Result<> EbpfRecorder::start_pid(int pid) {
  if (::kill(pid, 0) != 0) {
    return std::unexpected(
        Error(ErrorCode::NotFound, fmt::format("no process {}", pid))
            .with_hint("look with: ps -e"));
  }
  if (is_kernel_thread(pid)) {
    return std::unexpected(
        Error(ErrorCode::InvalidInput,
              fmt::format("process {} is a thread of the kernel, which makes "
                          "no system calls",
                          pid))
            .with_hint("name a program's process; look with: ps -e"));
  }
  main_pid_ = static_cast<std::uint32_t>(pid);
  vmb_scope scope{};
  scope.main_pid = main_pid_;
  scope.user_ns = user_namespace_of(pid);
  TRY(session_->maps().put("scopes", std::uint32_t{1}, scope));
  // Twice: the fork probe follows those that began in between.
  const std::vector<int> threads = threads_below(pid);
  say_late(threads.size());
  add_late(threads, VMB_TASK_TREE);
  add_late(threads_below(pid), VMB_TASK_TREE);
  control_->enabled = 1;
  __atomic_fetch_add(&control_->epoch, 1, __ATOMIC_SEQ_CST);
  return {};
}

Result<> EbpfRecorder::start_cgroup(const std::string& path, int main_pid) {
  TRY_ASSIGN(const std::uint64_t id, cgroup_id(path));
  cgroup_ = path;
  const Maps& maps = session_->maps();
  vmb_scope scope{};
  scope.cgroup = id;
  TRY_ASSIGN(auto threads, threads_in(path));
  main_pid_ = static_cast<std::uint32_t>(
      main_pid != 0 || threads.empty() ? main_pid : threads.front());
  scope.main_pid = main_pid_;
  scope.user_ns = user_namespace_of(static_cast<int>(main_pid_));
  // Who ran before is late; who comes later is a session.
  scope.first_tgid = threads.empty() ? 0 : ~0U;
  std::memcpy(scope.path, path.data(),
              std::min(path.size(), sizeof scope.path - 1));
  TRY(maps.put("scopes", std::uint32_t{1}, scope));
  TRY(maps.put("scope_cgroups", id, std::uint32_t{1}));
  say_late(threads.size());
  add_late(threads, 0);
  TRY_ASSIGN(threads, threads_in(path));
  add_late(threads, 0);
  control_->cgroups = 1;
  control_->enabled = 1;
  __atomic_fetch_add(&control_->epoch, 1, __ATOMIC_SEQ_CST);
  return {};
}

Result<> EbpfRecorder::start_container() {
  if (const auto known = running_container(scope_.container)) {
    container_.pid = known->pid;
    container_.runtime = known->runtime;
    return attach_container();
  }
  TRY_ASSIGN(const Docker docker, Docker::connect(docker_socket()));
  TRY_ASSIGN(const auto found, docker.inspect(scope_.container));
  const std::string from_start = fmt::format(
      "vambrace record --container {0} -- docker run --name {0} ...",
      scope_.container);
  if (!found) {
    return std::unexpected(
        Error(ErrorCode::NotFound,
              fmt::format("no container {}", scope_.container))
            .with_hint("see docker ps; to record it from its start: " +
                       from_start));
  }
  if (found->pid == 0) {
    return std::unexpected(
        Error(ErrorCode::NotFound,
              fmt::format("container {} is not running", scope_.container))
            .with_hint("see docker ps; to record it from its start: " +
                       from_start));
  }
  container_ = *found;
  return attach_container();
}

// It may end at any moment until its threads are known.
Result<> EbpfRecorder::attach_container() {
  const auto path = cgroup_of(container_.pid);
  // A process that is gone is in no cgroup, or in the root of all.
  if (path && *path != "/" && start_cgroup(*path, container_.pid) &&
      scope_is_alive()) {
    return {};
  }
  control_->enabled = 0;
  return std::unexpected(
      Error(ErrorCode::Unavailable,
            fmt::format("container {} ended before it could be recorded",
                        scope_.container))
          .with_hint("record it from its start: vambrace record --container "
                     "NAME -- docker run --name NAME ..."));
}

Result<> EbpfRecorder::await_container() {
  TRY_ASSIGN(auto awaited,
             AwaitedContainer::of(scope_.container,
                                  scope_.command.front().ends_with("docker")));
  awaited_.push_back({std::nullopt, std::move(awaited)});
  frame_.with_harness = true;
  return watch_new_cgroups();
}

Result<> EbpfRecorder::watch_new_cgroups() {
  TRY_ASSIGN(const std::string mount, cgroup2_mount());
  control_->provisional = 1;
  control_->cgroups = 1;
  return {};
}

}  // namespace vambrace::recorder::ebpf
