#include <algorithm>
#include <map>
#include <numeric>

#include "elf/image_parts.h"

namespace vambrace::elf {
namespace {

// DT_RELR and its kin: newer than some systems' elf.h.
constexpr std::int64_t kRelr = 36;
constexpr std::int64_t kRelrBytes = 35;

// The relocation types that write an address, by machine: the processor
// supplements of x86-64 and of aarch64.
struct Types {
  std::uint32_t relative, absolute, global, jump, resolver, copy;
};

Types types_of(kernel::Arch arch) {
  if (arch == kernel::Arch::X86_64) {
    return {R_X86_64_RELATIVE,  R_X86_64_64,        R_X86_64_GLOB_DAT,
            R_X86_64_JUMP_SLOT, R_X86_64_IRELATIVE, R_X86_64_COPY};
  }
  return {R_AARCH64_RELATIVE,  R_AARCH64_ABS64,     R_AARCH64_GLOB_DAT,
          R_AARCH64_JUMP_SLOT, R_AARCH64_IRELATIVE, R_AARCH64_COPY};
}

// The dynamic section's entries; where one is there twice, the last counts, as
// for the loader. Names of needed files are kept in their order.
struct Entries {
  std::map<std::int64_t, std::uint64_t> values;
  std::vector<std::uint64_t> needed;
  std::vector<std::uint64_t> filtees;

