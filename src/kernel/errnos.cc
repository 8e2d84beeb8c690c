#include "kernel/errnos.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace vambrace::kernel {
namespace {

struct Row {
  std::uint32_t number;
  std::string_view name;
};

// clang-format off
constexpr Row kRows[] = {
#include "kernel/errnos.inc"
};
// clang-format on
static_assert(std::is_sorted(std::begin(kRows), std::end(kRows),
                             [](const Row& a, const Row& b) {
                               return a.number < b.number;
                             }));

// MAX_ERRNO of include/linux/err.h: larger values are results, not errors.
constexpr std::uint32_t kLargest = 4095;

}  // namespace

std::string errno_name(std::uint32_t number) {
  const Row* row = std::lower_bound(
      std::begin(kRows), std::end(kRows), number,
      [](const Row& r, std::uint32_t wanted) { return r.number < wanted; });
  if (row != std::end(kRows) && row->number == number) {
    return std::string(row->name);
  }
  return fmt::format("E{}", number);
}

std::optional<std::uint32_t> errno_number(std::string_view name) {
  // Second names of the same numbers on the architectures known here.
  static constexpr Row kAliases[] = {
      {11, "EWOULDBLOCK"}, {35, "EDEADLOCK"}, {95, "ENOTSUP"}};
  for (const Row& row : kRows) {
    if (row.name == name) {
      return row.number;
    }
  }
  for (const Row& row : kAliases) {
    if (row.name == name) {
      return row.number;
    }
  }
  if (!name.starts_with('E')) {
    return std::nullopt;
  }
  std::uint32_t number = 0;
  const char* end = name.data() + name.size();
  const auto [stop, error] = std::from_chars(name.data() + 1, end, number);
  const bool plain = error == std::errc() && stop == end && number <= kLargest;
  // Only the form that errno_name() writes: one name for each number.
  return plain && errno_name(number) == name ? std::optional(number)
                                             : std::nullopt;
}

}  // namespace vambrace::kernel
