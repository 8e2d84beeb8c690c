#include "attest/processes.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <charconv>
#include <map>
#include <memory>
#include <optional>
#include <set>

#include "attest/command_output.h"
#include "base/fd.h"
#include "base/json.h"

namespace vambrace::attest {
namespace {

std::optional<std::string> contents(const std::string& path) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) {
    return std::nullopt;
  }
  std::string text;
  char buffer[4096];
  for (;;) {
    const ssize_t n = ::read(fd.get(), buffer, sizeof buffer);
    if (n < 0) {
      return std::nullopt;
    }
    if (n == 0) {
      return text;
    }
    text.append(buffer, static_cast<std::size_t>(n));
  }
}

std::vector<int> numbers_in(const std::string& directory) {
  std::vector<int> result;
  const std::unique_ptr<DIR, int (*)(DIR*)> dir(::opendir(directory.c_str()),
                                                &::closedir);
  if (!dir) {
    return result;
  }
  while (const dirent* entry = ::readdir(dir.get())) {
    const std::string_view name = entry->d_name;
    int number = 0;
    const auto [end, error] =
        std::from_chars(name.data(), name.data() + name.size(), number);
    if (error == std::errc() && end == name.data() + name.size()) {
      result.push_back(number);
    }
  }
  return result;
}

// The pid namespace as the kernel writes it; empty if it cannot be read.
std::string pid_namespace(const std::string& process) {
  char text[64];
  const ssize_t n = ::readlink(fmt::format("/proc/{}/ns/pid", process).c_str(),
                               text, sizeof text);
  return n > 0 ? std::string(text, static_cast<std::size_t>(n)) : "";
}

// The parent, the fourth field of /proc/PID/stat; the second may hold anything
// up to its last parenthesis.
std::optional<int> parent_of(int pid) {
  const std::optional<std::string> stat =
      contents(fmt::format("/proc/{}/stat", pid));
  if (!stat) {
    return std::nullopt;
  }
  const std::size_t end = stat->rfind(") ");
  int parent = 0;
  if (end == std::string::npos || end + 4 > stat->size()) {
    return std::nullopt;
  }
  const char* from = stat->data() + end + 4;
  const auto [rest, error] =
      std::from_chars(from, stat->data() + stat->size(), parent);
  return error == std::errc() ? std::optional(parent) : std::nullopt;
}

std::set<int> in_namespace(const std::string& ns) {
  std::set<int> result;
  for (const int pid : numbers_in("/proc")) {
    if (pid_namespace(std::to_string(pid)) == ns) {
      result.insert(pid);
    }
  }
  return result;
}

std::set<int> descendants(int root) {
  std::multimap<int, int> children;
  for (const int pid : numbers_in("/proc")) {
    if (const std::optional<int> parent = parent_of(pid)) {
      children.emplace(*parent, pid);
    }
  }
  std::set<int> result;
  std::vector<int> next = {root};
  while (!next.empty()) {
    const int pid = next.back();
    next.pop_back();
    result.insert(pid);
    for (auto [at, end] = children.equal_range(pid); at != end; ++at) {
      next.push_back(at->second);
    }
  }
  return result;
}

void add_threads(int pid, std::vector<ThreadState>& threads) {
  const std::string tasks = fmt::format("/proc/{}/task", pid);
  for (const int tid : numbers_in(tasks)) {
    const std::optional<std::string> text =
        contents(fmt::format("{}/{}/status", tasks, tid));
    if (!text) {
      continue;  // it ended
    }
    if (Result<ThreadState> state = parse_status(*text)) {
      threads.push_back(*std::move(state));
    }
  }
}

Result<int> pid_in(std::string_view text) {
  int pid = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), pid);
  if (error != std::errc() || pid <= 0) {
    return fail(ErrorCode::Unavailable, "the container is not running");
  }
  return pid;
}

}  // namespace

Result<std::vector<ThreadState>> threads_of(int pid) {
  if (!parent_of(pid)) {
    return std::unexpected(
        Error(ErrorCode::NotFound, fmt::format("no process {}", pid))
            .with_hint("name a pid of this host's pid namespace"));
  }
  const std::string ns = pid_namespace(std::to_string(pid));
  std::set<int> pids = descendants(pid);
  if (!ns.empty() && ns != pid_namespace("self")) {
    pids.merge(in_namespace(ns));
  }
  std::vector<ThreadState> threads;
  add_threads(pid, threads);
  for (const int other : pids) {
    if (other != pid) {
      add_threads(other, threads);
    }
  }
  if (threads.empty()) {
    return fail(ErrorCode::NotFound, "process {} ended", pid);
  }
  return threads;
}

Result<int> container_pid(const std::string& name) {
  if (const auto docker =
          command_output({"docker", "inspect", "--type", "container",
                          "--format", "{{.State.Pid}}", name})) {
    return during(fmt::format("container {}", name), pid_in(*docker));
  }
  if (const auto runc = command_output({"runc", "state", name})) {
    const Result<json::Value> state = json::parse(*runc);
    if (state && state->is_object() && state->contains("pid") &&
        (*state)["pid"].is_number_unsigned()) {
      return during(fmt::format("container {}", name),
                    pid_in((*state)["pid"].dump()));
    }
  }
  return std::unexpected(
      Error(ErrorCode::Unavailable,
            fmt::format("neither Docker nor runc knows a container {}", name))
          .with_hint("is it running? --pid takes its first process instead"));
}

}  // namespace vambrace::attest
