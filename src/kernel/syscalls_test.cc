#include "kernel/syscalls.h"

#include <gtest/gtest.h>
#include <seccomp.h>

#include <charconv>
#include <sstream>

#include "host/disk_files.h"

namespace vambrace::kernel {
namespace {

using Numbers = std::map<std::string, std::uint32_t>;

// The "#define __NR_name 12" lines of a kernel header, in all its spellings.
Numbers defined_in(const std::string& path) {
  Numbers numbers;
  const Result<std::string> text = DiskFiles().read(path);
  std::istringstream lines(text.value_or(""));
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string define;
    std::string name;
    std::string rest;
    words >> define >> name;
    std::getline(words, rest);
    const std::string prefix = name.starts_with("__NR3264_") ? "__NR3264_"
                               : name.starts_with("__NR_")   ? "__NR_"
                                                             : "";
    const std::size_t digit = rest.find_last_of(" +");
    std::uint32_t number = 0;
    if (define != "#define" || prefix.empty() || digit == std::string::npos ||
        std::from_chars(rest.data() + digit + 1, rest.data() + rest.size(),
                        number)
                .ec != std::errc()) {
      continue;
    }
    numbers[name.substr(prefix.size())] = number;
  }
  return numbers;
}

// The header is of some kernel: what it has we must have, and the reverse holds
// for all numbers up to its largest.
void expect_same(Arch arch, const Numbers& header, std::uint32_t largest) {
  for (const auto& [name, number] : header) {
    if (number > 471) {
      continue;  // a header newer than the table
    }
    EXPECT_EQ(syscall_number(arch, name), number)
        << name << " in " << to_string(arch);
  }
  for (const std::uint32_t number : syscall_numbers(arch)) {
    const std::string name(*syscall_name({arch, number}));
    const bool later = name == "uretprobe" || name == "uprobe";
    if (number <= largest && !later) {
      EXPECT_TRUE(header.contains(name)) << name << " " << number;
    }
  }
}

TEST(Syscalls, AgreeWithTheKernelsX86Headers) {
  const std::string folder = "/usr/include/x86_64-linux-gnu/asm/";
  const std::pair<Arch, std::string> headers[] = {{Arch::X86_64, "unistd_64.h"},
                                                  {Arch::I386, "unistd_32.h"},
                                                  {Arch::X32, "unistd_x32.h"}};
  for (const auto& [arch, file] : headers) {
    const Numbers header = defined_in(folder + file);
    if (header.empty()) {
      GTEST_SKIP() << folder << file << " is not installed";
    }
    ASSERT_TRUE(header.contains("set_mempolicy_home_node"));
    expect_same(arch, header, 450);
  }
}

TEST(Syscalls, AgreeWithTheKernelsGenericHeaderOnAarch64) {
  Numbers header = defined_in("/usr/include/asm-generic/unistd.h");
  if (header.empty()) {
    GTEST_SKIP() << "asm-generic/unistd.h is not installed";
  }
  header.erase("syscalls");
  header.erase("arch_specific_syscall");
  // Other architectures' variants of 79 and 84.
  header["newfstatat"] = header["fstatat"];
  header.erase("sync_file_range2");
  header.erase("fstatat");
  // 403 to 423 are for 32-bit tables.
  std::erase_if(header, [](const auto& row) {
    return row.second >= 403 && row.second <= 423;
  });
  expect_same(Arch::Aarch64, header, 450);
}

// libseccomp has its own tables. Negative numbers are its own inventions for
// calls that a table lacks or multiplexes.
TEST(Syscalls, AgreeWithLibseccomp) {
  const std::pair<Arch, std::uint32_t> arches[] = {
      {Arch::X86_64, SCMP_ARCH_X86_64},
      {Arch::I386, SCMP_ARCH_X86},
      {Arch::X32, SCMP_ARCH_X32},
      {Arch::Aarch64, SCMP_ARCH_AARCH64}};
  for (const auto& [arch, token] : arches) {
    const int bit = arch == Arch::X32 ? 0x40000000 : 0;
    std::size_t known = 0;
    for (std::uint32_t nr = 0; nr < 600; ++nr) {
      char* name =
          seccomp_syscall_resolve_num_arch(token, static_cast<int>(nr) | bit);
      if (name != nullptr) {
        ++known;
        EXPECT_EQ(syscall_name({arch, nr}), std::string_view(name))
            << nr << " in " << to_string(arch);
      }
      std::free(name);
    }
    EXPECT_GT(known, 300U) << to_string(arch);
    for (const std::uint32_t nr : syscall_numbers(arch)) {
      const std::string name(*syscall_name({arch, nr}));
      const int theirs = seccomp_syscall_resolve_name_arch(token, name.c_str());
      if (theirs >= 0) {
        EXPECT_EQ(static_cast<std::uint32_t>(theirs & ~bit), nr) << name;
      }
    }
  }
}

TEST(Syscalls, KnowTheCallsOfLinux617) {
  for (const Arch arch : kAllArches) {
    EXPECT_EQ(syscall_number(arch, "fchmodat2"), 452U);
    EXPECT_EQ(syscall_number(arch, "mseal"), 462U);
    EXPECT_EQ(syscall_number(arch, "file_setattr"), 469U);
  }
}

TEST(Syscalls, GiveX32ItsOwnNumbersAndNotTheSharedOnes) {
  EXPECT_EQ(syscall_number(Arch::X32, "ioctl"), 514U);
  EXPECT_EQ(syscall_name({Arch::X32, 16}), std::nullopt);
  EXPECT_EQ(syscall_number(Arch::X32, "read"), 0U);
  EXPECT_EQ(syscall_name({Arch::X86_64, 514}), std::nullopt);
}

TEST(Syscalls, LabelANumberWithoutAName) {
  EXPECT_EQ(syscall_label({Arch::X86_64, 0}), "read");
  EXPECT_EQ(syscall_label({Arch::X86_64, 4000000000}), "syscall_4000000000");
}

TEST(Syscalls, EachNameLeadsBackToItsNumber) {
  for (const Arch arch : kAllArches) {
    EXPECT_EQ(arch_from(to_string(arch)), arch);
    EXPECT_EQ(arch_from_scmp(scmp_arch(arch)), arch);
    for (const std::uint32_t nr : syscall_numbers(arch)) {
      EXPECT_EQ(syscall_number(arch, *syscall_name({arch, nr})), nr);
    }
  }
  EXPECT_EQ(audit_arch(Arch::X32), audit_arch(Arch::X86_64));
}

TEST(Syscalls, SuggestTheNearestName) {
  EXPECT_EQ(nearest_syscall_name("opnat"), "openat");
  EXPECT_EQ(nearest_syscall_name("scoket"), "socket");
  EXPECT_EQ(nearest_syscall_name("socketcall"), "socketcall");
  EXPECT_EQ(nearest_syscall_name("frobnicate_all"), std::nullopt);
  EXPECT_EQ(nearest_syscall_name(""), std::nullopt);
}

}  // namespace
}  // namespace vambrace::kernel
