#include "policy/securitycontext/context.h"

#include <algorithm>
#include <ranges>

#include "base/json.h"
#include "kernel/errnos.h"
#include "policy/securitycontext/contradictions.h"
#include "policy/securitycontext/paths.h"
#include "policy/unplaced.h"

namespace vambrace::policy::securitycontext {
namespace {

bool is_alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         (c >= '0' && c <= '9');
}

// "web_1" -> "web-1"; a label of DNS has no other signs.
std::string label(std::string_view text) {
  constexpr std::size_t kLongest = 63;
  std::string out;
  for (char c : text.substr(0, kLongest)) {
    c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    out += is_alphanumeric(c) ? c : '-';
  }
  const std::size_t first = out.find_first_not_of('-');
  if (first == std::string::npos) {
    return "app";
  }
  return out.substr(first, out.find_last_not_of('-') - first + 1);
}

std::string name_of(const evidence::Workload& workload) {
  return label(workload.container.empty()
                   ? workload.id.substr(workload.id.rfind('/') + 1)
                   : workload.container);
}

bool is_within(std::string_view path, std::string_view folder) {
  while (folder.size() > 1 && folder.ends_with('/')) {
    folder.remove_suffix(1);
  }
  return path == folder || folder == "/" ||
         (path.starts_with(folder) && path[folder.size()] == '/');
}

// Turns one policy into one context, remark by remark.
class Maker {
 public:
  Maker(const Policy& policy, const Circumstances& around)
      : policy_(policy), around_(around) {
    out_.name = name_of(policy.workload);
    out_.target = around.target.name;
    out_.stage = around.stage;
    out_.capabilities = around.capabilities;
    out_.no_new_privs = around.target.no_new_privs;
  }

  SecurityContext make() {
    add_calls();
    add_low_ports();
    add_apparmor();
    if (around_.stage == Stage::Observe) {
      out_.read_only_root = false;
    } else {
      add_user();
      add_root();
    }
    std::ranges::move(contradictions(policy_, out_, around_.target),
                      std::back_inserter(out_.findings));
    std::ranges::sort(out_.findings);
    return std::move(out_);
  }

 private:
  void remark(std::string id, std::string severity, std::string place,
              std::string message, std::string hint) {
    out_.findings.push_back({std::move(id), std::move(severity),
                             "securityContext: " + std::move(place),
                             std::move(message), std::move(hint)});
  }

  void add_calls() {
    for (const SyscallRule& rule : policy_.syscalls) {
      if (const auto name = kernel::syscall_name(rule.syscall)) {
        out_.calls.emplace(*name);
      }
    }
    for (const ExpectedDenial& denial : policy_.expected) {
      const auto name = kernel::syscall_name(denial.syscall);
      if (name && !out_.calls.contains(std::string(*name))) {
        out_.calls.insert(
            fmt::format("{}:{}", *name, kernel::errno_name(denial.error)));
      }
    }
    out_.compat = policy_.arches.contains(kernel::Arch::I386);
  }

  void add_low_ports() {
    constexpr std::uint32_t kNetBindService = 10;
    if (around_.target.engine != runtime::Engine::Docker ||
        find_capability(policy_, kNetBindService) == nullptr ||
        out_.capabilities.contains(kNetBindService)) {
      return;
    }
    remark("low-ports", "low", "capabilities",
           "a port below 1024 is bound, which is free in a network of Docker's "
           "own; with --network host, and by the files for Podman, systemd and "
           "Kubernetes, it is refused",
           "run synth for the target that runs it, or add \"capability "
           "NET_BIND_SERVICE\" as a decision");
  }

  void add_apparmor() {
    const std::optional<bool>& has_it = around_.target.apparmor;
    if (has_it == false) {
      return;
    }
    out_.apparmor_where_known = around_.apparmor;
    if (has_it == true) {
      out_.apparmor = around_.apparmor;
      if (around_.apparmor.empty()) {
        remark("apparmor-missing", "medium", "appArmorProfile",
               "the target's hosts have AppArmor, and there is no profile: the "
               "evidence tells no file",
               fmt::format("{}; then run synth", files_hint(policy_.gaps)));
      }
    } else if (!around_.apparmor.empty() && is_container()) {
      remark("apparmor-unnamed", "info", "appArmorProfile",
             fmt::format("the target does not say whether its hosts have "
                         "AppArmor: no engine is told of profile {}",
                         around_.apparmor),
             "apparmor: true under target in bundle.yaml names it, false says "
             "that it is not used");
    }
  }

