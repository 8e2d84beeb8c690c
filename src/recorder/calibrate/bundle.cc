#include "recorder/calibrate/bundle.h"

#include <stdlib.h>

#include <filesystem>
#include <utility>

#include "base/json.h"
#include "host/disk_files.h"
#include "recorder/calibrate/program_image.h"

namespace vambrace::recorder {
namespace {

namespace fs = std::filesystem;
using json::Value;

Value config(unsigned user, bool no_new_privs) {
  const Value capabilities = {"CAP_CHOWN", "CAP_KILL", "CAP_SETGID",
                              "CAP_SETUID"};
  Value sets;
  for (const char* set : {"bounding", "effective", "permitted"}) {
    sets[set] = capabilities;
  }
  Value namespaces = Value::array();
  for (const char* type : {"pid", "ipc", "uts", "mount"}) {
    namespaces.push_back({{"type", type}});
  }
  // Nobody calls uselib: glibc and musl have no function for it.
  const Value filter = {
      {"defaultAction", "SCMP_ACT_ALLOW"},
      {"syscalls", Value::array({{{"names", Value::array({"uselib"})},
                                  {"action", "SCMP_ACT_ERRNO"}}})}};
  const Value mounts = Value::array(
      {{{"destination", "/proc"}, {"type", "proc"}, {"source", "proc"}},
       {{"destination", "/dev"}, {"type", "tmpfs"}, {"source", "tmpfs"}}});
  return {{"ociVersion", "1.0.2"},
          {"process",
           {{"terminal", false},
            {"user", {{"uid", user}, {"gid", user}}},
            {"args", Value::array({kCalibrationProgram})},
            {"env", Value::array({"PATH=/"})},
            {"cwd", "/"},
            {"capabilities", sets},
            {"noNewPrivileges", no_new_privs}}},
          {"root", {{"path", "rootfs"}, {"readonly", true}}},
          {"mounts", mounts},
          {"linux", {{"namespaces", namespaces}, {"seccomp", filter}}}};
}

}  // namespace

Result<CalibrationBundle> CalibrationBundle::create() {
  std::error_code error;
  std::string path =
      (fs::temp_directory_path(error) / "vambrace-calibrate-XXXXXX").string();
  if (error || ::mkdtemp(path.data()) == nullptr) {
    return std::unexpected(system_error("make a folder for a bundle", errno));
  }
  CalibrationBundle bundle(path);
  const fs::path root = fs::path(path) / "rootfs";
  for (const char* folder : {"proc", "dev"}) {
    fs::create_directories(root / folder, error);
  }
  const std::string program = root.string() + kCalibrationProgram;
  DiskFiles files;
  TRY(files.write(program, calibration_program()));
  // Another user's program must be able to get there.
  constexpr auto kAllMayEnter = static_cast<fs::perms>(0755);
  for (const fs::path& place : {fs::path(path), root, fs::path(program)}) {
    fs::permissions(place, kAllMayEnter, error);
  }
  if (error) {
    return fail(ErrorCode::Unavailable, "prepare a bundle below {}: {}", path,
                error.message());
  }
  return bundle;
}

CalibrationBundle::CalibrationBundle(CalibrationBundle&& other) noexcept
    : path_(std::exchange(other.path_, "")) {}

CalibrationBundle::~CalibrationBundle() {
  if (!path_.empty()) {
    std::error_code error;
    fs::remove_all(path_, error);
  }
}

Result<> CalibrationBundle::configure(unsigned user, bool no_new_privs) const {
  DiskFiles files;
  return files.write(path_ + "/config.json",
                     json::print(config(user, no_new_privs)));
}

}  // namespace vambrace::recorder
