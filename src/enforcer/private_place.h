#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "enforcer/launcher/launch.h"

namespace vambrace::enforcer {

// A folder of our own under the temporary folder, open for everybody to enter
// and for nobody to list. Removed at the end with what is in it.
class PrivatePlace {
 public:
  static Result<PrivatePlace> create();
  PrivatePlace(PrivatePlace&& other) noexcept;
  PrivatePlace& operator=(PrivatePlace&&) = delete;
  PrivatePlace(const PrivatePlace&) = delete;
  PrivatePlace& operator=(const PrivatePlace&) = delete;
  ~PrivatePlace();

  const std::string& path() const { return path_; }
  std::string file(std::string_view name) const;

  // Leaves the folder where it is.
  void keep() { path_kept_ = true; }

  // Writes one file, readable and, if asked, executable by everybody.
  Result<std::string> put(std::string_view name, std::string_view bytes,
                          bool executable) const;
  // An empty file that everybody may append to who was told its path, which
  // ends with 128 random bits. Whoever is handed that path must keep it from
  // other users: not in a command line, not in a file that they can read.
  Result<std::string> put_open(std::string_view name) const;

 private:
  explicit PrivatePlace(std::string path) : path_(std::move(path)) {}
  std::string path_;
  bool path_kept_ = false;
};

// Leaves for a mount namespace of this process's own, where what is mounted is
// seen by it and its children alone and ends with them. Unavailable without
// CAP_SYS_ADMIN.
Result<> enter_private_mounts();

// Where in the place an executable has its second path, under its cover `name`.
std::string second_path(std::string_view name, const std::string& exe);

// The launcher over one executable, in the private mount namespace of this
// process, from create() to the end of the object. Whoever starts the
// executable from within the namespace gets the launcher, and then the
// executable under the policy.
class WorkloadCover {
 public:
  // `exe` must be the executable's resolved path; `name` keeps several covers
  // in one place apart. enter_private_mounts() first.
  static Result<WorkloadCover> create(const PrivatePlace& place,
                                      const std::string& exe,
                                      std::string_view name, LaunchSpec spec);
  WorkloadCover(WorkloadCover&& other) noexcept;
  WorkloadCover& operator=(WorkloadCover&&) = delete;
  WorkloadCover(const WorkloadCover&) = delete;
  WorkloadCover& operator=(const WorkloadCover&) = delete;
  ~WorkloadCover();

 private:
  WorkloadCover(std::string exe, std::string original)
      : exe_(std::move(exe)), original_(std::move(original)) {}
  std::string exe_;
  std::string original_;
};

}  // namespace vambrace::enforcer