  void add_user() {
    const std::vector<UserNeed>& users = policy_.needs.users;
    if (users.empty()) {
      remark("user-unknown", "info", "runAsUser",
             "the evidence does not tell as which user the program was "
             "started; the image's own is left",
             "record the container from its start");
      return;
    }
    if (users.size() > 1) {
      std::string list;
      for (const UserNeed& user : users) {
        list += fmt::format("{}{}:{}", list.empty() ? "" : ", ", user.uid,
                            user.gid);
      }
      remark(
          "user-differs", "medium", "runAsUser",
          fmt::format("recorded as several users ({}); none is written", list),
          "record it as it will run");
      return;
    }
    out_.user = User{users[0].uid, users[0].gid};
    if (policy_.needs.on_host && is_container()) {
      remark("user-of-a-host", "low", "runAsUser",
             fmt::format("{}:{} are numbers of the host that was recorded; "
                         "an image may have others",
                         out_.user->uid, out_.user->gid),
             "record the container itself");
    }
    if (out_.runs_as_root()) {
      remark("runs-as-root", "low", "runAsNonRoot",
             "the program is started as root",
             "if it changes its user itself, an image that starts it as that "
             "user needs neither CAP_SETUID nor CAP_SETGID");
    }
  }

  void add_root() {
    if (!policy_.needs.files_known) {
      out_.read_only_root = false;
      remark("files-unknown", "medium", "readOnlyRootFilesystem",
             policy_.gaps.contains("no_exit_probe")
                 ? "not every recording watched files: the root stays writable"
                 : "the evidence tells no file: the root stays writable",
             std::string(files_hint(policy_.gaps)));
      return;
    }
    if (!policy_.needs.unseen.empty()) {
      remark("folders-unseen", "low", "readOnlyRootFilesystem",
             fmt::format("{} worked and the recordings do not tell where: a "
                         "writable folder may be missing",
                         fmt::join(policy_.needs.unseen, ", ")),
             "start it with the options once; a folder that lacks can be "
             "mounted and named under volumes in bundle.yaml");
    }
    for (const WritableNeed& need : policy_.needs.writable) {
      add_folder(need);
    }
    if (!out_.read_only_root) {
      out_.mounts.clear();
    }
    add_remarks_on_mounts();
    if (out_.read_only_root) {
      std::ranges::for_each(policy_.needs.apart,
                            [&](const Apart& one) { add_apart(one); });
    }
    add_untold();
  }

  void add_folder(const WritableNeed& need) {
    if (std::ranges::any_of(around_.volumes, [&](const std::string& volume) {
          return is_within(need.folder, volume);
        })) {
      return;
    }
    const std::string place = json::quote_bytes(need.folder);
    if (need.folder == "/") {
      out_.read_only_root = false;
      remark("root-folder-written", "medium", "readOnlyRootFilesystem",
             "files are made in the root folder itself: the root stays "
             "writable",
             "let the program write them elsewhere");
      return;
    }
    if (!is_plain(need.folder)) {
      remark("folder-unwritable", "high", place,
             "is written to, and no layer can be told of a folder with such a "
             "name: it stays read-only",
             "let the program use another name, or name a folder above it "
             "under volumes in bundle.yaml");
      return;
    }
    out_.mounts.push_back({.folder = need.folder,
                           .memory = !need.brought && !need.folded,
                           .executable = need.executed,
                           .owner = need.owner});
    if (need.executed) {
      remark("writable-and-executable", "medium", place,
             "is writable, and programs or libraries in it are run",
             "keep what is run in the image and what is written elsewhere");
    }
    if (need.brought) {
      remark("image-files-writable", "low", place,
             "is writable and holds files that were there before the workload "
             "made any: it needs a volume that begins with them",
             "Docker and Podman copy them from the image into a new volume; "
             "on Kubernetes an init container has to");
    }
    if (need.folded && !need.brought) {
      remark("folders-in-one", "low", place,
             "is writable in the place of folders in it: it needs a volume "
             "that begins with those of the image",
             "Docker and Podman copy them from the image into a new volume; "
             "on Kubernetes an init container has to");
    }
    if (out_.mounts.back().memory && !need.owner && is_for_others() &&
        !is_scratch(need.folder)) {
      remark("folder-owner-unknown", "low", place,
             "is in memory, and the evidence does not tell whose it is in the "
             "image: runc 1.1 makes it root's, with the mode that the image's "
             "folder has",
             "where another user writes there, name it under volumes in "
             "bundle.yaml; a recording of the container by this version tells "
             "it");
    }
    if (need.may_hide) {
      remark("folder-hides-files", "medium", place,
             "is in memory and empty at each start, and files in it were read, "
             "where the evidence does not tell whether they were there: they "
             "were opened with O_CREAT, or recordings were folded into one",
             "if the image holds files there, name it under volumes in "
             "bundle.yaml and mount a volume that begins with them; a "
             "recording of this version that was not folded tells it");
    }
  }

