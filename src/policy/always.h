#pragma once

#include <span>
#include <string_view>

#include "kernel/syscalls.h"

// Calls that every program may come to need, whatever was observed.
namespace vambrace::policy {

struct AlwaysCall {
  std::string_view name;
  std::string_view why;
};

// Of one architecture's table, sorted by name.
std::span<const AlwaysCall> always_calls();

}  // namespace vambrace::policy
