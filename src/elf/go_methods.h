#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "elf/image.h"

// Methods that programs of Go find while they run: by reflection, and when they
// ask whether a value has an interface.
//
// Its types have tables of their methods, with where each begins as a distance
// of 32 bits from the beginning of the code. The linker leaves those out that
// nobody can ask for (runtime/type.go, internal/abi/type.go, linker's
// deadcode.go).
namespace vambrace::elf {

struct GoMethod {
  std::uint64_t place = 0;     // of an entry in a table
  std::uint64_t function = 0;  // where it begins
};

// Each function once. Empty for what is not of Go; nullopt if its tables have a
// form that is not known: those of Go 1.18 and later are.
std::optional<std::vector<GoMethod>> find_go_methods(const Image& image);

}  // namespace vambrace::elf
