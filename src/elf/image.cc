#include "elf/image.h"

#include <elf.h>

#include <algorithm>

#include "elf/image_parts.h"

namespace vambrace::elf {
namespace {

std::string_view text_of(ByteView bytes) {
  return bytes.substr(0, bytes.find('\0'));
}

Result<Elf64_Ehdr> read_header(ByteView bytes) {
  const auto header = read_at<Elf64_Ehdr>(bytes, 0);
  if (!bytes.starts_with(std::string_view(ELFMAG, SELFMAG))) {
    return fail(ErrorCode::InvalidInput, "not an ELF file");
  }
  if (bytes.size() > kMaxImageBytes) {
    return fail(ErrorCode::InvalidInput, "larger than {} bytes",
                kMaxImageBytes);
  }
  if (!header) {
    return fail(ErrorCode::InvalidInput, "an ELF file that ends in its header");
  }
  if (header->e_ident[EI_CLASS] != ELFCLASS64 ||
      header->e_ident[EI_DATA] != ELFDATA2LSB) {
    return fail(ErrorCode::Unsupported,
                "an ELF file of class {} and byte order {}: only 64 bits, "
                "little-endian is read",
                header->e_ident[EI_CLASS], header->e_ident[EI_DATA]);
  }
  if (header->e_type != ET_EXEC && header->e_type != ET_DYN) {
    return fail(ErrorCode::Unsupported,
                "an ELF file of type {}: neither a program nor a library",
                header->e_type);
  }
  if (header->e_machine != EM_X86_64 && header->e_machine != EM_AARCH64) {
    return fail(ErrorCode::Unsupported,
                "an ELF file for machine {}: only x86-64 and aarch64 are known",
                header->e_machine);
  }
  if (header->e_phentsize != sizeof(Elf64_Phdr) || header->e_phnum == 0) {
    return fail(ErrorCode::InvalidInput, "an ELF file without program headers");
  }
  return *header;
}

void add_segment(Image& image, const Elf64_Phdr& header) {
  if (header.p_memsz == 0) {
    return;
  }
  Segment segment{.memory = {header.p_vaddr, header.p_vaddr + header.p_memsz},
                  .offset = header.p_offset,
                  .file_bytes = std::min(header.p_filesz, header.p_memsz),
                  .write = (header.p_flags & PF_W) != 0,
                  .execute = (header.p_flags & PF_X) != 0};
  if (segment.memory.end < segment.memory.begin) {
    image.faults.emplace_back("a segment that goes around the address space");
    return;
  }
  if (!slice(image.bytes, segment.offset, segment.file_bytes)) {
    image.faults.emplace_back("a segment that goes past the file");
    if (segment.offset >= image.bytes.size()) {
      return;
    }
    segment.file_bytes = image.bytes.size() - segment.offset;
  }
  image.segments.push_back(segment);
}

void read_notes(Image& image, ByteView notes) {
  std::uint64_t at = 0;
  while (image.build_id.empty()) {
    const auto note = read_at<Elf64_Nhdr>(notes, at);
    if (!note) {
      return;
    }
    const std::uint64_t name_at = at + sizeof *note;
    const std::uint64_t bytes_at =
        name_at + ((std::uint64_t{note->n_namesz} + 3) & ~3ULL);
    const auto name = slice(notes, name_at, note->n_namesz);
    const auto bytes = slice(notes, bytes_at, note->n_descsz);
    if (!name || !bytes) {
      return;
    }
    if (note->n_type == NT_GNU_BUILD_ID && text_of(*name) == "GNU" &&
        bytes->size() <= 64) {
      for (const char byte : *bytes) {
        image.build_id +=
            fmt::format("{:02x}", static_cast<unsigned char>(byte));
      }
    }
    at = bytes_at + ((std::uint64_t{note->n_descsz} + 3) & ~3ULL);
  }
}

struct Headers {
  std::optional<Elf64_Phdr> dynamic;
  std::optional<Elf64_Phdr> frame_table;
};

Result<Headers> read_segments(Image& image, const Elf64_Ehdr& header) {
  Headers found;
  if (header.e_phnum > kMaxSegments) {
    return fail(ErrorCode::InvalidInput, "{} program headers, more than {}",
                header.e_phnum, kMaxSegments);
  }
  for (std::size_t i = 0; i < header.e_phnum; ++i) {
    const auto entry = read_at<Elf64_Phdr>(
        image.bytes, header.e_phoff + i * sizeof(Elf64_Phdr));
    if (!entry || header.e_phoff > image.bytes.size()) {
      return fail(ErrorCode::InvalidInput,
                  "program headers that go past the file");
    }
    const ByteView content =
        slice(image.bytes, entry->p_offset, entry->p_filesz)
            .value_or(ByteView());
    if (entry->p_type == PT_LOAD) {
      add_segment(image, *entry);
    } else if (entry->p_type == PT_INTERP) {
      image.interpreter = text_of(content);
    } else if (entry->p_type == PT_NOTE) {
      read_notes(image, content);
    } else if (entry->p_type == PT_DYNAMIC) {
      found.dynamic = *entry;
    } else if (entry->p_type == PT_TLS) {
      const std::uint64_t end = entry->p_vaddr + entry->p_filesz;
      if (end > entry->p_vaddr) {
        image.thread_data = Range{entry->p_vaddr, end};
      }
    } else if (entry->p_type == PT_GNU_EH_FRAME) {
      found.frame_table = *entry;
    }
  }
  std::ranges::sort(image.segments, {}, &Segment::memory);
  return found;
}

// Sorts, and makes one of those that overlap.
void join_ranges(std::vector<Range>& ranges) {
  std::ranges::sort(ranges);
  std::vector<Range> joined;
  for (const Range& range : ranges) {
    if (!joined.empty() && range.begin <= joined.back().end) {
      joined.back().end = std::max(joined.back().end, range.end);
    } else {
      joined.push_back(range);
    }
  }
  ranges = std::move(joined);
}

// Without section headers that can be believed: all that may be executed.
void find_code(Image& image, const std::vector<Elf64_Shdr>& sections) {
  for (const Elf64_Shdr& section : sections) {
    if ((section.sh_flags & SHF_EXECINSTR) == 0 ||
        section.sh_type != SHT_PROGBITS || section.sh_size == 0) {
      continue;
    }
    const Range range{section.sh_addr, section.sh_addr + section.sh_size};
    if (range.begin < range.end && image.at(range.begin, section.sh_size)) {
      image.code.push_back(range);
    }
  }
  for (const Segment& segment : image.segments) {
    const Range whole{segment.memory.begin,
                      segment.memory.begin + segment.file_bytes};
    const bool has_sections = std::ranges::any_of(
        image.code,
        [&](const Range& range) { return whole.holds(range.begin); });
    if (segment.execute && !has_sections && segment.file_bytes > 0) {
      image.code.push_back(whole);
    }
  }
  join_ranges(image.code);
}

// What may be executed and is in no section: the kernel asks nobody's section
// headers. Zeros fill up between sections.
void add_unsaid_code(Image& image, const std::vector<Elf64_Shdr>& sections) {
  std::vector<Range> said = image.code;
  for (const Elf64_Shdr& section : sections) {
    if ((section.sh_flags & SHF_ALLOC) != 0 &&
        section.sh_addr + section.sh_size > section.sh_addr) {
      said.push_back({section.sh_addr, section.sh_addr + section.sh_size});
    }
  }
  join_ranges(said);
  for (const Segment& segment : image.segments) {
    if (!segment.execute) {
      continue;
    }
    const std::uint64_t end = segment.memory.begin + segment.file_bytes;
    std::uint64_t at = segment.memory.begin;
    at += segment.offset < image.header_bytes
              ? image.header_bytes - segment.offset
              : 0;
    const auto add = [&](std::uint64_t until) {
      const ByteView bytes =
          until > at ? image.at(at, until - at).value_or(ByteView()) : "";
      if (bytes.find_first_not_of('\0') != ByteView::npos) {
        image.code.push_back({at, until});
      }
    };
    for (const Range& range : said) {
      if (range.end > at && range.begin < end) {
        add(range.begin);
        at = std::max(at, range.end);
      }
    }
    add(end);
  }
  join_ranges(image.code);
}

std::vector<Elf64_Shdr> read_sections(Image& image, const Elf64_Ehdr& header) {
  std::vector<Elf64_Shdr> sections;
  if (header.e_shoff == 0 || header.e_shentsize != sizeof(Elf64_Shdr)) {
    return sections;
  }
  for (std::size_t i = 0; i < header.e_shnum && i < kMaxSections; ++i) {
    const auto section = read_at<Elf64_Shdr>(
        image.bytes, header.e_shoff + i * sizeof(Elf64_Shdr));
    if (!section || header.e_shoff > image.bytes.size()) {
      image.faults.emplace_back("section headers that go past the file");
      break;
    }
    sections.push_back(*section);
  }
  return sections;
}

bool is_identifier(std::string_view name) {
  const auto letter = [](char one) {
    return one == '_' || (one >= 'a' && one <= 'z') ||
           (one >= 'A' && one <= 'Z');
  };
  return !name.empty() && letter(name.front()) &&
         std::ranges::all_of(name, [&](char one) {
           return letter(one) || (one >= '0' && one <= '9');
         });
}

void find_linker_sets(Image& image, const std::vector<Elf64_Shdr>& sections,
                      ByteView names) {
  for (const Elf64_Shdr& section : sections) {
    const Range range{section.sh_addr, section.sh_addr + section.sh_size};
    const bool data = (section.sh_flags & SHF_ALLOC) != 0 &&
                      (section.sh_flags & SHF_EXECINSTR) == 0;
    if (data && range.begin < range.end && section.sh_name < names.size() &&
        is_identifier(text_of(names.substr(section.sh_name)))) {
      image.linker_sets.push_back(range);
    }
  }
}

}  // namespace

std::optional<ByteView> Image::at(std::uint64_t address,
                                  std::uint64_t count) const {
  const ByteView all = from(address);
  return slice(all, 0, count);
}

ByteView Image::from(std::uint64_t address) const {
  for (const Segment& segment : segments) {
    const std::uint64_t into = address - segment.memory.begin;
    if (address >= segment.memory.begin && into < segment.file_bytes) {
      return bytes.substr(segment.offset + into, segment.file_bytes - into);
    }
  }
  return {};
}

bool Image::is_code(std::uint64_t address) const {
  const auto after = std::ranges::upper_bound(code, address, {}, &Range::begin);
  return after != code.begin() && std::prev(after)->holds(address);
}

bool Image::in_memory(std::uint64_t address) const {
  return std::ranges::any_of(segments, [&](const Segment& segment) {
    return segment.memory.holds(address);
  });
}

bool Image::begins_frame(std::uint64_t address) const {
  const auto frame =
      std::ranges::lower_bound(frames, address, {}, &Range::begin);
  return frame != frames.end() && frame->begin == address;
}

const Pointer* Image::pointer_at(std::uint64_t place) const {
  const auto found =
      std::ranges::lower_bound(pointers, place, {}, &Pointer::place);
  return found == pointers.end() || found->place != place ? nullptr : &*found;
}

Result<Image> parse_image(ByteView bytes) {
  TRY_ASSIGN(const Elf64_Ehdr header, read_header(bytes));
  Image image{.bytes = bytes};
  image.arch = header.e_machine == EM_X86_64 ? kernel::Arch::X86_64
                                             : kernel::Arch::Aarch64;
  image.fixed_place = header.e_type == ET_EXEC;
  image.entry = header.e_entry;
  image.header_bytes = header.e_phoff + header.e_phnum * sizeof(Elf64_Phdr);
  TRY_ASSIGN(const Headers headers, read_segments(image, header));
  const std::vector<Elf64_Shdr> sections = read_sections(image, header);
  find_code(image, sections);
  add_unsaid_code(image, sections);
  if (headers.dynamic) {
    read_dynamic(image, *headers.dynamic);
  } else {
    read_static(image, sections);
  }
  image.relocated_code = std::ranges::any_of(
      image.pointers,
      [&](const Pointer& pointer) { return image.is_code(pointer.place); });
  read_local_symbols(image, sections);
  ByteView names;
  if (header.e_shstrndx < sections.size()) {
    const Elf64_Shdr& table = sections[header.e_shstrndx];
    names = slice(bytes, table.sh_offset, table.sh_size).value_or(ByteView());
  }
  find_linker_sets(image, sections, names);
  read_frames(image, headers.frame_table, sections, names);
  return image;
}

}  // namespace vambrace::elf
