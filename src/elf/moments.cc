#include "elf/run.h"

namespace vambrace::elf {

std::vector<Moment> find_moments(const Image& image, const Range& bounds,
                                 std::span<const std::uint64_t> entries,
                                 const Returns& returns, Choices& choices,
                                 Effort& effort) {
  return image.arch == kernel::Arch::Aarch64
             ? find_moments_aarch64(image, bounds, entries, returns, choices,
                                    effort)
             : find_moments_x86_64(image, bounds, entries, returns, choices,
                                   effort);
}

}  // namespace vambrace::elf
