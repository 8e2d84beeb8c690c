#include <algorithm>

#include "elf/image_parts.h"

namespace vambrace::elf {

Symbol to_symbol(const Elf64_Sym& entry, ByteView names) {
  const unsigned type = ELF64_ST_TYPE(entry.st_info);
  const unsigned bind = ELF64_ST_BIND(entry.st_info);
  Symbol symbol{.address = entry.st_value, .size = entry.st_size};
  if (entry.st_name < names.size()) {
    const ByteView rest = names.substr(entry.st_name);
    const std::size_t end = rest.find('\0');
    symbol.name = end == ByteView::npos ? ByteView() : rest.substr(0, end);
  }
  symbol.defined = entry.st_shndx != SHN_UNDEF && entry.st_shndx != SHN_ABS;
  symbol.resolver = type == STT_GNU_IFUNC;
  symbol.function = type == STT_FUNC || symbol.resolver;
  symbol.object = type == STT_OBJECT;
  symbol.weak = bind == STB_WEAK;
  symbol.local = bind == STB_LOCAL;
  return symbol;
}

void read_local_symbols(Image& image, const std::vector<Elf64_Shdr>& sections) {
  for (const Elf64_Shdr& section : sections) {
    if (section.sh_type != SHT_SYMTAB || section.sh_link >= sections.size()) {
      continue;
    }
    const Elf64_Shdr& strings = sections[section.sh_link];
    const auto table = slice(image.bytes, section.sh_offset, section.sh_size);
    const auto names = slice(image.bytes, strings.sh_offset, strings.sh_size);
    if (!table || !names) {
      image.faults.emplace_back("a symbol table that goes past the file");
      continue;
    }
    const std::size_t count =
        std::min(table->size() / sizeof(Elf64_Sym), kMaxSymbols);
    for (std::size_t i = 0; i < count; ++i) {
      const auto entry = read_at<Elf64_Sym>(*table, i * sizeof(Elf64_Sym));
      Symbol symbol = to_symbol(*entry, *names);
      // Hand-written code has symbols of no type; they begin something, too.
      // Not so the marks "$x" and "$d" of aarch64, which say what bytes are.
      const bool untyped = ELF64_ST_TYPE(entry->st_info) == STT_NOTYPE &&
                           symbol.defined && !symbol.name.empty() &&
                           !symbol.name.starts_with('$') &&
                           image.is_code(symbol.address);
      symbol.function = symbol.function || untyped;
      if (symbol.defined && (symbol.function || symbol.object)) {
        image.local_symbols.push_back(symbol);
      }
    }
  }
}

}  // namespace vambrace::elf