  std::uint64_t operator[](std::int64_t tag) const {
    const auto found = values.find(tag);
    return found == values.end() ? 0 : found->second;
  }
};

Entries read_entries(const Image& image, const Elf64_Phdr& header) {
  Entries found;
  const ByteView table = image.from(header.p_vaddr);
  for (std::uint64_t at = 0; at < 65536; at += sizeof(Elf64_Dyn)) {
    const auto entry = read_at<Elf64_Dyn>(table, at);
    if (!entry || entry->d_tag == DT_NULL) {
      break;
    }
    if (entry->d_tag == DT_NEEDED) {
      found.needed.push_back(entry->d_un.d_val);
    } else if (entry->d_tag == DT_AUXILIARY || entry->d_tag == DT_FILTER) {
      found.filtees.push_back(entry->d_un.d_val);
    }
    found.values[entry->d_tag] = entry->d_un.d_val;
  }
  return found;
}

// One more than the highest symbol that a relocation names.
std::uint64_t symbols_by_relocations(const Image& image,
                                     const Entries& entries) {
  std::uint64_t count = 0;
  for (const auto& [table, bytes] :
       {std::pair<std::int64_t, std::int64_t>(DT_RELA, DT_RELASZ),
        std::pair<std::int64_t, std::int64_t>(DT_JMPREL, DT_PLTRELSZ)}) {
    const ByteView entries_there =
        entries[table] == 0
            ? ByteView()
            : image.from(entries[table]).substr(0, entries[bytes]);
    for (std::uint64_t at = 0;; at += sizeof(Elf64_Rela)) {
      const auto entry = read_at<Elf64_Rela>(entries_there, at);
      if (!entry) {
        break;
      }
      count = std::max<std::uint64_t>(count, ELF64_R_SYM(entry->r_info) + 1);
    }
  }
  return count;
}

// How many symbols there are: neither table says so itself. The table is of
// those that others may find; a file that has none of these tells only by its
// relocations which it asks for.
std::uint64_t symbols_by_gnu_hash(const Image& image, const Entries& entries) {
  const std::uint64_t address = entries[DT_GNU_HASH];
  const ByteView table = image.from(address);
  Cursor cursor(table);
  const auto buckets = cursor.take<std::uint32_t>();
  const auto first = cursor.take<std::uint32_t>();
  const auto blooms = cursor.take<std::uint32_t>();
  cursor.skip(4);
  cursor.skip(std::uint64_t{blooms} * 8);
  std::uint64_t last = 0;
  for (std::uint32_t i = 0; i < buckets && !cursor.failed(); ++i) {
    last = std::max<std::uint64_t>(last, cursor.take<std::uint32_t>());
  }
  if (cursor.failed()) {
    return 0;
  }
  if (last < first) {
    return std::max<std::uint64_t>(first,
                                   symbols_by_relocations(image, entries));
  }
  // The chain of the last bucket ends with an odd hash.
  const std::uint64_t chains = cursor.at();
  while (true) {
    const auto hash =
        read_at<std::uint32_t>(table, chains + (last - first) * 4);
    if (!hash) {
      return 0;
    }
    ++last;
    if ((*hash & 1) != 0) {
      return last;
    }
  }
}

std::uint64_t count_symbols(const Image& image, const Entries& entries) {
  std::uint64_t count = 0;
  if (entries[DT_HASH] != 0) {
    count = read_at<std::uint32_t>(image.from(entries[DT_HASH]), 4).value_or(0);
  }
  if (count == 0 && entries[DT_GNU_HASH] != 0) {
    count = symbols_by_gnu_hash(image, entries);
  }
  const ByteView table = image.from(entries[DT_SYMTAB]);
  return std::min(
      {count, table.size() / sizeof(Elf64_Sym), std::uint64_t{kMaxSymbols}});
}

// Version names by their number (DT_VERSYM): of what is needed and of what is
// defined.
std::map<std::uint16_t, std::string_view> read_versions(const Image& image,
                                                        const Entries& entries,
                                                        ByteView names) {
  std::map<std::uint16_t, std::string_view> versions;
  const auto name_at = [&](std::uint64_t at) {
    Cursor cursor(names.substr(std::min<std::uint64_t>(at, names.size())));
    return cursor.text();
  };
  const ByteView needs = image.from(entries[DT_VERNEED]);
  std::uint64_t at = 0;
  std::uint64_t budget = 65536;
  for (std::uint64_t i = 0; i < entries[DT_VERNEEDNUM] && budget > 0; ++i) {
    const auto need = read_at<Elf64_Verneed>(needs, at);
    if (!need) {
      break;
    }
    std::uint64_t aux_at = at + need->vn_aux;
    for (unsigned n = 0; n < need->vn_cnt && budget > 0; ++n, --budget) {
      const auto aux = read_at<Elf64_Vernaux>(needs, aux_at);
      if (!aux) {
        break;
      }
      versions[aux->vna_other & 0x7fff] = name_at(aux->vna_name);
      aux_at += aux->vna_next;
    }
    if (need->vn_next == 0) {
      break;
    }
    at += need->vn_next;
  }
  const ByteView definitions = image.from(entries[DT_VERDEF]);
  at = 0;
  for (std::uint64_t i = 0; i < entries[DT_VERDEFNUM] && i < 65536; ++i) {
    const auto definition = read_at<Elf64_Verdef>(definitions, at);
    if (!definition) {
      break;
    }
    const auto aux =
        read_at<Elf64_Verdaux>(definitions, at + definition->vd_aux);
    if (aux) {
      versions[definition->vd_ndx & 0x7fff] = name_at(aux->vda_name);
    }
    if (definition->vd_next == 0) {
      break;
    }
    at += definition->vd_next;
  }
  return versions;
}

void read_dynamic_symbols(Image& image, const Entries& entries,
                          ByteView names) {
  const ByteView table = image.from(entries[DT_SYMTAB]);
  const ByteView numbers =
      entries[DT_VERSYM] == 0 ? ByteView() : image.from(entries[DT_VERSYM]);
  const auto versions = read_versions(image, entries, names);
  const std::uint64_t count = count_symbols(image, entries);
  if (count == 0 && entries[DT_SYMTAB] != 0) {
    image.faults.emplace_back("the number of dynamic symbols is not told");
  }
  image.symbols.reserve(count);
  for (std::uint64_t i = 0; i < count; ++i) {
    const auto entry = read_at<Elf64_Sym>(table, i * sizeof(Elf64_Sym));
    Symbol symbol = to_symbol(*entry, names);
    if (const auto number = read_at<std::uint16_t>(numbers, i * 2)) {
      const auto version = versions.find(*number & 0x7fff);
      if ((*number & 0x7fff) > 1 && version != versions.end()) {
        symbol.version = version->second;
      }
      symbol.hidden_version = (*number & 0x8000) != 0;
      symbol.first_version = (*number & 0x7fff) <= 2;
    }
    image.symbols.push_back(symbol);
  }
}

class Pointers {
 public:
  explicit Pointers(Image& image)
      : image_(image), types_(types_of(image.arch)) {}

