#include "enforcer/process.h"

#include <grp.h>
#include <linux/seccomp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <limits>

#include "enforcer/capability_plan.h"
#include "enforcer/seccomp_compile.h"
#include "host/disk_files.h"
#include "policy/seccomp/effective.h"
#include "runtime/model.h"

extern char** environ;

namespace vambrace::enforcer {
namespace {

constexpr int kCannotStart = 126;

Result<std::uint32_t> flag_named(std::string_view name) {
  if (name == "SECCOMP_FILTER_FLAG_LOG") {
    return SECCOMP_FILTER_FLAG_LOG;
  }
  if (name == "SECCOMP_FILTER_FLAG_SPEC_ALLOW") {
    return SECCOMP_FILTER_FLAG_SPEC_ALLOW;
  }
  if (name == "SECCOMP_FILTER_FLAG_TSYNC") {
    return 0;  // one thread confines itself before the program begins
  }
  return fail(ErrorCode::Unsupported,
              "seccomp.json: the launcher cannot use the flag {}", name);
}

Result<std::uint32_t> filter_flags(const policy::seccomp::Profile& profile,
                                   const runtime::Target& target) {
  TRY_ASSIGN(const policy::seccomp::Effective effective,
             policy::seccomp::effective(profile, target));
  if (effective.profile.flags.empty()) {
    return runtime::seccomp_model(target).default_flags;
  }
  std::uint32_t flags = 0;
  for (const std::string& name : effective.profile.flags) {
    TRY_ASSIGN(const std::uint32_t flag, flag_named(name));
    flags |= flag;
  }
  return flags;
}

std::optional<std::uint32_t> as_number(std::string_view text) {
  std::uint32_t value = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) {
    return std::nullopt;
  }
  return value;
}

// To the kernel, -1 means "as it is": the program would stay root.
Result<> usable(std::uint32_t id, std::string_view word) {
  if (id == std::numeric_limits<std::uint32_t>::max()) {
    return fail(ErrorCode::InvalidInput, "{}: no user or group has this number",
                word);
  }
  return {};
}

void take_groups(LaunchSpec& spec, const char* name) {
  gid_t groups[kMaxGroups];
  int count = kMaxGroups;
  if (::getgrouplist(name, spec.gid, groups, &count) < 0) {
    count = kMaxGroups;  // the first ones
  }
  spec.group_count = static_cast<std::uint32_t>(count);
  std::copy(groups, groups + count, spec.groups);
}

Result<> take_group(LaunchSpec& spec, const std::string& name) {
  if (const auto number = as_number(name)) {
    spec.gid = *number;
  } else if (const struct group* entry = ::getgrnam(name.c_str())) {
    spec.gid = entry->gr_gid;
  } else {
    return fail(ErrorCode::NotFound, "no group {} on this machine", name);
  }
  TRY(usable(spec.gid, name));
  spec.group_count = 1;
  spec.groups[0] = spec.gid;
  return {};
}

Result<> executable(const std::string& path) {
  struct stat info{};
  if (::stat(path.c_str(), &info) != 0) {
    return std::unexpected(system_error(path, errno));
  }
  if (!S_ISREG(info.st_mode)) {
    return fail(ErrorCode::InvalidInput, "{}: not a program", path);
  }
  if (::access(path.c_str(), X_OK) != 0) {
    return fail(ErrorCode::InvalidInput, "{}: not executable", path);
  }
  return {};
}

}  // namespace

Result<LaunchSpec> launch_spec(const policy::seccomp::Profile& profile,
                               const runtime::Target& target,
                               std::span<const std::uint32_t> capabilities) {
  TRY_ASSIGN(const policy::seccomp::Program program,
             compile_checked(profile, target));
  CHECK(program.size() <= kMaxInstructions);
  LaunchSpec spec;
  for (const policy::seccomp::Instruction& instruction : program) {
    spec.filter[spec.filter_length++] = {instruction.code, instruction.jt,
                                         instruction.jf, instruction.k};
  }
  TRY_ASSIGN(spec.filter_flags, filter_flags(profile, target));
  for (const std::uint32_t number : capabilities) {
    spec.capabilities |= mask_of(number);
  }
  spec.no_new_privs = target.no_new_privs ? 1 : 0;
  return spec;
}

Result<> set_user(LaunchSpec& spec, const std::string& user) {
  const std::size_t colon = user.find(':');
  const std::string name = user.substr(0, colon);
  const auto number = as_number(name);
  const struct passwd* entry =
      number ? ::getpwuid(*number) : ::getpwnam(name.c_str());
  if (entry == nullptr && !number) {
    return fail(ErrorCode::NotFound, "no user {} on this machine", name);
  }
  spec.change_user = 1;
  spec.uid = entry != nullptr ? entry->pw_uid : *number;
  spec.gid = entry != nullptr ? entry->pw_gid : *number;
  TRY(usable(spec.uid, name));
  TRY(usable(spec.gid, name));
  if (colon != std::string::npos) {
    return take_group(spec, user.substr(colon + 1));
  }
  if (entry != nullptr) {
    take_groups(spec, entry->pw_name);
  }
  return {};
}

Result<> set_profile(LaunchSpec& spec, std::string_view name) {
  if (name.size() >= sizeof spec.profile) {
    return fail(ErrorCode::InvalidInput, "AppArmor profile: too long: {}",
                name);
  }
  std::ranges::copy(name, spec.profile);
  spec.profile[name.size()] = '\0';
  return {};
}

std::string file_name(const std::string& path) {
  return std::filesystem::path(path).filename().string();
}

Result<std::string> find_program(const std::string& word,
                                 const std::string& path) {
  if (word.find('/') != std::string::npos) {
    TRY(executable(word));
    return word;
  }
  for (std::size_t from = 0; !word.empty() && from <= path.size();) {
    const std::size_t to = std::min(path.find(':', from), path.size());
    const std::string folder = path.substr(from, to - from);
    const std::string candidate = (folder.empty() ? "." : folder) + "/" + word;
    if (executable(candidate)) {
      return candidate;
    }
    from = to + 1;
  }
  return std::unexpected(
      Error(ErrorCode::NotFound, fmt::format("no program \"{}\"", word))
          .with_hint("it is searched in PATH; a path with a slash is taken "
                     "as it is"));
}

Error become(const LaunchSpec& spec, const std::string& program,
             std::span<const std::string> words) {
  std::vector<char*> argv;
  for (const std::string& word : words) {
    argv.push_back(const_cast<char*>(word.c_str()));
  }
  argv.push_back(nullptr);
  if (const LaunchFailure failure = confine(spec); failure.step != nullptr) {
    if (failure.error == 0) {
      return Error(ErrorCode::Unavailable, failure.step)
          .with_hint("run as root");
    }
    return system_error(failure.step, failure.error)
        .with_hint(spec.profile[0] != '\0' && failure.error == ENOENT
                       ? "root loads it: vambrace apparmor load DIR"
                       : "capability sets and users are root's to change");
  }
  ::execve(program.c_str(), argv.data(), environ);
  // Nothing below may allocate: the filter may deny what that takes.
  const char* told = ::strerrordesc_np(errno);
  const char* const parts[] = {"vambrace run: ", program.c_str(), ": ",
                               told != nullptr ? told : "execve failed", "\n"};
  for (const char* part : parts) {
    if (::write(2, part, std::strlen(part)) < 0) {
      break;
    }
  }
  ::_exit(kCannotStart);
}

}  // namespace vambrace::enforcer
