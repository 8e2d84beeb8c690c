#include "elf/aarch64/jump_table.h"

namespace vambrace::elf::aarch64 {

std::vector<std::uint64_t> jump_targets(const Image& image,
                                        const JumpTable& table) {
  constexpr std::uint64_t kMaxEntries = 1024;
  std::vector<std::uint64_t> targets;
  const ByteView bytes = image.from(table.table);
  for (std::uint64_t i = 0; i < kMaxEntries; ++i) {
    const auto entry = slice(bytes, i * table.bytes, table.bytes);
    if (!entry) {
      break;
    }
    std::uint64_t number = 0;
    for (unsigned at = 0; at < table.bytes; ++at) {
      number |= std::uint64_t{static_cast<unsigned char>((*entry)[at])}
                << (8 * at);
    }
    const unsigned above = 64 - 8 * table.bytes;
    const auto negative = static_cast<std::uint64_t>(
        static_cast<std::int64_t>(number << above) >> above);
    for (const std::uint64_t distance : {number, negative}) {
      targets.push_back(table.base == 0 ? table.table + distance
                                        : table.base + distance * 4);
    }
  }
  return targets;
}

}  // namespace vambrace::elf::aarch64
