#include "recorder/ebpf/oci.h"

#include <csignal>
#include <limits>

#include "base/json.h"
#include "host/disk_files.h"

namespace vambrace::recorder::ebpf {
namespace {

int pid_in_file(const std::string& path, const char* key) {
  const DiskFiles files;
  const auto text = files.read(path);
  return text ? pid_in_state(*text, key) : 0;
}

bool is_plain(std::string_view id) {
  return !id.empty() && id != "." && id != ".." &&
         id.find('/') == std::string_view::npos;
}

}  // namespace

bool names_container(std::string_view cgroup, std::string_view id) {
  std::string_view leaf = cgroup.substr(cgroup.rfind('/') + 1);
  if (!is_plain(id)) {
    return false;
  }
  if (leaf == id) {
    return true;
  }
  constexpr std::string_view kScope = ".scope";
  if (!leaf.ends_with(kScope)) {
    return false;
  }
  leaf.remove_suffix(kScope.size());
  return leaf.ends_with(id) &&
         leaf.substr(0, leaf.size() - id.size()).ends_with('-');
}

std::string runtime_of(const Raw& raw, std::uint32_t scope) {
  for (const vmb_image& image : raw.images) {
    if (image.key.scope == scope && image.key.kind == VMB_IMAGE_ENTRY_FIRST) {
      const std::string path = path_of(image);
      return path.contains("runc")   ? "runc"
             : path.contains("crun") ? "crun"
                                     : "";
    }
  }
  return "";
}

int pid_in(const json::Value& state, const char* key) {
  if (!state.is_object() || !state.contains(key) ||
      !state.at(key).is_number_unsigned()) {
    return 0;
  }
  const auto pid = state.at(key).get<std::uint64_t>();
  return pid <= std::numeric_limits<int>::max() ? static_cast<int>(pid) : 0;
}

int pid_in_state(std::string_view text, const char* key) {
  const auto state = json::parse(text);
  return state ? pid_in(*state, key) : 0;
}

std::optional<OciContainer> running_container(const std::string& id) {
  if (!is_plain(id)) {
    return std::nullopt;
  }
  const OciContainer known[] = {
      {pid_in_file("/run/runc/" + id + "/state.json", "init_process_pid"),
       "runc"},
      {pid_in_file("/run/crun/" + id + "/status", "pid"), "crun"}};
  for (const OciContainer& container : known) {
    if (container.pid > 0 && ::kill(container.pid, 0) == 0) {
      return container;
    }
  }
  return std::nullopt;
}

}  // namespace vambrace::recorder::ebpf
