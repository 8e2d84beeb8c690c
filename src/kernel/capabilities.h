#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace vambrace::kernel {

// include/uapi/linux/capability.h, CAP_LAST_CAP of Linux 6.18 is 40.
constexpr std::uint32_t kLastCapability = 40;

// "CAP_NET_BIND_SERVICE" for 10; nullopt above kLastCapability.
std::optional<std::string_view> capability_name(std::uint32_t number);
// Takes the name with or without CAP_, in any case.
std::optional<std::uint32_t> capability_number(std::string_view name);

}  // namespace vambrace::kernel
