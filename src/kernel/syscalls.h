#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace vambrace::kernel {

// The system call tables this product knows. X32 numbers are without bit 30
// (0x40000000), which only the filter and the tracepoint show.
enum class Arch : std::uint8_t { X86_64, I386, X32, Aarch64 };

constexpr Arch kAllArches[] = {Arch::X86_64, Arch::I386, Arch::X32,
                               Arch::Aarch64};

// "x86_64", "i386", "x32", "aarch64".
std::string_view to_string(Arch arch);
std::optional<Arch> arch_from(std::string_view name);

// AUDIT_ARCH_* of include/uapi/linux/audit.h. X86_64 and X32 share one.
std::uint32_t audit_arch(Arch arch);

// "SCMP_ARCH_X86_64" and so on, as in the OCI runtime specification.
std::string_view scmp_arch(Arch arch);
std::optional<Arch> arch_from_scmp(std::string_view name);

// One system call by the number of its table; a number without a name is legal
// and is kept.
struct Syscall {
  Arch arch = Arch::X86_64;
  std::uint32_t nr = 0;
  auto operator<=>(const Syscall&) const = default;
};

// nullopt: no name known to this table (the source and its kernel version are
// named in the syscalls_*.inc files).
std::optional<std::string_view> syscall_name(Syscall syscall);
std::optional<std::uint32_t> syscall_number(Arch arch, std::string_view name);

// The name, or "syscall_451" for an unknown number.
std::string syscall_label(Syscall syscall);

// All numbers of a table that have a name, ascending.
std::span<const std::uint32_t> syscall_numbers(Arch arch);

// The known name nearest in spelling, for error messages; nullopt if none is
// near.
std::optional<std::string_view> nearest_syscall_name(std::string_view name);

// Which arguments of a call carry a choice worth recording and filtering, in
// ascending index order.
struct ArgSpec {
  struct Argument {
    std::uint8_t index = 0;
    // The bits that the kernel reads: 0xffffffff for a 32-bit parameter.
    std::uint64_t mask = 0;
    auto operator<=>(const Argument&) const = default;
  };
  std::span<const Argument> arguments;
  // False for values that a filter cannot see: the index is that of a pointer
  // to a structure, and the value recorded is the 64-bit flags field that the
  // structure begins with (clone3, openat2).
  bool filterable = true;
};

// nullptr for a call whose arguments are not recorded. Aarch64 and i386 use the
// argument order of their own tables (clone: flags at index 0 in all of them).
const ArgSpec* arg_spec(Syscall syscall);

}  // namespace vambrace::kernel
