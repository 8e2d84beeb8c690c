#include "recorder/ebpf/build_id.h"

#include <elf.h>
#include <fmt/format.h>

#include <cstring>

namespace vambrace::recorder::ebpf {
namespace {

template <class T>
std::optional<T> read_at(std::string_view bytes, std::uint64_t offset) {
  if (offset > bytes.size() || bytes.size() - offset < sizeof(T)) {
    return std::nullopt;
  }
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof(T));
  return value;
}

std::optional<std::string> id_in_notes(std::string_view notes) {
  std::uint64_t at = 0;
  while (const auto note = read_at<Elf64_Nhdr>(notes, at)) {
    const std::uint64_t name = at + sizeof(Elf64_Nhdr);
    const std::uint64_t data = name + ((note->n_namesz + 3ULL) & ~3ULL);
    const std::uint64_t next = data + ((note->n_descsz + 3ULL) & ~3ULL);
    if (next > notes.size()) {
      break;
    }
    if (note->n_type == NT_GNU_BUILD_ID && note->n_namesz == 4 &&
        notes.substr(name, 4) == std::string_view("GNU\0", 4)) {
      std::string text;
      for (const char byte : notes.substr(data, note->n_descsz)) {
        text += fmt::format("{:02x}", static_cast<unsigned char>(byte));
      }
      return text;
    }
    at = next;
  }
  return std::nullopt;
}

template <class Header, class Segment>
std::optional<std::string> id_in(std::string_view bytes) {
  const auto header = read_at<Header>(bytes, 0);
  if (!header || header->e_phentsize != sizeof(Segment)) {
    return std::nullopt;
  }
  for (std::uint64_t i = 0; i < header->e_phnum; ++i) {
    const auto segment =
        read_at<Segment>(bytes, header->e_phoff + i * sizeof(Segment));
    if (!segment) {
      return std::nullopt;
    }
    if (segment->p_type != PT_NOTE) {
      continue;
    }
    if (segment->p_offset > bytes.size() ||
        bytes.size() - segment->p_offset < segment->p_filesz) {
      return std::nullopt;
    }
    if (auto id =
            id_in_notes(bytes.substr(segment->p_offset, segment->p_filesz))) {
      return id;
    }
  }
  return "";
}

}  // namespace

std::optional<std::string> build_id_in(std::string_view bytes) {
  if (bytes.size() < EI_NIDENT || !bytes.starts_with(ELFMAG) ||
      bytes[EI_DATA] != ELFDATA2LSB) {
    return std::nullopt;
  }
  return bytes[EI_CLASS] == ELFCLASS64   ? id_in<Elf64_Ehdr, Elf64_Phdr>(bytes)
         : bytes[EI_CLASS] == ELFCLASS32 ? id_in<Elf32_Ehdr, Elf32_Phdr>(bytes)
                                         : std::nullopt;
}

}  // namespace vambrace::recorder::ebpf
