#include "policy/container_difference.h"

#include <algorithm>
#include <map>
#include <utility>

namespace vambrace::policy {
namespace {

// What a side permits by a setting, by kind and name; one that permits nothing
// is left out.
using Settings = std::map<std::pair<std::string, std::string>, std::string>;

// Beyond what its rules say.
std::string_view apparmor_permits(const Side& side) {
  if (side.files == nullptr) {
    return "refuses nothing: there is no profile";
  }
  if (side.around != nullptr && side.around->apparmor == false) {
    return "refuses nothing: bundle.yaml says apparmor: false";
  }
  if (side.files->mode == apparmor::Mode::Complain) {
    return "permits and logs what its rules do not cover: complain mode";
  }
  return "";
}

std::string words_for(const securitycontext::Mount& mount) {
  return fmt::format("{}{}",
                     mount.memory ? "in memory, empty at each start"
                                  : "a volume with what the image holds there",
                     mount.executable ? ", programs may be run" : "");
}

Settings settings_of(const Side& side, bool with_folders) {
  const securitycontext::SecurityContext& context = side.around->context;
  Settings out;
  const auto add = [&](const char* kind, const std::string& name,
                       std::string value) {
    out[{kind, name}] = std::move(value);
  };
  if (const auto permits = apparmor_permits(side); !permits.empty()) {
    add("apparmor", "", std::string(permits));
  }
  add("apparmor profile", "",
      context.apparmor.empty() ? "engines are told of none"
                               : "engines are told of it");
  add("user", "",
      context.user ? fmt::format("{}:{}", context.user->uid, context.user->gid)
                   : "the image's");
  if (!context.read_only_root) {
    add("root", "", "writable");
  }
  if (!context.no_new_privs) {
    add("no_new_privs", "", "off");
  }
  if (with_folders) {
    for (const std::string& folder : side.around->volumes) {
      add("folder", folder, "a mount of the container's own");
    }
    for (const securitycontext::Mount& mount : context.mounts) {
      add("folder", mount.folder, words_for(mount));
    }
  }
  return out;
}

// systemd's filter is there in harden alone, and knows no arguments. An errno
// may follow the name.
void add_calls(const Side& side, const std::set<std::string>& told,
               Settings& out) {
  const securitycontext::SecurityContext& context = side.around->context;
  if (context.stage != Stage::Harden) {
    return;
  }
  for (const std::string& call : context.calls) {
    const std::size_t end = std::min(call.find(':'), call.size());
    const std::string name = call.substr(0, end);
    if (!told.contains(name)) {
      out[{"systemd call", name}] =
          end == call.size() ? "permitted" : call.substr(end + 1);
    }
  }
  if (context.compat) {
    out[{"systemd call", "of i386"}] = "permitted";
  }
}

}  // namespace

bool refuses_nothing(const Side& side) {
  return !apparmor_permits(side).empty();
}

std::vector<Setting> settings_between(const Side& left, const Side& right,
                                      const std::set<std::string>& told) {
  // Below a writable root each folder is writable.
  const bool with_folders = left.around->context.read_only_root &&
                            right.around->context.read_only_root;
  Settings one = settings_of(left, with_folders);
  Settings other = settings_of(right, with_folders);
  if (left.around->context.stage == right.around->context.stage) {
    add_calls(left, told, one);
    add_calls(right, told, other);
  }
  std::map<std::pair<std::string, std::string>, Setting> all;
  for (const auto& [key, value] : one) {
    all[key].left = value;
  }
  for (const auto& [key, value] : other) {
    all[key].right = value;
  }
  std::vector<Setting> out;
  for (auto& [key, setting] : all) {
    if (setting.left != setting.right) {
      setting.kind = key.first;
      setting.name = key.second;
      out.push_back(std::move(setting));
    }
  }
  return out;
}

}  // namespace vambrace::policy
