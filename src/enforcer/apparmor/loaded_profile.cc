#include "enforcer/apparmor/loaded_profile.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/printable.h"
#include "enforcer/apparmor/compile.h"
#include "enforcer/apparmor/compiled.h"
#include "enforcer/apparmor/kernel.h"
#include "host/disk_files.h"

namespace vambrace::enforcer::apparmor {
namespace {

// Long enough for an emulated machine that is busy.
constexpr std::chrono::seconds kCanaryLimit{10};

// A process that puts the profile on itself and asks whether its parent, which
// is confined by another one or by none, takes signals: the workload's profiles
// have signals among themselves alone, so that is always refused, or logged in
// complain mode. Its pid, or the errno of what failed before.
Result<int> send_canary(const std::string& profile) {
  const std::string order = "changeprofile " + profile;
  const pid_t parent = ::getpid();
  const pid_t child = ::fork();
  if (child < 0) {
    return std::unexpected(system_error("fork", errno));
  }
  if (child == 0) {
    // The memory may be another thread's in the middle of a change: only
    // system calls from here on.
    int fd = ::open("/proc/self/attr/apparmor/current", O_WRONLY | O_CLOEXEC);
    if (fd < 0) {
      fd = ::open("/proc/self/attr/current", O_WRONLY | O_CLOEXEC);
    }
    if (fd < 0 || ::write(fd, order.data(), order.size()) < 0) {
      ::_exit(errno == 0 ? EIO : errno);
    }
    ::kill(parent, 0);
    ::_exit(0);
  }
  int status = 0;
  while (::waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) {
      return std::unexpected(system_error("wait", errno));
    }
  }
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    return std::unexpected(
        system_error("enter the AppArmor profile " + printable(profile),
                     WIFEXITED(status) ? WEXITSTATUS(status) : EIO));
  }
  return child;
}

// The profile whose children the others are.
std::string first_of(const std::vector<std::string>& names) {
  return *std::ranges::min_element(names, {}, &std::string::size);
}

}  // namespace

Result<LoadedProfile> LoadedProfile::load(const Files& files,
                                          std::string_view text) {
  TRY_ASSIGN(const std::string policy, compile(files, text));
  TRY_ASSIGN(const std::vector<std::string> names, compiled_names(policy));
  TRY_ASSIGN(const auto there, presence(files, names, policy));
  const std::string name = first_of(names);
  const auto all_are = [&](Presence wanted) {
    return std::ranges::all_of(
        there, [&](const auto& one) { return one.second == wanted; });
  };
  if (all_are(Presence::Same)) {
    return LoadedProfile(files, name, /*ours=*/false);
  }
  if (!all_are(Presence::Absent)) {
    return std::unexpected(
        Error(ErrorCode::Denied,
              fmt::format("AppArmor profile {} is loaded already, from another "
                          "content",
                          printable(name)))
            .with_hint("vambrace apparmor status says who runs under it; "
                       "vambrace apparmor unload removes it"));
  }
  TRY(during("AppArmor profile " + printable(name), add(policy)));
  return LoadedProfile(files, name, /*ours=*/true);
}

std::string LoadedProfile::unload() {
  if (!ours_) {
    return "";
  }
  ours_ = false;
  const auto all = uses(*files_);
  if (!all) {
    return all.error().message();
  }
  std::vector<int> pids;
  for (const Use& use : *all) {
    if (use.profile.name == name_ ||
        use.profile.name.starts_with(name_ + "//")) {
      pids.insert(pids.end(), use.pids.begin(), use.pids.end());
    }
  }
  if (!pids.empty()) {
    return fmt::format("it confines processes that still run: {}",
                       fmt::join(pids, " "));
  }
  const auto removed = remove(name_);
  return removed ? "" : removed.error().message();
}

Result<ProfileWatch> ProfileWatch::begin(std::string profile) {
  TRY_ASSIGN(AuditLog log, AuditLog::open());
  ProfileWatch watch(std::move(profile), std::move(log));
  TRY(watch.see_canary());
  return watch;
}

void ProfileWatch::poll() {
  for (Record& record : log_.read()) {
    if (!is_about(record, profile_) || record.verdict == "STATUS") {
      continue;
    }
    if (record.pid == canary_ && record.operation == "signal") {
      seen_ = true;
      continue;
    }
    record.pid = 0;
    ++records_[std::move(record)];
  }
}

Result<> ProfileWatch::see_canary() {
  seen_ = false;
  TRY_ASSIGN(canary_, send_canary(profile_));
  const auto end = std::chrono::steady_clock::now() + kCanaryLimit;
  for (poll(); !seen_; poll()) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        end - std::chrono::steady_clock::now());
    if (left.count() <= 0 || !log_.wait(left)) {
      return std::unexpected(
          Error(ErrorCode::Unavailable,
                "a denial made to be seen did not come up in the audit log")
              .with_hint("boot without audit=0; /sys/module/apparmor/"
                         "parameters/audit must not be quiet; the log is sent "
                         "to the host's network namespace alone"));
    }
  }
  canary_ = 0;
  return {};
}

Watched ProfileWatch::end() {
  const auto complete = see_canary();
  Watched watched{.profile = profile_, .records = records_};
  watched.losses = log_.losses();
  if (!complete) {
    watched.losses.push_back(complete.error().message());
  }
  return watched;
}

}  // namespace vambrace::enforcer::apparmor
