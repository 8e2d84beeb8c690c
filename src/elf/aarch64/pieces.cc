#include "elf/aarch64/pieces.h"

#include <algorithm>

#include "elf/aarch64/decoder.h"

namespace vambrace::elf::aarch64 {
namespace {

using Kind = Instruction::Kind;

}  // namespace

Pieces::Pieces(const Image& image) : image_(image) {
  for (const Range& code : image.code) {
    const std::uint64_t begin = (code.begin + 3) & ~3ULL;
    if (begin >= code.end) {
      continue;
    }
    const ByteView bytes = image.from(begin);
    const std::uint64_t count =
        std::min<std::uint64_t>(bytes.size(), code.end - begin) / 4;
    if (count > 0) {
      pieces_.push_back({begin, count, bytes.substr(0, count * 4)});
    }
  }
  for (Piece& piece : pieces_) {
    find_blocks(piece);
  }
  find_starts();
  for (const auto* begins : {&targets_, &starts_}) {
    for (const std::uint64_t address : *begins) {
      if (Piece* piece = at(address)) {
        piece->begins[piece->index_of(address)] = true;
        piece->orphans[piece->index_of(address)] = false;
      }
    }
  }
  for (Piece& piece : pieces_) {
    piece.waiting = piece.begins;
  }
}

void Pieces::find_blocks(Piece& piece) {
  piece.begins.resize(piece.count, false);
  piece.orphans.resize(piece.count, false);
  piece.begins[0] = true;
  for (std::uint64_t i = 0; i < piece.count; ++i) {
    if ((group_of(piece.word(i)) & 0b1110) != 0b1010) {
      continue;
    }
    const Instruction found = read_word(piece.word(i), piece.address(i));
    if (found.has_target) {
      (found.kind == Kind::Call ? called_ : targets_).push_back(found.target);
    }
    const bool stops = found.kind == Kind::Jump || found.kind == Kind::Return ||
                       found.kind == Kind::End;
    if (stops && i + 1 < piece.count) {
      piece.begins[i + 1] = true;
      piece.orphans[i + 1] = true;
    }
  }
}

void Pieces::find_starts() {
  const auto framed = [&](std::uint64_t address) {
    const auto after =
        std::ranges::upper_bound(image_.frames, address, {}, &Range::begin);
    return after != image_.frames.begin() && std::prev(after)->holds(address);
  };
  for (const Range& frame : image_.frames) {
    starts_.push_back(frame.begin);
    starts_.push_back(frame.end);
  }
  for (const std::uint64_t address : called_) {
    if (!framed(address)) {
      starts_.push_back(address);
    }
  }
  for (const auto* symbols : {&image_.symbols, &image_.local_symbols}) {
    for (const Symbol& symbol : *symbols) {
      if (symbol.function && symbol.defined && !framed(symbol.address)) {
        starts_.push_back(symbol.address);
      }
    }
  }
  for (auto* addresses : {&starts_, &called_}) {
    std::ranges::sort(*addresses);
    const auto same = std::ranges::unique(*addresses);
    addresses->erase(same.begin(), same.end());
  }
}

std::size_t Pieces::function_number(std::uint64_t address) const {
  return static_cast<std::size_t>(std::ranges::upper_bound(starts_, address) -
                                  starts_.begin());
}

bool Pieces::is_called(std::uint64_t address) const {
  return std::ranges::binary_search(called_, address);
}

std::uint64_t Pieces::words() const {
  std::uint64_t count = 0;
  for (const Piece& piece : pieces_) {
    count += piece.count;
  }
  return count;
}

Piece* Pieces::at(std::uint64_t address) {
  const auto after =
      std::ranges::upper_bound(pieces_, address, {}, &Piece::begin);
  if (after == pieces_.begin() ||
      std::prev(after)->index_of(address) >= std::prev(after)->count) {
    return nullptr;
  }
  return &*std::prev(after);
}

Range Pieces::function_around(std::uint64_t address) const {
  const auto after = std::ranges::upper_bound(starts_, address);
  return {after == starts_.begin() ? 0 : *std::prev(after),
          after == starts_.end() ? ~0ULL : *after};
}

void Pieces::wake(const Range& function, bool orphans) {
  for (Piece& piece : pieces_) {
    const std::uint64_t end = piece.begin + piece.count * 4;
    const std::uint64_t first = std::max(piece.begin, function.begin);
    const std::uint64_t last = std::min(end, function.end);
    for (std::uint64_t at = first; at < last; at += 4) {
      const std::uint64_t i = (at - piece.begin) / 4;
      if (orphans ? piece.orphans[i] : piece.begins[i]) {
        piece.waiting[i] = true;
      }
    }
  }
}

bool Pieces::is_behind_last_call(const Piece& piece,
                                 std::uint64_t index) const {
  if (index == 0) {
    return false;
  }
  const Word before = piece.word(index - 1);
  const std::uint64_t at = piece.address(index);
  return (is_call(before) || is_call_register(before)) &&
         std::ranges::binary_search(image_.frames, at, {}, &Range::begin);
}

}  // namespace vambrace::elf::aarch64
