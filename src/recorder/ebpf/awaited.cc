#include "recorder/ebpf/awaited.h"

#include <algorithm>
#include <set>

#include "recorder/ebpf/oci.h"

namespace vambrace::recorder::ebpf {

Result<AwaitedContainer> AwaitedContainer::of(const std::string& name,
                                              bool docker_only) {
  AwaitedContainer awaited(name);
  auto docker = Docker::connect(docker_socket());
  bool runs = running_container(name).has_value();
  if (docker) {
    awaited.docker_ = std::move(*docker);
    TRY_ASSIGN(const auto found, awaited.docker_->inspect(name));
    runs = runs || (found && found->pid != 0);
    TRY(awaited.docker_->listen(name));
  } else if (docker_only) {
    return std::unexpected(docker.error());
  }
  if (runs) {
    return std::unexpected(
        Error(ErrorCode::Denied, fmt::format("container {} runs already", name))
            .with_hint("attach to it: vambrace record --container " + name));
  }
  return awaited;
}

bool AwaitedContainer::look() {
  if (!docker_ || container_.pid != 0) {
    return false;
  }
  if (container_.id.empty()) {
    const auto id = docker_->heard();
    if (!id) {
      return false;
    }
    container_.id = *id;
  }
  if (!inquiry_) {
    auto asked = docker_->ask(container_.id);
    if (!asked) {
      return false;
    }
    inquiry_ = std::move(*asked);
  }
  const auto found = inquiry_->answer();
  if (!found) {
    return false;
  }
  inquiry_.reset();
  if (*found && **found) {
    container_ = ***found;
  }
  return container_.pid != 0;
}

bool AwaitedContainer::owns(const std::string& cgroup) const {
  return names_container(cgroup, name_) ||
         (!container_.id.empty() && cgroup.contains(container_.id));
}

FoundContainer AwaitedContainer::find(const Raw& raw) {
  FoundContainer found{.name = name_,
                       .image = container_.image,
                       .runtime = container_.runtime,
                       .mounts = container_.mounts};
  std::set<std::string> ids = {container_.id};
  while (const auto id = docker_ ? docker_->heard() : std::nullopt) {
    ids.insert(*id);  // another container of the same name
  }
  ids.erase("");
  std::uint32_t starts = 0;
  for (std::uint32_t number = 1; number < raw.scopes.size(); ++number) {
    const std::string path = path_of(raw.scopes[number]);
    const bool is_dockers = std::ranges::any_of(
        ids, [&](const std::string& id) { return path.contains(id); });
    if (!is_dockers && !owns(path)) {
      continue;
    }
    if (++starts == 1) {
      found.scope = number;
      if (!is_dockers) {
        found.runtime = runtime_of(raw, number);
      }
    }
  }
  if (starts == 0) {
    found.gaps.push_back({"scope_lost", "no cgroup of container " + name_ +
                                            " appeared while recording"});
  } else if (starts > 1) {
    found.gaps.push_back(
        {"scope_lost",
         fmt::format("container {} was started {} times; only its first life "
                     "was recorded",
                     name_, starts)});
  }
  return found;
}

std::optional<std::string> container_selector(const std::string& workload) {
  constexpr std::string_view kPrefix = "container:";
  if (!workload.starts_with(kPrefix)) {
    return std::nullopt;
  }
  return workload.substr(kPrefix.size());
}

}  // namespace vambrace::recorder::ebpf
