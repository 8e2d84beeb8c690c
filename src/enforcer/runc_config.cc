#include "enforcer/runc_config.h"

#include <algorithm>

#include "base/json.h"
#include "kernel/capabilities.h"

namespace vambrace::enforcer {
namespace {

using json::Value;

Result<Value*> child(Value& parent, const char* key, std::string_view place) {
  const auto found = parent.find(key);
  if (found == parent.end() || !found->is_object()) {
    return fail(ErrorCode::InvalidInput, "config.json: {} is not an object",
                place);
  }
  return &*found;
}

void make_absolute(Value& path, std::string_view bundle) {
  if (path.is_string() && !path.get_ref<const std::string&>().empty() &&
      path.get_ref<const std::string&>().front() != '/') {
    path = fmt::format("{}/{}", bundle, path.get<std::string>());
  }
}

bool is_bind(const Value& mount) {
  const auto options = mount.find("options");
  return options != mount.end() && options->is_array() &&
         std::any_of(options->begin(), options->end(), [](const Value& o) {
           return o == "bind" || o == "rbind";
         });
}

bool runs_as_root(const Value& process) {
  const auto user = process.find("user");
  if (user == process.end() || !user->is_object()) {
    return true;
  }
  const auto uid = user->find("uid");
  return uid == user->end() || *uid == 0;
}

// As Docker does for root; another user gets them as ambient ones too, or
// execve would take them away.
Value capability_sets(const Armour& armour, bool root) {
  Value names = Value::array();
  for (const std::uint32_t number : armour.capabilities) {
    names.push_back(kernel::capability_name(number).value_or("CAP_"));
  }
  const Value kept = root ? Value::array() : names;
  return {{"bounding", names},
          {"effective", names},
          {"permitted", names},
          {"inheritable", kept},
          {"ambient", kept}};
}

constexpr std::string_view kRuncGlobalValues[] = {
    "--log", "--log-format", "--root", "--criu", "--rootless"};
constexpr std::string_view kRuncValues[] = {"--console-socket", "--pid-file",
                                            "--preserve-fds", "--pidfd-socket"};

bool takes_value(std::span<const std::string_view> list,
                 std::string_view word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

}  // namespace

Result<std::string> armoured_config(std::string_view config,
                                    std::string_view bundle,
                                    const Armour& armour) {
  TRY_ASSIGN(Value root, json::parse(config));
  if (!root.is_object()) {
    return fail(ErrorCode::InvalidInput, "config.json: not an object");
  }
  TRY_ASSIGN(Value* const process, child(root, "process", "process"));
  TRY_ASSIGN(Value* const linux, child(root, "linux", "linux"));
  TRY_ASSIGN(Value* const rootfs, child(root, "root", "root"));
  TRY_ASSIGN(const Value seccomp,
             during("seccomp.json", json::parse(armour.seccomp_json)));

  (*process)["capabilities"] = capability_sets(armour, runs_as_root(*process));
  (*process)["noNewPrivileges"] = armour.no_new_privs;
  (*linux)["seccomp"] = seccomp;
  if (!armour.apparmor.empty()) {
    (*process)["apparmorProfile"] = armour.apparmor;
  }

  make_absolute((*rootfs)["path"], bundle);
  if (const auto mounts = root.find("mounts");
      mounts != root.end() && mounts->is_array()) {
    for (Value& mount : *mounts) {
      if (mount.is_object() && is_bind(mount) && mount.contains("source")) {
        make_absolute(mount["source"], bundle);
      }
    }
  }
  return json::print(root);
}

Result<std::optional<RuncStart>> parse_runc(
    std::span<const std::string> words) {
  std::size_t at = 0;
  while (at < words.size() && words[at].starts_with("-")) {
    at += takes_value(kRuncGlobalValues, words[at]) ? 2 : 1;
  }
  if (at >= words.size() || (words[at] != "run" && words[at] != "create")) {
    return std::nullopt;
  }
  RuncStart start;
  start.before.assign(words.begin(), words.begin() + static_cast<long>(at) + 1);
  for (++at; at < words.size(); ++at) {
    const std::string& word = words[at];
    if (word.starts_with("--bundle=")) {
      start.bundle = word.substr(9);
    } else if (word == "-b" || word == "--bundle") {
      start.bundle = at + 1 < words.size() ? words[++at] : "";
    } else {
      start.after.push_back(word);
      if (takes_value(kRuncValues, word)) {
        if (at + 1 < words.size()) {
          start.after.push_back(words[++at]);
        }
      } else if (!word.starts_with("-")) {
        start.container = word;
      }
    }
  }
  if (start.container.empty()) {
    return fail(ErrorCode::InvalidInput, "runc: no container is named");
  }
  return start;
}

std::vector<std::string> with_bundle(const RuncStart& start,
                                     const std::string& bundle) {
  std::vector<std::string> result = start.before;
  const std::string option[] = {"--bundle", bundle};
  result.insert(result.end(), std::begin(option), std::end(option));
  result.insert(result.end(), start.after.begin(), start.after.end());
  return result;
}

}  // namespace vambrace::enforcer
