#include "cli/context_words.h"

#include <algorithm>

#include "kernel/capabilities.h"
#include "policy/json.h"

namespace vambrace::cli {
namespace {

using policy::Reason;
using policy::securitycontext::Mount;
using policy::securitycontext::SecurityContext;

std::string user_text(const SecurityContext& context) {
  return context.user
             ? fmt::format("user {}:{}", context.user->uid, context.user->gid)
             : "the image's user";
}

std::string root_text(const SecurityContext& context) {
  return context.read_only_root ? "read-only root" : "writable root";
}

std::string because(const std::vector<Reason>& reasons) {
  std::string text;
  for (const Reason& reason : reasons) {
    text += fmt::format("    because {}\n", policy::describe(reason));
  }
  return text;
}

std::string mount_text(const Mount& mount) {
  return fmt::format("  {}: {}{}\n", mount.folder,
                     mount.memory ? "in memory, empty at each start"
                                  : "a volume with what the image holds there",
                     mount.executable ? ", programs may be run" : "");
}

}  // namespace

std::string context_line(const SecurityContext& context) {
  std::string text = user_text(context) + ", " + root_text(context);
  const auto memory = std::ranges::count_if(context.mounts, &Mount::memory);
  const auto others = std::ssize(context.mounts) - memory;
  if (memory > 0) {
    text +=
        fmt::format(", {} folder{} in memory", memory, memory == 1 ? "" : "s");
  }
  if (others > 0) {
    text += fmt::format(", {} volume{}", others, others == 1 ? "" : "s");
  }
  return text;
}

std::string context_text(const SecurityContext& context,
                         const policy::Needs& needs) {
  std::string text = fmt::format("container: {}, {}\n", user_text(context),
                                 root_text(context));
  if (!context.apparmor.empty()) {
    text += fmt::format("  under AppArmor profile {}\n", context.apparmor);
  }
  for (const policy::UserNeed& need : needs.users) {
    text += fmt::format("  started as {}:{}\n{}", need.uid, need.gid,
                        because(need.reasons));
  }
  for (const Mount& mount : context.mounts) {
    text += mount_text(mount);
    const auto need = std::ranges::find(needs.writable, mount.folder,
                                        &policy::WritableNeed::folder);
    text += need == needs.writable.end() ? "" : because(need->reasons);
  }
  for (const policy::Finding& finding : context.findings) {
    text += fmt::format("  note: {}: {}: {}\n", finding.severity, finding.place,
                        finding.message);
  }
  return text;
}

json::Value context_json(const SecurityContext& context) {
  json::Value out = {{"name", context.name},
                     {"user", nullptr},
                     {"read_only_root", context.read_only_root},
                     {"no_new_privs", context.no_new_privs},
                     {"apparmor", context.apparmor},
                     {"mounts", json::Value::array()},
                     {"findings", json::Value::array()}};
  if (context.user) {
    out["user"] = {{"uid", context.user->uid}, {"gid", context.user->gid}};
  }
  for (const Mount& mount : context.mounts) {
    out["mounts"].push_back({{"folder", mount.folder},
                             {"memory", mount.memory},
                             {"executable", mount.executable}});
  }
  for (const policy::Finding& finding : context.findings) {
    out["findings"].push_back(policy::to_json(finding));
  }
  return out;
}

}  // namespace vambrace::cli
