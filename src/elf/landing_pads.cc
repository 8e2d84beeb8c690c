#include "elf/landing_pads.h"

#include <algorithm>

#include "elf/encoded.h"

namespace vambrace::elf {

std::vector<std::uint64_t> LandingPads::read(std::uint64_t table,
                                             std::uint64_t function) {
  std::vector<std::uint64_t> pads;
  const ByteView bytes = image_.from(table);
  Cursor cursor(bytes.substr(0, std::min<std::uint64_t>(bytes.size(), left_)));
  const Encoded start =
      take_encoded(image_, cursor, cursor.take<std::uint8_t>(), table + 1);
  const std::uint64_t from = start.address.value_or(function);
  if (cursor.take<std::uint8_t>() != kOmitted) {
    cursor.unsigned_leb();  // where the types are
  }
  const auto format = cursor.take<std::uint8_t>();
  const std::uint64_t length = cursor.unsigned_leb();
  const std::uint64_t end = cursor.at() + length;
  while (!cursor.failed() && cursor.at() < end) {
    take_number(cursor, format);  // where a call site begins
    take_number(cursor, format);  // its length
    const std::uint64_t distance = take_number(cursor, format);
    cursor.unsigned_leb();  // what is to be done
    if (distance != 0 && !cursor.failed()) {
      pads.push_back(from + distance);
    }
  }
  all_ = all_ && !cursor.failed();
  left_ -= std::min(left_, cursor.at());
  return pads;
}

}  // namespace vambrace::elf
