#include "base/error.h"

#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>

#include "base/result.h"

namespace vambrace {

std::string_view to_string(ErrorCode code) {
  switch (code) {
    case ErrorCode::InvalidInput:
      return "invalid input";
    case ErrorCode::NotFound:
      return "not found";
    case ErrorCode::Denied:
      return "refused";
    case ErrorCode::Unsupported:
      return "unsupported";
    case ErrorCode::Unavailable:
      return "unavailable";
    case ErrorCode::Internal:
      return "internal error";
  }
  return "unknown";
}

void check_failed(const char* condition, const char* file, int line) {
  fmt::print(stderr, "vambrace: {}:{}: broken promise: {}\n", file, line,
             condition);
  std::abort();
}

}  // namespace vambrace
