#include "kernel/errnos.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace vambrace::kernel {
namespace {

struct NamedErrno {
  std::uint32_t number;
  std::string_view name;
};

// clang-format off
constexpr NamedErrno kErrnos[] = {
#include "kernel/errnos.inc"
};
// clang-format on
static_assert(std::is_sorted(std::begin(kErrnos), std::end(kErrnos),
                             [](const NamedErrno& a, const NamedErrno& b) {
                               return a.number < b.number;
                             }));

// MAX_ERRNO of include/linux/err.h: larger values are results, not errors.
constexpr std::uint32_t kLargest = 4095;

}  // namespace

std::string errno_name(std::uint32_t number) {
  const NamedErrno* row =
      std::lower_bound(std::begin(kErrnos), std::end(kErrnos), number,
                       [](const NamedErrno& r, std::uint32_t wanted) {
                         return r.number < wanted;
                       });
  if (row != std::end(kErrnos) && row->number == number) {
    return std::string(row->name);
  }
  return fmt::format("E{}", number);
}

std::optional<std::uint32_t> errno_number(std::string_view name) {
  // Second names of the same numbers on the architectures known here.
  static constexpr NamedErrno kAliases[] = {
      {11, "EWOULDBLOCK"}, {35, "EDEADLOCK"}, {95, "ENOTSUP"}};
  for (const NamedErrno& row : kErrnos) {
    if (row.name == name) {
      return row.number;
    }
  }
  for (const NamedErrno& row : kAliases) {
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