  void read_table(std::uint64_t address, std::uint64_t bytes) {
    const ByteView table = whole(address, bytes);
    for (std::uint64_t at = 0; at + sizeof(Elf64_Rela) <= table.size();
         at += sizeof(Elf64_Rela)) {
      add(*read_at<Elf64_Rela>(table, at));
    }
  }

  // A word is an address, or 63 bits for the words after the last one.
  void read_packed(std::uint64_t address, std::uint64_t bytes) {
    const ByteView table = whole(address, bytes);
    std::uint64_t next = 0;
    for (std::uint64_t at = 0; at + 8 <= table.size(); at += 8) {
      const std::uint64_t word = *read_at<std::uint64_t>(table, at);
      if ((word & 1) == 0) {
        add_own(word);
        next = word + 8;
        continue;
      }
      for (unsigned bit = 1; bit < 64; ++bit) {
        if ((word >> bit & 1) != 0) {
          add_own(next + (bit - 1) * 8);
        }
      }
      next += 63 * 8;
    }
  }

 private:
  ByteView whole(std::uint64_t address, std::uint64_t bytes) {
    const ByteView table = image_.from(address);
    if (bytes > table.size()) {
      image_.faults.emplace_back("relocations that go past the file");
    }
    return table.substr(0, std::min<std::uint64_t>(bytes, table.size()));
  }

  void add(const Elf64_Rela& entry) {
    const auto type = static_cast<std::uint32_t>(ELF64_R_TYPE(entry.r_info));
    const auto symbol = static_cast<std::uint32_t>(ELF64_R_SYM(entry.r_info));
    Pointer pointer{.place = entry.r_offset,
                    .target = static_cast<std::uint64_t>(entry.r_addend)};
    if (type == types_.resolver) {
      pointer.kind = Pointer::Kind::Resolver;
      pointer.slot = true;
    } else if (type == types_.copy && symbol < image_.symbols.size()) {
      pointer.kind = Pointer::Kind::Copy;
      pointer.symbol = symbol;
    } else if (type == types_.absolute || type == types_.global ||
               type == types_.jump) {
      pointer.slot = type != types_.absolute;
      if (symbol != 0) {
        pointer.kind = Pointer::Kind::Symbol;
        pointer.symbol = symbol;
        if (symbol >= image_.symbols.size()) {
          image_.faults.emplace_back("a relocation names no symbol");
          return;
        }
      }
    } else if (type != types_.relative) {
      if (type != 0 && image_.is_code(pointer.place) && !told_) {
        image_.faults.push_back(fmt::format(
            "a relocation of type {} changes code, which is not read", type));
        told_ = true;
      }
      return;
    }
    push(pointer);
  }

  void add_own(std::uint64_t place) {
    if (const auto value = image_.at(place, 8)) {
      push({.place = place, .target = *read_at<std::uint64_t>(*value, 0)});
    }
  }

  void push(const Pointer& pointer) {
    if (image_.pointers.size() < kMaxPointers) {
      image_.pointers.push_back(pointer);
    } else if (!full_) {
      image_.faults.emplace_back("more relocations than are read");
      full_ = true;
    }
  }

