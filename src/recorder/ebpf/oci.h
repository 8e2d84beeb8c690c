#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "recorder/ebpf/raw.h"

// Containers that runc or crun started without an engine above them.
namespace vambrace::recorder::ebpf {

// Does this cgroup belong to the container of that id? Its own folder bears the
// id, as runc and crun name it without systemd ("/ID") and with it
// ("/system.slice/crun-ID.scope").
bool names_container(std::string_view cgroup, std::string_view id);

// "runc" or "crun" by the program that entered the scope first; "" if that was
// another.
std::string runtime_of(const Raw& raw, std::uint32_t scope);

struct OciContainer {
  int pid = 0;
  std::string runtime;
};

// What the runtimes' own state files say, in their default places for root
// (/run/runc, /run/crun). nullopt if there is none of that id, or if its
// process has ended.
std::optional<OciContainer> running_container(const std::string& id);

}  // namespace vambrace::recorder::ebpf
