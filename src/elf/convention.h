#pragma once

#include <array>
#include <cstddef>

#include "kernel/syscalls.h"

// In which registers functions and the kernel are handed what they are called
// with, by the numbers that the architecture gives its registers.
namespace vambrace::elf {

struct Convention {
  std::size_t number_register = 0;  // which system call
  // Of the six arguments of a system call (syscall(2), "Architecture calling
  // conventions").
  std::array<std::size_t, 6> kernel_arguments{};
  // Of the first arguments of a function.
  std::array<std::size_t, 6> arguments{};
};

const Convention& convention_of(kernel::Arch arch);

}  // namespace vambrace::elf
