#include "cli/exit.h"

namespace vambrace::cli {

Exit exit_for(ErrorCode code) {
  switch (code) {
    case ErrorCode::InvalidInput:
    case ErrorCode::NotFound:
      return Exit::Usage;
    case ErrorCode::Denied:
      return Exit::Refused;
    case ErrorCode::Unsupported:
    case ErrorCode::Unavailable:
      return Exit::Environment;
    case ErrorCode::Internal:
      return Exit::Fault;
  }
  return Exit::Fault;
}

}  // namespace vambrace::cli