  Image& image_;
  Types types_;
  bool full_ = false;
  bool told_ = false;  // of a relocation that is not read
};

// With a colon between them.
void add_names(std::string_view list, std::vector<std::string_view>& names) {
  while (!list.empty()) {
    const std::string_view name = list.substr(0, list.find(':'));
    list.remove_prefix(std::min(list.size(), name.size() + 1));
    if (!name.empty()) {
      names.push_back(name);
    }
  }
}

void read_array(Image& image, std::uint64_t array, std::uint64_t bytes) {
  bytes = std::min(bytes, std::uint64_t{1} << 20);
  for (std::uint64_t at = 0; array != 0 && at + 8 <= bytes; at += 8) {
    if (const Pointer* pointer = image.pointer_at(array + at)) {
      if (pointer->kind == Pointer::Kind::Own) {
        image.initializers.push_back(pointer->target);
      } else if (pointer->kind == Pointer::Kind::Symbol) {
        image.initializer_symbols.push_back(pointer->symbol);
      }
    } else if (const auto value = image.at(array + at, 8)) {
      image.initializers.push_back(*read_at<std::uint64_t>(*value, 0));
    }
  }
}

void read_initializers(Image& image, const Entries& entries) {
  for (const std::int64_t tag : {DT_INIT, DT_FINI}) {
    if (entries[tag] != 0) {
      image.initializers.push_back(entries[tag]);
    }
  }
  constexpr std::pair<std::int64_t, std::int64_t> kArrays[] = {
      {DT_PREINIT_ARRAY, DT_PREINIT_ARRAYSZ},
      {DT_INIT_ARRAY, DT_INIT_ARRAYSZ},
      {DT_FINI_ARRAY, DT_FINI_ARRAYSZ},
  };
  for (const auto& [array, bytes] : kArrays) {
    read_array(image, entries[array], entries[bytes]);
  }
}

}  // namespace

void read_dynamic(Image& image, const Elf64_Phdr& header) {
  const Entries entries = read_entries(image, header);
  const ByteView all = image.from(entries[DT_STRTAB]);
  const ByteView names =
      all.substr(0, std::min<std::uint64_t>(all.size(), entries[DT_STRSZ]));
  const auto name_of = [&](std::uint64_t at) {
    Cursor cursor(names.substr(std::min<std::uint64_t>(at, names.size())));
    return cursor.text();
  };
  for (const std::uint64_t at : entries.needed) {
    image.needed.push_back(name_of(at));
  }
  for (const std::uint64_t at : entries.filtees) {
    image.filtees.push_back(name_of(at));
  }
  for (const std::int64_t tag : {DT_AUDIT, DT_DEPAUDIT}) {
    if (entries[tag] != 0) {
      add_names(name_of(entries[tag]), image.auditors);
    }
  }
  image.no_default_folders = (entries[DT_FLAGS_1] & DF_1_NODEFLIB) != 0;
  image.soname = entries[DT_SONAME] == 0 ? "" : name_of(entries[DT_SONAME]);
  image.rpath = entries[DT_RPATH] == 0 ? "" : name_of(entries[DT_RPATH]);
  image.runpath = entries[DT_RUNPATH] == 0 ? "" : name_of(entries[DT_RUNPATH]);
  if (entries[DT_SYMTAB] != 0) {
    read_dynamic_symbols(image, entries, names);
  }
  Pointers pointers(image);
  if (entries[DT_RELA] != 0) {
    pointers.read_table(entries[DT_RELA], entries[DT_RELASZ]);
  }
  if (entries[DT_JMPREL] != 0) {
    pointers.read_table(entries[DT_JMPREL], entries[DT_PLTRELSZ]);
  }
  if (entries[kRelr] != 0) {
    pointers.read_packed(entries[kRelr], entries[kRelrBytes]);
  }
  std::ranges::stable_sort(image.pointers, {}, &Pointer::place);
  image.linkage_table = entries[DT_PLTGOT];
  read_initializers(image, entries);
}

void read_static(Image& image, const std::vector<Elf64_Shdr>& sections) {
  Pointers pointers(image);
  for (const Elf64_Shdr& section : sections) {
    const bool loaded = (section.sh_flags & SHF_ALLOC) != 0;
    if (section.sh_type == SHT_RELA && loaded) {
      pointers.read_table(section.sh_addr, section.sh_size);
    }
  }
  std::ranges::stable_sort(image.pointers, {}, &Pointer::place);
  for (const Elf64_Shdr& section : sections) {
    if (section.sh_type == SHT_INIT_ARRAY ||
        section.sh_type == SHT_FINI_ARRAY ||
        section.sh_type == SHT_PREINIT_ARRAY) {
      read_array(image, section.sh_addr, section.sh_size);
    }
  }
}

}  // namespace vambrace::elf
