#include "elf/encoded.h"

namespace vambrace::elf {
namespace {

constexpr std::uint8_t kRelativeTo = 0x70;
constexpr std::uint8_t kOwnPlace = 0x10;
constexpr std::uint8_t kStandsThere = 0x80;

}  // namespace

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

Encoded take_encoded(const Image& image, Cursor& cursor, std::uint8_t format,
                     std::uint64_t place) {
  if (format == kOmitted) {
    return {};
  }
  const std::uint64_t number = take_number(cursor, format);
  const std::uint8_t relative = format & kRelativeTo;
  Encoded found{.stands_there = (format & kStandsThere) != 0};
  if (relative == 0) {
    // The loader may write it.
    const Pointer* pointer = image.pointer_at(place);
    if (pointer != nullptr && pointer->kind == Pointer::Kind::Own) {
      found.address = pointer->target;
    } else if (pointer != nullptr) {
      found = {place, true};
    } else if (number != 0) {
      found.address = number;
    }
  } else if (relative != kOwnPlace) {
    cursor.skip(~0ULL);  // fails
  } else if (number != 0) {
    found.address = place + number;
  }
  return found;
}

}  // namespace vambrace::elf
