#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "base/files.h"
#include "base/result.h"
#include "enforcer/apparmor/audit_log.h"
#include "enforcer/apparmor/records.h"

namespace vambrace::enforcer::apparmor {

// A profile with its children that is in this host's kernel while the object
// lives: it takes out what it put in, and nothing else. A profile that still
// confines a process stays: that process would go on unconfined.
class LoadedProfile {
 public:
  // Compiles the text and puts it in; a profile that is there from the same
  // bytes is used as it is. Denied if there is another one of its name.
  static Result<LoadedProfile> load(const Files& files, std::string_view text);
  LoadedProfile(LoadedProfile&& other) noexcept
      : files_(other.files_),
        name_(std::exchange(other.name_, {})),
        ours_(std::exchange(other.ours_, false)) {}
  LoadedProfile& operator=(LoadedProfile&&) = delete;
  LoadedProfile(const LoadedProfile&) = delete;
  LoadedProfile& operator=(const LoadedProfile&) = delete;
  ~LoadedProfile() { unload(); }

  const std::string& name() const { return name_; }
  bool is_ours() const { return ours_; }

  // Takes it out. Why it is there still, if it is although it was put in here;
  // otherwise empty.
  std::string unload();

 private:
  LoadedProfile(const Files& files, std::string name, bool ours)
      : files_(&files), name_(std::move(name)), ours_(ours) {}

  const Files* files_;  // outlives it
  std::string name_;
  bool ours_ = false;
};

// Collects what AppArmor says about one profile.
class ProfileWatch {
 public:
  // Begins to listen, and has one access of its own refused under the profile:
  // only if that is seen is "no denial" an answer. Unavailable if it is not.
  static Result<ProfileWatch> begin(std::string profile);

  // Takes what has come; to be called often enough for the kernel's buffers.
  void poll();

  // Everything up to now, known to be everything by another access that is
  // refused last.
  Watched end();

 private:
  ProfileWatch(std::string profile, AuditLog log)
      : profile_(std::move(profile)), log_(std::move(log)) {}
  Result<> see_canary();

  std::string profile_;
  AuditLog log_;
  int canary_ = 0;  // the process whose denial is waited for
  bool seen_ = false;
  std::map<Record, std::uint64_t> records_;
};

}  // namespace vambrace::enforcer::apparmor
