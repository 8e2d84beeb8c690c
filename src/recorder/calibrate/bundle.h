#pragma once

#include <string>

#include "base/result.h"

namespace vambrace::recorder {

// An OCI bundle whose only program is calibration_program(), in a folder of its
// own that ends with this object. The filter of its configuration allows
// everything but a call that nobody makes, so that one is loaded.
class CalibrationBundle {
 public:
  static Result<CalibrationBundle> create();
  CalibrationBundle(CalibrationBundle&& other) noexcept;
  CalibrationBundle& operator=(CalibrationBundle&&) = delete;
  CalibrationBundle(const CalibrationBundle&) = delete;
  CalibrationBundle& operator=(const CalibrationBundle&) = delete;
  ~CalibrationBundle();

  const std::string& path() const { return path_; }
  // Writes config.json for the next start.
  Result<> configure(unsigned user, bool no_new_privs) const;

 private:
  explicit CalibrationBundle(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

// The program in the bundle's root.
constexpr const char* kCalibrationProgram = "/program";

}  // namespace vambrace::recorder
