#include "enforcer/apparmor/kernel.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <optional>

#include "base/fd.h"
#include "host/disk_files.h"

namespace vambrace::enforcer::apparmor {
namespace {

constexpr std::uint64_t kMostPolicy = 64U << 20;

std::string in_kernel(std::string_view name) {
  return fmt::format("{}/{}", kKernel, name);
}

Error not_there(const Files& files) {
  if (is_enabled(files)) {
    return Error(ErrorCode::Unsupported,
                 fmt::format("{} is not there", kKernel))
        .with_hint("mount -t securityfs securityfs /sys/kernel/security");
  }
  return Error(ErrorCode::Unsupported, "this kernel runs without AppArmor")
      .with_hint(
          "boot it with apparmor=1 security=apparmor; /sys/kernel/"
          "security/lsm lists what runs");
}

std::optional<int> as_pid(std::string_view name) {
  int pid = 0;
  const auto [end, error] =
      std::from_chars(name.data(), name.data() + name.size(), pid);
  return error == std::errc() && end == name.data() + name.size()
             ? std::optional(pid)
             : std::nullopt;
}

// attr/apparmor is AppArmor's own; attr/current belongs to the first security
// module that has labels, and is all that older kernels have.
Result<std::string> label_of(const Files& files, int pid) {
  auto own =
      files.read(fmt::format("/proc/{}/attr/apparmor/current", pid), 1U << 20);
  if (own || own.error().code() != ErrorCode::NotFound) {
    return own;
  }
  return files.read(fmt::format("/proc/{}/attr/current", pid), 1U << 20);
}

// The folders below policy/profiles by the whole name of their profile. A
// folder's own name is shortened by the kernel; its file `name` is whole, but
// for a child without its parents.
void add_folders(const Files& files, const std::string& folder,
                 const std::string& parents,
                 std::multimap<std::string, std::string>& found) {
  const auto entries = files.list(folder);
  for (const std::string& entry :
       entries ? *entries : std::vector<std::string>{}) {
    const std::string path = fmt::format("{}/{}", folder, entry);
    auto name = files.read(path + "/name", 1U << 20);
    if (!name) {
      continue;
    }
    if (name->ends_with('\n')) {
      name->pop_back();
    }
    const std::string whole = parents + *name;
    found.emplace(whole, path);
    add_folders(files, path + "/profiles", whole + "//", found);
  }
}

// The kernel acts on one write, and on the whole of it.
Result<> tell(const std::string& name, std::string_view bytes) {
  const std::string path = in_kernel(name);
  const Fd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!fd) {
    return std::unexpected(
        system_error(path, errno)
            .with_hint("this needs root with CAP_MAC_ADMIN"));
  }
  const ssize_t n = ::write(fd.get(), bytes.data(), bytes.size());
  if (n == static_cast<ssize_t>(bytes.size())) {
    return {};
  }
  const int error = n < 0 ? errno : EIO;
  if (error == EEXIST) {
    return fail(ErrorCode::Denied,
                "a profile of one of these names is loaded already");
  }
  return std::unexpected(
      system_error("the kernel refuses it", error)
          .with_hint("dmesg has its reason: apparmor=\"STATUS\" info="));
}

}  // namespace

bool is_enabled(const Files& files) {
  const auto enabled =
      files.read("/sys/module/apparmor/parameters/enabled", 16);
  return enabled && enabled->starts_with('Y');
}

Result<std::vector<Profile>> loaded_profiles(const Files& files) {
  const std::string path = in_kernel("profiles");
  const auto text = files.read(path, kMostPolicy);
  if (!text && text.error().code() == ErrorCode::NotFound) {
    return std::unexpected(not_there(files));
  }
  if (!text) {
    return std::unexpected(
        Error(text.error()).with_hint("the kernel shows it to root alone"));
  }
  return during(path, parse_profiles(*text));
}

Result<std::vector<Use>> uses(const Files& files) {
  TRY_ASSIGN(const std::vector<Profile> loaded, loaded_profiles(files));
  std::map<std::string, Use> by_name;
  for (const Profile& profile : loaded) {
    by_name[profile.name].profile = profile;
  }
  TRY_ASSIGN(const std::vector<std::string> entries, files.list("/proc"));
  for (const std::string& entry : entries) {
    const std::optional<int> pid = as_pid(entry);
    const auto label = pid ? label_of(files, *pid) : std::string();
    if (!pid || !label) {
      continue;  // it ended
    }
    const auto confinement = parse_current(*label);
    if (!confinement) {
      continue;  // it ended: an empty label
    }
    for (const std::string& name : confinement->profiles) {
      const auto [at, added] = by_name.try_emplace(
          name, Use{{name, confinement->mode}, /*listed=*/false, {}});
      at->second.pids.push_back(*pid);
    }
  }
  std::vector<Use> result;
  for (auto& [name, use] : by_name) {
    std::ranges::sort(use.pids);
    result.push_back(std::move(use));
  }
  return result;
}

Result<std::map<std::string, Presence>> presence(
    const Files& files, const std::vector<std::string>& names,
    std::string_view policy) {
  TRY_ASSIGN(const std::vector<Profile> loaded, loaded_profiles(files));
  std::multimap<std::string, std::string> folders;
  add_folders(files, in_kernel("policy/profiles"), "", folders);
  std::map<std::string, Presence> result;
  for (const std::string& name : names) {
    if (std::ranges::find(loaded, name, &Profile::name) == loaded.end()) {
      result[name] = Presence::Absent;
      continue;
    }
    result[name] = Presence::Unknown;
    const auto folder = folders.find(name);
    if (folder == folders.end()) {
      continue;
    }
    if (const auto raw =
            files.read(folder->second + "/raw_data", kMostPolicy)) {
      result[name] = *raw == policy ? Presence::Same : Presence::Other;
    }
  }
  return result;
}

Result<> add(std::string_view policy) {
  return tell(".load", policy);
}

Result<> replace(std::string_view policy) {
  return tell(".replace", policy);
}

Result<> remove(const std::string& name) {
  return tell(".remove", name);
}

}  // namespace vambrace::enforcer::apparmor
