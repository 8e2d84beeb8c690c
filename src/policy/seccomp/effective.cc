#include "policy/seccomp/effective.h"

#include <algorithm>

#include "base/json.h"
#include "runtime/model.h"

namespace vambrace::policy::seccomp {
namespace {

std::string who(const runtime::Target& target) {
  return fmt::format("{} {}", runtime::to_string(target.engine),
                     runtime::to_string(target.engine_version));
}

std::string who_runs(const runtime::Target& target) {
  return fmt::format("{} {}", runtime::to_string(target.runtime),
                     runtime::to_string(target.runtime_version));
}

bool contains(const std::vector<std::string>& list, std::string_view item) {
  return std::ranges::find(list, item) != list.end();
}

// The name that Docker's `arches` use for the target (Go's, as in moby's
// goToNative).
std::string_view engine_arch(kernel::Arch arch) {
  return arch == kernel::Arch::Aarch64 ? "arm64"
         : arch == kernel::Arch::I386  ? "x86"
                                       : "amd64";
}

bool kernel_at_least(const runtime::Target& target, const std::string& text) {
  const Result<runtime::Version> wanted = runtime::parse_version(text);
  return wanted && std::pair(target.kernel.major, target.kernel.minor) >=
                       std::pair(wanted->major, wanted->minor);
}

// Include capabilities must all be there, one exclude capability is enough.
bool entry_applies(const Entry& entry, const runtime::Target& target,
                   const runtime::SeccompModel& model) {
  const std::string_view arch = engine_arch(target.arch);
  const auto has = [&](const std::string& capability) {
    return contains(target.capabilities, capability);
  };
  const Filter& out = entry.excludes;
  if (contains(out.arches, arch) || std::ranges::any_of(out.caps, has)) {
    return false;
  }
  const Filter& in = entry.includes;
  if ((!in.arches.empty() && !contains(in.arches, arch)) ||
      !std::ranges::all_of(in.caps, has)) {
    return false;
  }
  if (!model.reads_min_kernel) {
    return true;
  }
  return (out.min_kernel.empty() || !kernel_at_least(target, out.min_kernel)) &&
         (in.min_kernel.empty() || kernel_at_least(target, in.min_kernel));
}

void resolve_engine_form(const runtime::Target& target,
                         const runtime::SeccompModel& model, Profile& profile) {
  for (const ArchMap& map : profile.arch_map) {
    if (map.architecture == kernel::scmp_arch(target.arch)) {
      profile.architectures = map.sub_architectures;
      profile.architectures.insert(profile.architectures.begin(),
                                   map.architecture);
      break;
    }
  }
  std::erase_if(profile.entries, [&](const Entry& entry) {
    return !entry_applies(entry, target, model);
  });
}

bool takes_errno(Action action) {
  return action == Action::Errno || action == Action::Trace;
}

Result<> check_unused_errno(const Profile& profile,
                            const runtime::Target& target) {
  if (profile.default_errno_ret && !takes_errno(profile.default_action)) {
    return fail(ErrorCode::InvalidInput,
                "defaultErrnoRet: {} refuses one beside {}", who_runs(target),
                to_string(profile.default_action));
  }
  for (std::size_t i = 0; i < profile.entries.size(); ++i) {
    const Entry& entry = profile.entries[i];
    if (entry.errno_ret && !takes_errno(entry.action)) {
      return fail(ErrorCode::InvalidInput,
                  "syscalls[{}].errnoRet: {} refuses one beside {}", i,
                  who_runs(target), to_string(entry.action));
    }
  }
  return {};
}

Result<> check_notify(const Profile& profile, const runtime::Target& target) {
  if (profile.default_action == Action::Notify) {
    return fail(ErrorCode::InvalidInput,
                "defaultAction: {} refuses SCMP_ACT_NOTIFY here",
                who_runs(target));
  }
  for (std::size_t i = 0; i < profile.entries.size(); ++i) {
    const Entry& entry = profile.entries[i];
    if (entry.action == Action::Notify && contains(entry.names, "write")) {
      return fail(ErrorCode::InvalidInput,
                  "syscalls[{}]: {} refuses SCMP_ACT_NOTIFY for write", i,
                  who_runs(target));
    }
  }
  return {};
}

Result<> check_errno(const Profile& profile, const runtime::SeccompModel& model,
                     const runtime::Target& target) {
  const auto check = [&](Action action, std::optional<std::uint32_t> error,
                         std::string_view place) -> Result<> {
    if (action == Action::Errno && error.value_or(0) > model.max_errno) {
      return fail(ErrorCode::InvalidInput, "{}: libseccomp {} refuses {}",
                  place, runtime::to_string(target.libseccomp), *error);
    }
    return {};
  };
  TRY(check(profile.default_action, profile.default_errno_ret,
            "defaultErrnoRet"));
  for (std::size_t i = 0; i < profile.entries.size(); ++i) {
    const Entry& entry = profile.entries[i];
    TRY(check(entry.action, entry.errno_ret,
              fmt::format("syscalls[{}].errnoRet", i)));
  }
  return {};
}

// A runtime that does not know the old key sees an entry without names.
Result<> check_old_key(const Profile& profile, const runtime::Target& target) {
  for (std::size_t i = 0; i < profile.entries.size(); ++i) {
    if (profile.entries[i].by_old_key) {
      return fail(ErrorCode::InvalidInput,
                  "syscalls[{}]: {} refuses an entry without names", i,
                  who_runs(target));
    }
  }
  return {};
}

Result<> check_runtime(const Profile& profile, const runtime::Target& target,
                       const runtime::SeccompModel& model) {
  for (std::size_t i = 0; i < profile.architectures.size(); ++i) {
    if (!runtime::accepts_architecture(target, profile.architectures[i])) {
      return fail(ErrorCode::InvalidInput, "architectures[{}]: {} refuses {}",
                  i, who_runs(target), profile.architectures[i]);
    }
  }
  if (model.refuses_flags && !profile.flags.empty()) {
    return fail(ErrorCode::InvalidInput, "flags: {} refuses any",
                who_runs(target));
  }
  TRY(check_errno(profile, model, target));
  if (model.refuses_old_name) {
    TRY(check_old_key(profile, target));
  }
  if (model.refuses_unused_errno) {
    TRY(check_unused_errno(profile, target));
  }
  if (model.refuses_notify_on_write) {
    TRY(check_notify(profile, target));
  }
  return {};
}

}  // namespace

Result<Effective> effective(const Profile& profile,
                            const runtime::Target& target) {
  const runtime::SeccompModel model = runtime::seccomp_model(target);
  Effective out{.profile = profile, .dropped = {}};
  const auto drop = [&](std::string_view key) {
    out.dropped.push_back(fmt::format("{}: dropped by {}", key, who(target)));
  };

  if (model.reads_engine_form) {
    resolve_engine_form(target, model, out.profile);
  } else if (!profile.arch_map.empty()) {
    drop("archMap");
  }
  out.profile.arch_map.clear();
  for (Entry& entry : out.profile.entries) {
    if (!model.reads_engine_form &&
        (entry.includes != Filter{} || entry.excludes != Filter{})) {
      drop(fmt::format("includes and excludes of {}",
                       json::quote_bytes(entry.names[0])));
    }
    entry.by_old_key = entry.by_old_key && !model.reads_engine_form;
    entry.includes = {};
    entry.excludes = {};
    if (model.max_conditions != 0 && entry.args.size() > model.max_conditions) {
      drop(fmt::format("conditions of {} after the first {}",
                       json::quote_bytes(entry.names[0]),
                       model.max_conditions));
      entry.args.resize(model.max_conditions);
    }
  }
  if (!model.reads_engine_form && !model.refuses_old_name) {
    std::erase_if(out.profile.entries, [&](const Entry& entry) {
      if (entry.by_old_key) {
        drop(fmt::format("name of {}", json::quote_bytes(entry.names[0])));
      }
      return entry.by_old_key;
    });
  }
  if (!model.keeps_default_errno && out.profile.default_errno_ret) {
    drop("defaultErrnoRet");
    out.profile.default_errno_ret.reset();
  }
  if (!model.keeps_flags && !out.profile.flags.empty()) {
    drop("flags");
    out.profile.flags.clear();
  }
  TRY(check_runtime(out.profile, target, model));
  return out;
}

}  // namespace vambrace::policy::seccomp
