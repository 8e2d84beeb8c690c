#include "attest/processes.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <memory>
#include <optional>
#include <ranges>
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
      state->label =
          contents(fmt::format("{}/{}/attr/apparmor/current", tasks, tid));
      threads.push_back(*std::move(state));
    }
  }
}

Result<Scope> scope_of(std::string_view pid_text, std::string_view id) {
  Scope scope;
  const auto [end, error] = std::from_chars(
      pid_text.data(), pid_text.data() + pid_text.size(), scope.pid);
  if (error != std::errc() || scope.pid <= 0) {
    return fail(ErrorCode::Unavailable, "the container is not running");
  }
  const std::optional<std::string> lines =
      contents(fmt::format("/proc/{}/cgroup", scope.pid));
  if (!lines) {
    return fail(ErrorCode::Unavailable, "the container ended");
  }
  scope.cgroups = container_cgroups(*lines, id);
  return scope;
}

// "4:memory:/docker/ID" in its three parts; all of it but the second part.
std::optional<Cgroup> as_cgroup(std::string_view line) {
  const std::size_t first = line.find(':');
  const std::size_t second =
      first == line.npos ? first : line.find(':', first + 1);
  if (second == line.npos) {
    return std::nullopt;
  }
  return Cgroup{std::string(line.substr(0, first)),
                std::string(line.substr(second + 1))};
}

std::vector<Cgroup> cgroups_in(std::string_view lines) {
  std::vector<Cgroup> result;
  for (const auto line : std::views::split(lines, '\n')) {
    if (auto cgroup = as_cgroup(std::string_view(line))) {
      result.push_back(*std::move(cgroup));
    }
  }
  return result;
}

// The path up to the folder that bears the id; nullopt if none does.
std::optional<std::string> up_to_id(const std::string& path,
                                    std::string_view id) {
  for (std::size_t from = 0; from < path.size();) {
    const std::size_t to = std::min(path.find('/', from + 1), path.size());
    std::string_view folder(path.data() + from, to - from);
    folder.remove_prefix(folder.starts_with('/') ? 1 : 0);
    if (folder == id || folder.ends_with(fmt::format("-{}.scope", id))) {
      return path.substr(0, to);
    }
    from = to;
  }
  return std::nullopt;
}

std::set<int> in_cgroups(std::span<const Cgroup> cgroups) {
  std::set<int> result;
  for (const int pid : numbers_in("/proc")) {
    const std::optional<std::string> lines =
        contents(fmt::format("/proc/{}/cgroup", pid));
    if (lines && is_within(*lines, cgroups)) {
      result.insert(pid);
    }
  }
  return result;
}

}  // namespace

std::vector<Cgroup> container_cgroups(std::string_view lines,
                                      std::string_view id) {
  const std::vector<Cgroup> own = cgroups_in(lines);
  std::vector<Cgroup> result;
  for (const Cgroup& cgroup : own) {
    if (auto path = up_to_id(cgroup.path, id)) {
      result.push_back({cgroup.hierarchy, *std::move(path)});
    }
  }
  if (const auto unified = std::ranges::find(own, "0", &Cgroup::hierarchy);
      result.empty() && unified != own.end() && unified->path != "/") {
    result.push_back(*unified);
  }
  return result;
}

bool is_within(std::string_view lines, std::span<const Cgroup> cgroups) {
  return std::ranges::any_of(cgroups_in(lines), [&](const Cgroup& own) {
    return std::ranges::any_of(cgroups, [&](const Cgroup& wanted) {
      return own.hierarchy == wanted.hierarchy &&
             (own.path == wanted.path ||
              own.path.starts_with(wanted.path + "/"));
    });
  });
}

Result<std::vector<ThreadState>> threads_of(const Scope& scope) {
  const int pid = scope.pid;
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
  if (!scope.cgroups.empty()) {
    pids.merge(in_cgroups(scope.cgroups));
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

Result<Scope> container_scope(const std::string& name) {
  const std::string context = fmt::format("container {}", name);
  if (const auto docker =
          command_output({"docker", "inspect", "--type", "container",
                          "--format", "{{.State.Pid}} {{.Id}}", name})) {
    const std::size_t space = std::min(docker->find(' '), docker->size());
    const std::size_t end = std::min(docker->find('\n'), docker->size());
    const std::string_view text = std::string_view(*docker).substr(0, end);
    return during(context,
                  scope_of(text.substr(0, space),
                           text.substr(std::min(space + 1, text.size()))));
  }
  if (const auto runc = command_output({"runc", "state", name})) {
    const Result<json::Value> state = json::parse(*runc);
    if (state && state->is_object() && state->contains("pid") &&
        (*state)["pid"].is_number_unsigned()) {
      return during(context, scope_of((*state)["pid"].dump(), name));
    }
  }
  return std::unexpected(
      Error(ErrorCode::Unavailable,
            fmt::format("neither Docker nor runc knows a container {}", name))
          .with_hint("is it running? --pid takes its first process instead"));
}

}  // namespace vambrace::attest
