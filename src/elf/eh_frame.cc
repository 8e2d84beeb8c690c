// .eh_frame tells where functions begin and end, also in files that were
// stripped: the unwinder needs it (Linux Standard Base Core, "Exception
// Frames"; the encodings are DW_EH_PE_*).
#include <algorithm>
#include <map>

#include "elf/image_parts.h"

namespace vambrace::elf {
namespace {

constexpr std::uint8_t kOmitted = 0xff;

// How a pointer is written: its size and sign in the low four bits, what it is
// relative to in the next three.
struct Encoding {
  std::uint8_t code = 0;
  // The frame of a signal handler: what returns from it. Such an entry begins
  // one byte early, for unwinders that look one byte back.
  bool signal = false;
};

std::uint64_t take_number(Cursor& cursor, std::uint8_t format) {
  switch (format & 0x0f) {
    case 0x00:  // absptr
    case 0x04:  // udata8
    case 0x0c:  // sdata8
      return cursor.take<std::uint64_t>();
    case 0x01:
      return cursor.unsigned_leb();
    case 0x02:
      return cursor.take<std::uint16_t>();
    case 0x03:
      return cursor.take<std::uint32_t>();
    case 0x0a:
      return static_cast<std::uint64_t>(
          std::int64_t{cursor.take<std::int16_t>()});
    case 0x0b:
      return static_cast<std::uint64_t>(
          std::int64_t{cursor.take<std::int32_t>()});
    default:
      cursor.skip(~0ULL);  // fails
      return 0;
  }
}

// The encoding of the addresses that a CIE's functions have.
std::optional<Encoding> read_common(ByteView entry) {
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
  Encoding found;
  if (!augmentation.starts_with('z')) {
    return augmentation.empty() ? std::optional(found) : std::nullopt;
  }
  cursor.unsigned_leb();
  for (const char letter : augmentation.substr(1)) {
    if (letter == 'R') {
      found.code = cursor.take<std::uint8_t>();
    } else if (letter == 'P') {
      const auto format = cursor.take<std::uint8_t>();
      take_number(cursor, format);
    } else if (letter == 'L') {
      cursor.skip(1);
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
      : image_(image), start_(start), bytes_(image.from(start)) {}

  void run() {
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

 private:
  void read_entry(std::uint64_t at, std::uint64_t content, ByteView entry) {
    Cursor cursor(entry);
    const auto back = cursor.take<std::uint32_t>();
    if (back == 0) {
      if (const auto common = read_common(entry.substr(4))) {
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
    }
  }

  Image& image_;
  std::uint64_t start_;
  ByteView bytes_;
  std::map<std::uint64_t, Encoding> common_;
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
}

}  // namespace vambrace::elf
