#pragma once

#include <fmt/format.h>

#include <expected>
#include <string>
#include <utility>

#include "base/error.h"

namespace vambrace {

// A value, or the error that stood in its way. Three ways to handle one:
//
//   TRY(write(file));                        pass the error up
//   TRY_ASSIGN(const Policy p, parse(text)); pass it up or name the value
//   if (auto r = parse(text); !r) { ... }    look at it
//
// Absence that is normal is a std::optional, not an error.
template <class T = void>
using Result = std::expected<T, Error>;

// An unexpected Error with a formatted message:
//   return fail(ErrorCode::NotFound, "no recording {}", id);
template <class... Args>
[[nodiscard]] std::unexpected<Error> fail(ErrorCode code,
                                          fmt::format_string<Args...> format,
                                          Args&&... args) {
  return std::unexpected(
      Error(code, fmt::format(format, std::forward<Args>(args)...)));
}

// Adds the step to a failed result and leaves a good one alone.
template <class T>
[[nodiscard]] Result<T> during(std::string_view step, Result<T> result) {
  if (!result) {
    return std::unexpected(std::move(result.error()).during(step));
  }
  return result;
}

// The calling code broke its promise: says where and aborts.
[[noreturn]] void check_failed(const char* condition, const char* file,
                               int line);

}  // namespace vambrace

#define VAMBRACE_JOIN_(a, b) a##b
#define VAMBRACE_JOIN(a, b) VAMBRACE_JOIN_(a, b)

#define TRY(expression)                                      \
  do {                                                       \
    if (auto try_result = (expression); !try_result) {       \
      return std::unexpected(std::move(try_result).error()); \
    }                                                        \
  } while (false)

#define TRY_ASSIGN_(result, declaration, expression)   \
  auto result = (expression);                          \
  if (!result) {                                       \
    return std::unexpected(std::move(result).error()); \
  }                                                    \
  declaration = std::move(result).value()

#define TRY_ASSIGN(declaration, expression) \
  TRY_ASSIGN_(VAMBRACE_JOIN(try_result_, __COUNTER__), declaration, expression)

#define CHECK(condition)                                        \
  do {                                                          \
    if (!(condition)) {                                         \
      ::vambrace::check_failed(#condition, __FILE__, __LINE__); \
    }                                                           \
  } while (false)
