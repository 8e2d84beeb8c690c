#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "elf/code.h"
#include "elf/data.h"
#include "elf/image.h"

// Where edges and pointers of a file lead, as far as the file alone tells.
namespace vambrace::elf {

// The function at an address, by its index. Of padding: what comes behind it.
std::optional<std::uint32_t> function_from(const Image& image, const Code& code,
                                           std::uint64_t address);

struct End {
  enum class Kind : std::uint8_t {
    Unasked,
    Nowhere,
    Function,  // of this file
    Pointer,   // what the loader writes there: Image::pointers
    // For what names an address or holds it: DataCells, or kNoCell. For what
    // reads memory: the first of the pointers that stand there or behind it.
    Data,
  };
  static constexpr std::uint32_t kNoCell = ~0U;

  Kind kind = Kind::Unasked;
  std::uint32_t index = 0;
};

// The ends of one file. Programs have most files in common, and find them as
// they were. Thread rule: one thread, since it remembers what was asked of it.
class Ends {
 public:
  // The same file each time.
  struct File {
    const Image& image;
    const Code& code;
    const DataCells& data;
  };

  // Calls and jumps lead through the entries of linkage tables.
  End of_edge(const File& file, std::uint32_t edge) {
    return is_known(edges_, edge) ? edges_[edge] : ask_edge(file, edge);
  }
  // Of the address that the pointer holds, if that is one of this file.
  End of_pointer(const File& file, std::uint32_t pointer) {
    return is_known(pointers_, pointer) ? pointers_[pointer]
                                        : ask_pointer(file, pointer);
  }

 private:
  static bool is_known(const std::vector<End>& ends, std::uint32_t index) {
    return index < ends.size() && ends[index].kind != End::Kind::Unasked;
  }
  End ask_edge(const File& file, std::uint32_t edge);
  End ask_pointer(const File& file, std::uint32_t pointer);

  std::vector<End> edges_;
  std::vector<End> pointers_;
};

}  // namespace vambrace::elf
