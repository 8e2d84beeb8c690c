#include "elf/go_methods.h"

#include <algorithm>
#include <array>

namespace vambrace::elf {
namespace {

// What the linker of Go puts into the data of each program (debug/buildinfo).
bool is_of_go(const Image& image) {
  return std::ranges::any_of(image.segments, [&](const Segment& segment) {
    return segment.write &&
           image.bytes.substr(segment.offset, segment.file_bytes)
                   .find("\xff Go buildinf:") != ByteView::npos;
  });
}

// The runtime's description of a program (runtime/symtab.go, moduledata), as
// far as it is needed: words of 8 bytes from its beginning.
constexpr std::uint64_t kFunctionTable = 16;  // address, length, room
constexpr std::uint64_t kCode = 22;           // begins, ends

// Where something may stand that there is one of.
constexpr std::size_t kMaxGuesses = 16;

class GoProgram {
 public:
  explicit GoProgram(const Image& image) : image_(image) {}

  // False if it is not described in a way that is known.
  bool read() {
    for (const std::uint64_t header : find_headers()) {
      for (const std::uint64_t module : pointers_to(header)) {
        if (read_module(header, module)) {
          return true;
        }
      }
    }
    return false;
  }

  // Entries of tables of methods: name, type, and where the function begins
  // that is called over an interface and the one that is called directly. What
  // stands at the beginning of the code may be one: zeros are everywhere.
  std::vector<GoMethod> methods() const {
    std::vector<GoMethod> found = {{0, code_}};
    std::vector<bool> known(begins_.size());
    const auto number_of = [this](ByteView bytes, std::uint64_t at) {
      const auto distance = *read_at<std::uint32_t>(bytes, at);
      const auto begin = std::ranges::lower_bound(begins_, distance);
      return distance == 0 || begin == begins_.end() || *begin != distance
                 ? begins_.size()
                 : static_cast<std::size_t>(begin - begins_.begin());
    };
    for (const Segment& segment : image_.segments) {
      const ByteView bytes =
          image_.bytes.substr(segment.offset, segment.file_bytes);
      for (std::uint64_t at = 8; !segment.execute && at + 8 <= bytes.size();
           at += 4) {
        const std::array pair = {number_of(bytes, at),
                                 number_of(bytes, at + 4)};
        if (std::ranges::find(pair, begins_.size()) != pair.end()) {
          continue;
        }
        for (const std::size_t number : pair) {
          if (!known[number]) {
            known[number] = true;
            found.push_back(
                {segment.memory.begin + at, code_ + begins_[number]});
          }
        }
      }
    }
    return found;
  }

 private:
  // Tables of functions (internal/abi/symtab.go, pcHeader): of Go 1.18 and
  // 1.20.
  std::vector<std::uint64_t> find_headers() const {
    std::vector<std::uint64_t> found;
    const char step = image_.arch == kernel::Arch::X86_64 ? '\1' : '\4';
    for (const char version : {'\xf0', '\xf1'}) {
      const std::array<char, 8> begin = {version, '\xff', '\xff', '\xff',
                                         0,       0,      step,   8};
      for (const Segment& segment : image_.segments) {
        const ByteView bytes =
            image_.bytes.substr(segment.offset, segment.file_bytes);
        const ByteView wanted(begin.data(), begin.size());
        for (std::size_t at = bytes.find(wanted); at != ByteView::npos;
             at = bytes.find(wanted, at + 1)) {
          if (found.size() >= kMaxGuesses) {
            return found;
          }
          found.push_back(segment.memory.begin + at);
        }
      }
    }
    return found;
  }

  std::vector<std::uint64_t> pointers_to(std::uint64_t address) const {
    std::vector<std::uint64_t> places;
    for (const Pointer& pointer : image_.pointers) {
      if (pointer.kind == Pointer::Kind::Own && pointer.target == address &&
          places.size() < kMaxGuesses) {
        places.push_back(pointer.place);
      }
    }
    for (const Segment& segment : image_.segments) {
      const ByteView bytes =
          image_.bytes.substr(segment.offset, segment.file_bytes);
      for (std::uint64_t at = 0; segment.write && at + 8 <= bytes.size();
           at += 8) {
        if (*read_at<std::uint64_t>(bytes, at) == address &&
            places.size() < kMaxGuesses) {
          places.push_back(segment.memory.begin + at);
        }
      }
    }
    return places;
  }

  // What stands there once the file is loaded.
  std::uint64_t word(std::uint64_t place) const {
    const Pointer* pointer = image_.pointer_at(place);
    return pointer != nullptr && pointer->kind == Pointer::Kind::Own
               ? pointer->target
               : read_at<std::uint64_t>(image_.from(place), 0).value_or(0);
  }

  bool read_module(std::uint64_t header, std::uint64_t module) {
    const auto field = [&](std::uint64_t number) {
      return word(module + number * 8);
    };
    const std::uint64_t functions = word(header + 8);
    const std::uint64_t entries = field(kFunctionTable + 1);
    code_ = field(kCode);
    const ByteView table = image_.from(field(kFunctionTable));
    if (entries != functions + 1 || !image_.is_code(code_) ||
        entries > table.size() / 8) {
      return false;
    }
    begins_.clear();
    for (std::uint64_t i = 0; i < functions; ++i) {
      begins_.push_back(*read_at<std::uint32_t>(table, i * 8));
    }
    return functions > 0 && std::ranges::is_sorted(begins_);
  }

  const Image& image_;
  std::uint64_t code_ = 0;             // where it begins
  std::vector<std::uint32_t> begins_;  // of functions, from there
};

}  // namespace

std::optional<std::vector<GoMethod>> find_go_methods(const Image& image) {
  if (!is_of_go(image)) {
    return std::vector<GoMethod>();
  }
  GoProgram program(image);
  if (!program.read()) {
    return std::nullopt;
  }
  return program.methods();
}

}  // namespace vambrace::elf
