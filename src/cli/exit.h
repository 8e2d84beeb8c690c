#pragma once

#include "base/error.h"

namespace vambrace::cli {

// The exit codes of every command.
enum class Exit : int {
  Clean = 0,        // done, nothing to report
  Findings = 1,     // done, with findings or denials
  Usage = 2,        // wrong use or unusable input
  Refused = 3,      // a gate or a verdict says no
  Environment = 4,  // this machine lacks something; the message says what to do
  Fault = 70,       // our own fault
};

// InvalidInput and NotFound -> Usage, Denied -> Refused, Unsupported and
// Unavailable -> Environment, Internal -> Fault.
Exit exit_for(ErrorCode code);

}  // namespace vambrace::cli
