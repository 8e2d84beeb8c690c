#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "elf/image.h"

// What the functions of one file are called, by where they begin.
namespace vambrace::elf {

// Put in order when it is asked for the first time. Thread rule: one thread.
class FunctionNames {
 public:
  // Of the symbol table, else of the dynamic one; of several names the
  // plainest. Empty if none is known. The image is the same each time.
  std::string_view at(const Image& image, std::uint64_t address);

 private:
  struct Named {
    std::uint64_t address = 0;
    std::string_view name;
  };
  static std::vector<Named> in_order(const std::vector<Symbol>& symbols);
  static std::string_view find(const std::vector<Named>& all,
                               std::uint64_t address);

  bool ready_ = false;
  std::vector<Named> local_;
  std::vector<Named> dynamic_;
};

}  // namespace vambrace::elf
