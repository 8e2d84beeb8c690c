#include "recorder/ebpf/frame.h"

#include <sys/random.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <fstream>

#include "host/disk_files.h"
#include "recorder/ebpf/rules.h"

namespace vambrace::recorder::ebpf {
namespace {

std::int64_t nanoseconds(clockid_t clock) {
  timespec now{};
  ::clock_gettime(clock, &now);
  return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

evidence::Instant wall_now() {
  return evidence::Instant(
      std::chrono::microseconds(nanoseconds(CLOCK_REALTIME) / 1000));
}

Result<std::string> fresh_id() {
  unsigned char bytes[16];
  if (::getrandom(bytes, sizeof bytes, 0) != sizeof bytes) {
    return std::unexpected(system_error("getrandom", errno));
  }
  std::string id;
  for (const unsigned char byte : bytes) {
    id += fmt::format("{:02x}", byte);
  }
  return id;
}

std::string base_name(const std::string& path) {
  return path.substr(path.rfind('/') + 1);
}

std::string scope_text(const Scope& scope) {
  if (!scope.container.empty()) {
    return "container " + scope.container;
  }
  if (scope.pid) {
    return fmt::format("pid {}", *scope.pid);
  }
  return scope.cgroup.empty() ? "command" : "cgroup " + scope.cgroup;
}

// Words stay apart and readable: "spiffe://local/nginx".
std::string identity(const std::string& name) {
  std::string clean;
  for (const char c : base_name(name)) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                       (c >= '0' && c <= '9') || c == '-' || c == '.' ||
                       c == '_';
    clean += plain ? c : '-';
  }
  return "spiffe://local/" + (clean.empty() ? "workload" : clean);
}

std::string derived_identity(const Scope& scope) {
  if (!scope.container.empty()) {
    return identity(scope.container);
  }
  if (!scope.command.empty()) {
    return identity(scope.command[0]);
  }
  if (scope.pid) {
    std::ifstream file(fmt::format("/proc/{}/comm", *scope.pid));
    std::string name;
    std::getline(file, name);
    return identity(name);
  }
  return identity(scope.cgroup);
}

// One of several workloads is this container.
void become(Frame& frame, const FoundContainer& container) {
  frame.scope = container.scope;
  frame.workload.container = container.name;
  frame.recording.image = container.image;
  frame.recording.mounts = container.mounts;
  frame.recording.runtime = container.runtime;
  frame.recording.scope = "container " + container.name;
  frame.gaps.insert(frame.gaps.end(), container.gaps.begin(),
                    container.gaps.end());
}

std::uint32_t status_number(const std::string& key) {
  std::ifstream file("/proc/self/status");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with(key + ":")) {
      return static_cast<std::uint32_t>(
          std::strtoul(line.c_str() + key.size() + 1, nullptr, 10));
    }
  }
  return 0;
}

}  // namespace

Result<Frame> make_frame(const Scope& scope, const Options& options) {
  Frame frame;
  utsname host{};
  ::uname(&host);
  // Several workloads get theirs from their selectors.
  frame.workload.id = !options.workload_id.empty() || !scope.workloads.empty()
                          ? options.workload_id
                          : derived_identity(scope);
  frame.workload.container = scope.container;
  evidence::Recording& recording = frame.recording;
  TRY_ASSIGN(recording.id, fresh_id());
  recording.recorder = "ebpf";
  recording.recorder_version = VAMBRACE_VERSION;
  recording.start = recording.end = wall_now();
  recording.kernel = host.release;
  recording.arch = kernel::to_string(static_cast<kernel::Arch>(native_arch()));
  recording.scope = scope_text(scope);
  recording.runtime =
      scope.command.empty() || !scope.container.empty() ? "" : "process";
  recording.host = host.nodename;
  recording.command = scope.command;
  if (options.redact) {
    for (std::size_t i = 1; i < recording.command.size(); ++i) {
      recording.command[i] = "(redacted)";
    }
  }
  frame.clock_offset =
      nanoseconds(CLOCK_REALTIME) - nanoseconds(CLOCK_MONOTONIC);
  frame.light = options.light;
  frame.redact = options.redact;
  frame.with_harness = !scope.workloads.empty();
  frame.probe_commands.insert(options.probe_commands.begin(),
                              options.probe_commands.end());
  return frame;
}

Result<vmb_image> launcher_image(std::uint32_t scope, std::uint32_t pid) {
  std::error_code error;
  const std::string exe =
      std::filesystem::read_symlink("/proc/self/exe", error).string();
  struct stat info{};
  if (error || ::stat("/proc/self/exe", &info) != 0) {
    return fail(ErrorCode::Internal, "cannot read /proc/self/exe");
  }
  vmb_image image{};
  image.key.inode = info.st_ino;
  image.key.device = ::major(info.st_dev) << 20 | ::minor(info.st_dev);
  image.key.scope = scope;
  image.key.kind = VMB_IMAGE_LAUNCHER;
  image.first = static_cast<u64>(nanoseconds(CLOCK_MONOTONIC));
  image.tgid = pid;
  image.flags = VMB_IMAGE_READY;
  if (status_number("Seccomp") == 2) {
    image.flags |= VMB_IMAGE_FILTERED;
  }
  // Components leaf first, as the kernel side writes them.
  std::size_t end = exe.size();
  while (end > 0 && image.path_bytes + end < VMB_PATH_BYTES) {
    const std::size_t slash = exe.rfind('/', end - 1);
    if (slash == std::string::npos) {
      break;
    }
    const std::string part = exe.substr(slash + 1, end - slash - 1);
    std::memcpy(image.path + image.path_bytes, part.c_str(), part.size() + 1);
    image.path_bytes += static_cast<u32>(part.size()) + 1;
    end = slash;
  }
  return image;
}

std::vector<evidence::Evidence> evidences_of(
    const Raw& raw, Frame frame, const std::vector<std::string>& workloads,
    const std::map<std::size_t, FoundContainer>& containers) {
  frame.recording.end = wall_now();
  const auto flags_of = [&](std::uint32_t number) -> std::uint32_t {
    const std::uint32_t main =
        number < raw.scopes.size() ? raw.scopes[number].main_image : 0;
    return main < raw.images.size() ? raw.images[main].flags : 0;
  };
  std::vector<evidence::Evidence> result;
  const std::size_t count = std::max<std::size_t>(workloads.size(), 1);
  for (std::uint32_t i = 0; i < count; ++i) {
    Frame each = frame;
    each.scope = frame.scope + i;
    const auto container = containers.find(i);
    if (container != containers.end()) {
      become(each, container->second);
    }
    each.recording.no_new_privs =
        (flags_of(each.scope) & VMB_IMAGE_NO_NEW_PRIVS) != 0;
    if (!workloads.empty() && each.workload.id.empty()) {
      each.workload.id =
          identity(container_selector(workloads[i]).value_or(workloads[i]));
    }
    if (!workloads.empty() && container == containers.end() &&
        raw.scopes.size() > each.scope &&
        raw.scopes[each.scope].main_image == 0) {
      each.gaps.push_back(
          {"scope_lost", "no program matched --workload " + workloads[i]});
    }
    result.push_back(assemble(raw, each));
  }
  return result;
}

}  // namespace vambrace::recorder::ebpf
