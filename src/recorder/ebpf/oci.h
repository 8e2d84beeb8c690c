#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"
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

// The number of that key in what an engine or a runtime says of a container, as
// a pid; 0 if there is none that can be one.
int pid_in(const json::Value& state, const char* key);
int pid_in_state(std::string_view text, const char* key);

struct OciContainer {
  int pid = 0;
  std::string runtime;
};

// What the runtimes' own state files say, in their default places for root
// (/run/runc, /run/crun). nullopt if there is none of that id, or if its
// process has ended.
std::optional<OciContainer> running_container(const std::string& id);

}  // namespace vambrace::recorder::ebpf
