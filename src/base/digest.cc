#include "base/digest.h"

#include <fmt/format.h>
#include <nettle/sha2.h>

#include <charconv>

namespace vambrace {

namespace {

void update(sha256_ctx& context, std::string_view bytes) {
  sha256_update(&context, bytes.size(),
                reinterpret_cast<const std::uint8_t*>(bytes.data()));
}

void begin_part(sha256_ctx& context, std::uint64_t size) {
  std::array<std::uint8_t, 8> bytes{};
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] = static_cast<std::uint8_t>(size >> (8 * i));
  }
  sha256_update(&context, bytes.size(), bytes.data());
}

Digest finish(sha256_ctx& context) {
  Digest digest{};
  sha256_digest(&context, digest.size(), digest.data());
  return digest;
}

}  // namespace

Digest digest_of(std::span<const std::string_view> parts) {
  sha256_ctx context;
  sha256_init(&context);
  for (const std::string_view part : parts) {
    begin_part(context, part.size());
    update(context, part);
  }
  return vambrace::finish(context);
}

struct PieceDigest::State {
  sha256_ctx context;
};

PieceDigest::PieceDigest(std::uint64_t size)
    : state_(std::make_unique<State>()) {
  sha256_init(&state_->context);
  begin_part(state_->context, size);
}

PieceDigest::~PieceDigest() = default;

void PieceDigest::add(std::string_view piece) {
  update(state_->context, piece);
}

Digest PieceDigest::finish() && {
  return vambrace::finish(state_->context);
}

std::string hex_of(const Digest& digest) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const std::uint8_t byte : digest) {
    text += kDigits[byte >> 4U];
    text += kDigits[byte & 15U];
  }
  return text;
}

std::optional<Digest> digest_from(std::string_view digits) {
  Digest digest{};
  if (digits.size() != 2 * digest.size() ||
      digits.find_first_not_of("0123456789abcdef") != std::string_view::npos) {
    return std::nullopt;
  }
  for (std::size_t i = 0; i < digest.size(); ++i) {
    const char* at = digits.data() + 2 * i;
    std::from_chars(at, at + 2, digest[i], 16);
  }
  return digest;
}

}  // namespace vambrace
