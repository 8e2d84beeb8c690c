#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "elf/bytes.h"
#include "kernel/syscalls.h"

// One ELF file, read (elf(5); System V ABI, chapters 4 and 5; for x86-64 its
// processor supplement). Little-endian files of 64 bits alone.
namespace vambrace::elf {

// Addresses are the file's own: what the loader adds to them is left out.
struct Range {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;  // past the last
  bool holds(std::uint64_t address) const {
    return begin <= address && address < end;
  }
  auto operator<=>(const Range&) const = default;
};

struct Segment {
  Range memory;
  std::uint64_t offset = 0;      // of its first byte in the file
  std::uint64_t file_bytes = 0;  // the rest of the memory is zero
  bool write = false;
  bool execute = false;
};

struct Symbol {
  std::string_view name;
  std::string_view version;  // "GLIBC_2.34"; empty: none
  std::uint64_t address = 0;
  std::uint64_t size = 0;
  bool defined = false;
  bool function = false;  // resolvers, too
  bool resolver = false;  // STT_GNU_IFUNC: returns the function to use
  bool object = false;
  bool weak = false;
  bool local = false;
  bool hidden_version = false;  // found only by those who ask for the version
  // Of the first version that the file defines, or of none: what those find
  // who ask for no version (glibc, elf/dl-lookup.c, check_match).
  bool first_version = true;
};

// A place in memory into which the loader writes an address.
struct Pointer {
  enum class Kind : std::uint8_t {
    Own,       // an address of this file
    Symbol,    // of a symbol, plus the addend
    Copy,      // no address: what the symbol holds elsewhere is copied here
    Resolver,  // of what the function at that address returns (IRELATIVE)
  };
  std::uint64_t place = 0;
  Kind kind = Kind::Own;
  std::uint32_t symbol = 0;  // index into Image::symbols
  std::uint64_t target = 0;  // an address, or the addend
  // A slot through which code calls (JUMP_SLOT) or loads an address (GLOB_DAT):
  // read by code that names the slot, never by walking through data.
  bool slot = false;
};

// Where only the unwinder gets to from a function, when something is thrown.
struct Unwinding {
  enum class Kind : std::uint8_t {
    Routine,      // calls the one at the target: its personality
    RoutineSlot,  // the same, of which the address stands at the target
    LandingPad,   // goes on there, outside of the function
  };
  std::uint64_t function = 0;  // where it begins
  std::uint64_t target = 0;
  Kind kind = Kind::Routine;
  auto operator<=>(const Unwinding&) const = default;
};

// Everything views into the bytes that parse_image was given: they must outlive
// the Image.
struct Image {
  ByteView bytes;
  kernel::Arch arch = kernel::Arch::X86_64;
  bool fixed_place = false;  // ET_EXEC: code may hold absolute addresses
  std::uint64_t entry = 0;
  // The file's own headers, at its beginning: loaded, but no data of anybody.
  std::uint64_t header_bytes = 0;
  std::vector<Segment> segments;  // those that are loaded, by address
  // Where instructions are: executable sections, or whole segments of a file
  // without section headers. Sorted, apart from each other.
  std::vector<Range> code;

  // What each thread's own variables begin as: code finds those by their
  // distance from the thread's register, never by an address.
  std::optional<Range> thread_data;
  // Sections that the linker gives a beginning and an end by name
  // (__start_NAME): what files put there is gone through as one table.
  std::vector<Range> linker_sets;

  std::string_view interpreter;
  std::string_view soname;
  std::string_view rpath;
  std::string_view runpath;
  bool no_default_folders = false;  // DF_1_NODEFLIB
  std::vector<std::string_view> needed;
  std::string build_id;  // hexadecimal; empty: none

  std::vector<Symbol> symbols;        // the dynamic ones, by their index
  std::vector<Symbol> local_symbols;  // of .symtab, functions and objects
  std::vector<Pointer> pointers;      // sorted by place
  // Whether some of those places are in code: in instructions.
  bool relocated_code = false;
  std::uint64_t linkage_table = 0;  // DT_PLTGOT; 0: none is told
  // DT_INIT, DT_FINI and the addresses in the three arrays.
  std::vector<std::uint64_t> initializers;
  // Those in the arrays that the loader looks up, by their index: they may be
  // another file's.
  std::vector<std::uint32_t> initializer_symbols;
  // What the file stands in for (DT_AUXILIARY, DT_FILTER), and what is told of
  // the loading (DT_AUDIT, DT_DEPAUDIT).
  std::vector<std::string_view> filtees;
  std::vector<std::string_view> auditors;
  // Of functions, from .eh_frame; sorted, without doubles.
  std::vector<Range> frames;
  // What these functions have besides; sorted.
  std::vector<Unwinding> unwindings;
  // Of these, the landing pads: sorted.
  std::vector<std::uint64_t> landing_pads;
  // What was left out: tables that go past the file, and the like. For people.
  std::vector<std::string> faults;

  // The bytes in the file at an address; nullopt if they are not all in it.
  std::optional<ByteView> at(std::uint64_t address, std::uint64_t count) const;
  // As many as the segment has from there on; empty if none.
  ByteView from(std::uint64_t address) const;
  bool is_code(std::uint64_t address) const;
  // Whether any of it is loaded there.
  bool in_memory(std::uint64_t address) const;
  // Whether a function begins there, as .eh_frame says.
  bool begins_frame(std::uint64_t address) const;
  // nullptr: the loader writes nothing there.
  const Pointer* pointer_at(std::uint64_t place) const;
};

// Files beyond these are refused or cut off with a fault.
constexpr std::uint64_t kMaxImageBytes = 2ULL << 30;
constexpr std::size_t kMaxSegments = 256;
constexpr std::size_t kMaxSections = 65536;
constexpr std::size_t kMaxPointers = 2'000'000;
constexpr std::size_t kMaxSymbols = 3'000'000;
constexpr std::size_t kMaxFrames = 2'000'000;

// InvalidInput for what is no ELF file or has no program headers in it,
// Unsupported for another class, byte order, type or machine. Broken tables are
// faults: what could be read is there.
Result<Image> parse_image(ByteView bytes);

}  // namespace vambrace::elf
