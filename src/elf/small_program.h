#pragma once

#include <elf.h>

#include <cstring>
#include <string>

// A program for tests that need no compiler.
namespace vambrace::elf {

// A static program that makes the call of that number alone.
inline std::string program_with(std::uint8_t number) {
  // mov $number,%eax; syscall; hlt
  const std::string code = {
      '\xb8', static_cast<char>(number), 0, 0, 0, '\x0f', '\x05', '\xf4'};
  Elf64_Ehdr header{};
  std::memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = ELFCLASS64;
  header.e_ident[EI_DATA] = ELFDATA2LSB;
  header.e_ident[EI_VERSION] = EV_CURRENT;
  header.e_type = ET_EXEC;
  header.e_machine = EM_X86_64;
  header.e_version = EV_CURRENT;
  header.e_entry = 0x400000 + sizeof(Elf64_Ehdr) + sizeof(Elf64_Phdr);
  header.e_phoff = sizeof header;
  header.e_ehsize = sizeof header;
  header.e_phentsize = sizeof(Elf64_Phdr);
  header.e_phnum = 1;
  Elf64_Phdr segment{};
  segment.p_type = PT_LOAD;
  segment.p_flags = PF_R | PF_X;
  segment.p_vaddr = 0x400000;
  segment.p_filesz = sizeof header + sizeof segment + code.size();
  segment.p_memsz = segment.p_filesz;
  return std::string(reinterpret_cast<const char*>(&header), sizeof header) +
         std::string(reinterpret_cast<const char*>(&segment), sizeof segment) +
         code;
}

}  // namespace vambrace::elf