  // Others than the user that the program begins as may write, and runc is who
  // mounts.
  bool is_for_others() const {
    const bool runc = around_.target.engine == runtime::Engine::Docker ||
                      around_.target.engine == runtime::Engine::Podman;
    return runc && may_change_user(out_);
  }

  void add_remarks_on_mounts() {
    for (const std::string& folder : policy_.needs.mounted) {
      if (std::ranges::none_of(around_.volumes, [&](const std::string& volume) {
            return is_within(folder, volume);
          })) {
        remark("mounted-when-recorded", "low", json::quote_bytes(folder),
               "is written to and was mounted when it was recorded; it is not "
               "listed here",
               "mount it as well, and name it under volumes in bundle.yaml");
      }
    }
    const auto kept = std::ranges::count_if(out_.mounts, &Mount::memory);
    if (kept > 0) {
      remark(
          "memory-forgets", "info", "volumes",
          fmt::format("{} folder{} in memory and empty at each start", kept,
                      kept == 1 ? " is" : "s are"),
          "name what must be kept under volumes in bundle.yaml and mount it; "
          "and where no container was recorded, folders in which the image has "
          "links or files that are only passed or looked at");
    }
  }

  void add_apart(const Apart& apart) {
    const bool in_one =
        std::ranges::any_of(around_.volumes, [&](const std::string& volume) {
          return std::ranges::all_of(apart.folders,
                                     [&](const std::string& folder) {
                                       return is_within(folder, volume);
                                     });
        });
    if (in_one) {
      return;
    }
    constexpr std::size_t kMostNamed = 8;
    std::string place;
    for (const std::string& folder :
         apart.folders | std::views::take(kMostNamed)) {
      place += (place.empty() ? "" : ", ") + json::quote_bytes(folder);
    }
    if (apart.folders.size() > kMostNamed) {
      place += fmt::format(" and {} more", apart.folders.size() - kMostNamed);
    }
    remark("folders-apart", apart.certain ? "medium" : "low", std::move(place),
           apart.certain
               ? "files were renamed or linked from one into the other, which "
                 "fails (EXDEV) where each is a mount of its own"
               : "files were renamed or linked, and the recording does not "
                 "tell where from: from another mount that fails (EXDEV)",
           "mount one folder above and name it under volumes in bundle.yaml, "
           "or keep what belongs together in one folder");
  }

  // Somebody allowed it, and the read-only root may refuse it all the same.
  void add_untold() {
    for (const std::string& pattern : policy_.needs.untold) {
      const std::string_view start =
          std::string_view(pattern).substr(0, pattern.find_first_of("*?[{@\\"));
      const bool in_volume = std::ranges::any_of(
          around_.volumes,
          [&](const std::string& volume) { return is_within(start, volume); });
      if (out_.read_only_root && !in_volume) {
        remark("folder-untold", "medium", json::quote_bytes(pattern),
               "was added to be written to, and the pattern does not tell in "
               "which folder: it may be read-only",
               "add it once for each folder, or name a folder above it under "
               "volumes in bundle.yaml");
      }
    }
  }

  bool is_container() const {
    return around_.target.runtime != runtime::Runtime::Process;
  }

  const Policy& policy_;
  const Circumstances& around_;
  SecurityContext out_;
};

}  // namespace

bool may_change_user(const SecurityContext& context) {
  constexpr std::uint32_t kSetUid = 7;
  return !context.user ||
         (context.user->uid == 0 && context.capabilities.contains(kSetUid));
}

bool is_plain(std::string_view path) {
  return path.starts_with('/') && std::ranges::all_of(path, [](char c) {
           return is_alphanumeric(c) ||
                  std::string_view("/._-+@=~").contains(c);
         });
}

SecurityContext context_of(const Policy& policy, const Circumstances& around) {
  return Maker(policy, around).make();
}

}  // namespace vambrace::policy::securitycontext
