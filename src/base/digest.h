#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace vambrace {

using Digest = std::array<std::uint8_t, 32>;

// SHA-256 over the parts, each with its length in front of it: parts that are
// cut in other places have another digest. Whoever makes the bytes cannot make
// two with one digest. Zero parts have one, too.
Digest digest_of(std::span<const std::string_view> parts);

// The same for a part that comes in pieces: digest_of() of it alone. The pieces
// together have the size that was told.
class PieceDigest {
 public:
  explicit PieceDigest(std::uint64_t size);
  PieceDigest(PieceDigest&&) = delete;
  PieceDigest& operator=(PieceDigest&&) = delete;
  ~PieceDigest();

  void add(std::string_view piece);
  Digest finish() &&;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// 64 lower-case digits, and back.
std::string hex_of(const Digest& digest);
std::optional<Digest> digest_from(std::string_view digits);

}  // namespace vambrace
