#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace vambrace::kernel {

// What a refused call gets: the two that filters use.
constexpr std::uint32_t kEperm = 1;
constexpr std::uint32_t kEnosys = 38;
// What a file gets that no AppArmor rule allows.
constexpr std::uint32_t kEacces = 13;

// "EPERM" for 1 (include/uapi/asm-generic/errno*.h, the same on x86 and arm64,
// with the kernel-internal ERESTART* of include/linux/errno.h, which sys_exit
// shows). An unknown number becomes "E4095".
std::string errno_name(std::uint32_t number);
std::optional<std::uint32_t> errno_number(std::string_view name);

}  // namespace vambrace::kernel
