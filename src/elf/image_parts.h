#pragma once

#include <elf.h>

#include <optional>
#include <vector>

#include "elf/image.h"

// The steps of parse_image that have a file of their own. Each adds to the
// image what it can read, and a fault for what it cannot.
namespace vambrace::elf {

void read_dynamic(Image& image, const Elf64_Phdr& header);
// What a file without a dynamic section tells of the same in its sections.
void read_static(Image& image, const std::vector<Elf64_Shdr>& sections);
void read_local_symbols(Image& image, const std::vector<Elf64_Shdr>& sections);
void read_frames(Image& image, const std::optional<Elf64_Phdr>& table,
                 const std::vector<Elf64_Shdr>& sections, ByteView names);

// One symbol of either table; its name from `names`.
Symbol to_symbol(const Elf64_Sym& entry, ByteView names);

}  // namespace vambrace::elf
