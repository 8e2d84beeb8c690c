#include "recorder/ebpf/cgroups.h"

#include <sys/stat.h>

#include <charconv>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "host/disk_files.h"

namespace vambrace::recorder::ebpf {
namespace {

namespace fs = std::filesystem;

void add_threads(const fs::path& folder, std::vector<int>& threads) {
  std::ifstream file(folder / "cgroup.threads");
  for (int tid = 0; file >> tid;) {
    threads.push_back(tid);
  }
}

std::optional<int> number_of(const std::string& text) {
  int value = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) {
    return std::nullopt;
  }
  return value;
}

// What /proc/PID/stat says behind the name's closing parenthesis
// (proc_pid_stat(5)); all 0 if there is no such process.
struct Stat {
  char state = 0;
  int parent = 0;
  std::uint32_t flags = 0;
};

Stat stat_of(int pid) {
  std::ifstream file(fmt::format("/proc/{}/stat", pid));
  std::string text;
  std::getline(file, text);
  Stat stat;
  const std::size_t close = text.rfind(')');
  if (close == std::string::npos) {
    return stat;
  }
  std::istringstream rest(text.substr(close + 1));
  std::string skipped;
  rest >> stat.state >> stat.parent;
  for (int i = 0; i < 4; ++i) {
    rest >> skipped;  // group, session, terminal and its group
  }
  rest >> stat.flags;
  return stat;
}

}  // namespace

Result<std::string> cgroup2_mount() {
  std::ifstream mounts("/proc/self/mounts");
  for (std::string line; std::getline(mounts, line);) {
    std::istringstream words(line);
    std::string device;
    std::string place;
    std::string type;
    words >> device >> place >> type;
    if (type == "cgroup2") {
      return place;
    }
  }
  return std::unexpected(
      Error(ErrorCode::Unsupported, "no cgroup v2 hierarchy is mounted")
          .with_hint("mount one: mkdir -p /sys/fs/cgroup/unified && mount -t "
                     "cgroup2 none /sys/fs/cgroup/unified"));
}

Result<std::string> cgroup_of(int pid) {
  std::ifstream file(fmt::format("/proc/{}/cgroup", pid));
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("0::")) {
      return line.substr(3);
    }
  }
  return fail(ErrorCode::NotFound, "process {} is in no cgroup v2", pid);
}

Result<std::uint64_t> cgroup_id(const std::string& path) {
  TRY_ASSIGN(const std::string mount, cgroup2_mount());
  struct stat info{};
  // The inode of a cgroup's folder is its number (64-bit kernels).
  if (::stat((mount + "/" + path).c_str(), &info) != 0 ||
      !S_ISDIR(info.st_mode)) {
    return fail(ErrorCode::NotFound, "no cgroup {} below {}", path, mount);
  }
  return info.st_ino;
}

std::uint32_t user_namespace_of(int pid) {
  struct stat info{};
  return ::stat(fmt::format("/proc/{}/ns/user", pid).c_str(), &info) == 0
             ? static_cast<std::uint32_t>(info.st_ino)
             : 0;
}

Result<std::vector<int>> threads_in(const std::string& path) {
  TRY_ASSIGN(const std::string mount, cgroup2_mount());
  std::vector<int> threads;
  const fs::path root = mount + "/" + path;
  add_threads(root, threads);
  std::error_code error;
  for (fs::recursive_directory_iterator entry(root, error), end;
       !error && entry != end; entry.increment(error)) {
    if (entry->is_directory(error)) {
      add_threads(entry->path(), threads);
    }
  }
  return threads;
}

bool is_kernel_thread(int pid) {
  constexpr std::uint32_t kKernelThread = 0x00200000;  // linux/sched.h
  return (stat_of(pid).flags & kKernelThread) != 0;
}

std::vector<int> threads_below(int pid) {
  std::multimap<int, int> children;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator("/proc", error)) {
    if (const auto number = number_of(entry.path().filename().string())) {
      children.emplace(stat_of(*number).parent, *number);
    }
  }
  std::vector<int> processes{pid};
  for (std::size_t i = 0; i < processes.size(); ++i) {
    const auto [first, last] = children.equal_range(processes[i]);
    for (auto child = first; child != last; ++child) {
      processes.push_back(child->second);
    }
  }
  std::vector<int> threads;
  for (const int process : processes) {
    const std::string tasks = fmt::format("/proc/{}/task", process);
    for (const auto& entry : fs::directory_iterator(tasks, error)) {
      if (const auto tid = number_of(entry.path().filename().string())) {
        threads.push_back(*tid);
      }
    }
  }
  return threads;
}

}  // namespace vambrace::recorder::ebpf
