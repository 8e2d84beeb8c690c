#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

// Names of socket families, socket types and signals, as AppArmor's language
// has them.
namespace vambrace::kernel {

// "inet" for 2 (include/linux/socket.h); nullopt for a number without a name.
std::optional<std::string_view> socket_family_name(std::uint64_t number);

// "stream" for 1 (include/linux/net.h). The flags above the low four bits are
// left out.
std::optional<std::string_view> socket_type_name(std::uint64_t number);

// "term" for 15, "exists" for 0, on x86 and arm64 (apparmor.d(5)); nullopt for
// a real-time signal: those are "rtmin+N".
std::optional<std::string_view> signal_name(std::uint32_t number);

// The first real-time signal that the kernel has.
constexpr std::uint32_t kFirstRealTimeSignal = 32;
constexpr std::uint32_t kLastSignal = 64;

}  // namespace vambrace::kernel
