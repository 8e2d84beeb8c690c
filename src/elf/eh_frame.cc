// .eh_frame tells where functions begin and end, also in files that were
// stripped: the unwinder needs it (Linux Standard Base Core, "Exception
// Frames"). It also tells what the unwinder gets to from there.
#include <algorithm>
#include <map>

#include "elf/encoded.h"
#include "elf/image_parts.h"
#include "elf/landing_pads.h"

namespace vambrace::elf {
namespace {

// What a CIE tells of its functions.
struct Common {
  std::uint8_t code = 0;  // how their addresses are written
  // The frame of a signal handler: what returns from it. Such an entry begins
  // one byte early, for unwinders that look one byte back.
  bool signal = false;
  bool sized = false;             // the entries say how much more they have
  std::uint8_t table = kOmitted;  // how the addresses of their tables are
  Encoded routine;
};

// What stands behind the number that makes it a CIE; it begins at `place`.
std::optional<Common> read_common(const Image& image, ByteView entry,
                                  std::uint64_t place) {
  Cursor cursor(entry);
  const auto version = cursor.take<std::uint8_t>();
  const ByteView augmentation = cursor.text();
  if (cursor.failed() || (version != 1 && version != 3)) {
    return std::nullopt;
  }
  cursor.unsigned_leb();  // code alignment
  cursor.unsigned_leb();  // data alignment, signed: as long
  if (version == 1) {
    cursor.skip(1);
  } else {
    cursor.unsigned_leb();  // return address register
  }
  Common found;
  if (!augmentation.starts_with('z')) {
    return augmentation.empty() ? std::optional(found) : std::nullopt;
  }
  found.sized = true;
  cursor.unsigned_leb();
  for (const char letter : augmentation.substr(1)) {
    if (letter == 'R') {
      found.code = cursor.take<std::uint8_t>();
    } else if (letter == 'P') {
      const auto format = cursor.take<std::uint8_t>();
      found.routine = take_encoded(image, cursor, format, place + cursor.at());
    } else if (letter == 'L') {
      found.table = cursor.take<std::uint8_t>();
    } else if (letter == 'S') {
      found.signal = true;
    } else if (letter != 'B') {
      break;
    }
  }
  return cursor.failed() ? std::nullopt : std::optional(found);
}

// Walks through the entries from an address on.
class Walk {
 public:
  Walk(Image& image, std::uint64_t start)
      : image_(image), start_(start), bytes_(image.from(start)), pads_(image) {}

  void run() {
    walk();
    if (!pads_.all()) {
      image_.faults.emplace_back("a table of exceptions of unknown form");
    }
  }

 private:
  void walk() {
    std::uint64_t at = 0;
    while (image_.frames.size() < kMaxFrames) {
      Cursor cursor(bytes_.substr(std::min<std::uint64_t>(at, bytes_.size())));
      std::uint64_t length = cursor.take<std::uint32_t>();
      if (length == 0xffffffff) {
        length = cursor.take<std::uint64_t>();
      }
      if (cursor.failed() || length == 0) {
        return;
      }
      const std::uint64_t content = at + cursor.at();
      const auto entry = slice(bytes_, content, length);
      if (!entry || length < 4) {
        image_.faults.emplace_back(".eh_frame has an entry past its end");
        return;
      }
      read_entry(at, content, *entry);
      at = content + length;
    }
  }

  void read_entry(std::uint64_t at, std::uint64_t content, ByteView entry) {
    Cursor cursor(entry);
    const auto back = cursor.take<std::uint32_t>();
    if (back == 0) {
      if (const auto common =
              read_common(image_, entry.substr(4), start_ + content + 4)) {
        common_[at] = *common;
      }
      return;
    }
    const auto common = common_.find(content - back);
    if (common == common_.end()) {
      if (!told_) {
        image_.faults.emplace_back(".eh_frame has entries of unknown form");
        told_ = true;
      }
      return;
    }
    const std::uint8_t code = common->second.code;
    const std::uint64_t place = start_ + content + cursor.at();
    std::uint64_t begin = take_number(cursor, code);
    const std::uint64_t size = take_number(cursor, code & 0x07);
    if (code == kOmitted || cursor.failed() || (code & 0x80) != 0) {
      return;
    }
    begin += (code & 0x70) == 0x10 ? place : 0;  // pcrel, or absolute
    const std::uint64_t end = begin + size;
    if (common->second.signal && image_.arch == kernel::Arch::X86_64) {
      ++begin;
    }
    if (begin < end && image_.is_code(begin)) {
      image_.frames.push_back({begin, end});
      add_unwinding({begin, end}, common->second, cursor, start_ + content);
    }
  }

  // What stands behind the bounds of a function in an entry at `place`.
  void add_unwinding(const Range& function, const Common& common,
                     Cursor& cursor, std::uint64_t place) {
    if (common.routine.address) {
      add(function, *common.routine.address,
          common.routine.stands_there ? Unwinding::Kind::RoutineSlot
                                      : Unwinding::Kind::Routine);
    }
    if (!common.sized || common.table == kOmitted) {
      return;
    }
    cursor.unsigned_leb();
    const Encoded table =
        take_encoded(image_, cursor, common.table, place + cursor.at());
    if (!cursor.failed() && table.address) {
      for (const std::uint64_t pad :
           pads_.read(*table.address, function.begin)) {
        if (!function.holds(pad)) {
          add(function, pad, Unwinding::Kind::LandingPad);
        }
      }
    }
  }

  void add(const Range& function, std::uint64_t target, Unwinding::Kind kind) {
    if (image_.unwindings.size() < kMaxFrames) {
      image_.unwindings.push_back({function.begin, target, kind});
    }
  }

  Image& image_;
  std::uint64_t start_;
  ByteView bytes_;
  std::map<std::uint64_t, Common> common_;
  LandingPads pads_;
  bool told_ = false;
};

// .eh_frame_hdr begins with where .eh_frame is.
std::optional<std::uint64_t> start_from(const Image& image,
                                        const Elf64_Phdr& table) {
  Cursor cursor(image.from(table.p_vaddr));
  const auto version = cursor.take<std::uint8_t>();
  const auto format = cursor.take<std::uint8_t>();
  cursor.skip(2);
  const std::uint64_t place = table.p_vaddr + cursor.at();
  const std::uint64_t number = take_number(cursor, format);
  if (cursor.failed() || version != 1 || format == kOmitted) {
    return std::nullopt;
  }
  return number + ((format & 0x70) == 0x10 ? place : 0);
}

}  // namespace

void read_frames(Image& image, const std::optional<Elf64_Phdr>& table,
                 const std::vector<Elf64_Shdr>& sections, ByteView names) {
  std::optional<std::uint64_t> start;
  if (table) {
    start = start_from(image, *table);
  }
  // Programs without libraries may have the entries alone.
  constexpr std::string_view kName{".eh_frame\0", 10};
  for (const Elf64_Shdr& section : sections) {
    if (!start && slice(names, section.sh_name, kName.size()) == kName) {
      start = section.sh_addr;
    }
  }
  if (!start) {
    return;
  }
  Walk(image, *start).run();
  std::ranges::sort(image.frames);
  const auto same = std::ranges::unique(image.frames, {}, &Range::begin);
  image.frames.erase(same.begin(), same.end());
  std::ranges::sort(image.unwindings);
  for (const Unwinding& unwinding : image.unwindings) {
    if (unwinding.kind == Unwinding::Kind::LandingPad) {
      image.landing_pads.push_back(unwinding.target);
    }
  }
  std::ranges::sort(image.landing_pads);
}

}  // namespace vambrace::elf
