#include <array>
#include <map>

#include "kernel/syscalls.h"

// Indices and widths follow the SYSCALL_DEFINE of each call in Linux 6.18: an
// `int` or `unsigned int` parameter is read as 32 bits, whatever the register
// holds above them; an `unsigned long` one is read as the whole register of a
// 64-bit table. The i386 table has 32-bit registers. X32 enters through the
// 64-bit definitions, except where its own numbers (512 to 547) lead to the
// compat ones.
namespace vambrace::kernel {
namespace {

using Argument = ArgSpec::Argument;

constexpr std::uint64_t kInt = 0xffffffff;
constexpr std::uint64_t kLong = 0xffffffffffffffff;

constexpr Argument kInt0[] = {{0, kInt}};
constexpr Argument kInt1[] = {{1, kInt}};
constexpr Argument kInt2[] = {{2, kInt}};
constexpr Argument kInt3[] = {{3, kInt}};
constexpr Argument kLong0[] = {{0, kLong}};
constexpr Argument kLong2[] = {{2, kLong}};
constexpr Argument kLong3[] = {{3, kLong}};
constexpr Argument kLevelAndName[] = {{1, kInt}, {2, kInt}};
constexpr Argument kSocket[] = {{0, kInt}, {1, kInt}, {2, kInt}};

struct Entry {
  std::string_view name;
  ArgSpec wide;    // with the 64-bit definition
  ArgSpec narrow;  // with 32-bit registers or the compat definition
};

constexpr Entry same(std::string_view name, std::span<const Argument> spec) {
  return {name, {spec}, {spec}};
}

constexpr Entry kEntries[] = {
    same("bpf", kInt0),            // cmd
    {"clone", {kLong0}, {kInt0}},  // flags, first on every table here
    // Flags behind the pointer at index 0, a 64-bit field.
    {"clone3", {kLong0, false}, {kLong0, false}},
    same("fcntl", kInt1),  // cmd
    same("fcntl64", kInt1),
    same("getsockopt", kLevelAndName),
    same("io_uring_enter", kInt3),     // flags
    same("io_uring_register", kInt1),  // opcode
    same("ioctl", kInt1),              // request
    same("ipc", kInt0),                // i386: the operation
    same("kcmp", kInt2),               // type
    same("keyctl", kInt0),             // operation
    same("madvise", kInt2),            // advice
    // i386's own "mmap" takes one pointer to all arguments: not recorded.
    {"mmap", {kLong2}, {}},  // prot
    {"mmap2", {}, {kInt2}},
    {"mount", {kLong3}, {kInt3}},     // flags
    {"mprotect", {kLong2}, {kInt2}},  // prot
    same("open", kInt1),              // flags
    same("openat", kInt2),            // flags
    // Flags behind the pointer at index 2, a 64-bit field.
    {"openat2", {kLong2, false}, {kLong2, false}},
    same("personality", kInt0),
    {"pkey_mprotect", {kLong2}, {kInt2}},  // prot
    same("prctl", kInt0),                  // option
    {"ptrace", {kLong0}, {kInt0}},         // request
    same("seccomp", kInt0),                // operation
    same("setns", kInt1),                  // nstype
    same("setsockopt", kLevelAndName),
    same("socket", kSocket),  // family, type, protocol
    // i386's multiplexer: the operation; the rest is behind a pointer.
    same("socketcall", kInt0),
    same("socketpair", kSocket),
    {"unshare", {kLong0}, {kInt0}},  // flags
};

bool is_narrow(Syscall syscall) {
  return syscall.arch == Arch::I386 ||
         (syscall.arch == Arch::X32 && syscall.nr >= 512);
}

using Table = std::map<std::uint32_t, const ArgSpec*>;

Table make_table(Arch arch) {
  Table table;
  for (const Entry& entry : kEntries) {
    const auto nr = syscall_number(arch, entry.name);
    if (!nr) {
      continue;
    }
    const bool narrow = is_narrow({arch, *nr});
    const ArgSpec* spec = narrow ? &entry.narrow : &entry.wide;
    if (!spec->arguments.empty()) {
      table.emplace(*nr, spec);
    }
  }
  return table;
}

}  // namespace

const ArgSpec* arg_spec(Syscall syscall) {
  static const std::array<Table, 4> kTables = {
      make_table(Arch::X86_64), make_table(Arch::I386), make_table(Arch::X32),
      make_table(Arch::Aarch64)};
  const Table& table = kTables[static_cast<std::size_t>(syscall.arch)];
  const auto it = table.find(syscall.nr);
  return it == table.end() ? nullptr : it->second;
}

}  // namespace vambrace::kernel
