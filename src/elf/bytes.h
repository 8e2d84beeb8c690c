#pragma once

#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>

// Reading foreign bytes: every access is checked here, so that nothing that
// uses these can leave the file.
namespace vambrace::elf {

using ByteView = std::string_view;

// `count` bytes from `offset` on; nullopt if they are not all there.
inline std::optional<ByteView> slice(ByteView bytes, std::uint64_t offset,
                                     std::uint64_t count) {
  if (offset > bytes.size() || count > bytes.size() - offset) {
    return std::nullopt;
  }
  return bytes.substr(offset, count);
}

// A structure of the ELF specification, in the byte order of this machine,
// which is that of the files that are read (image.h).
template <class T>
std::optional<T> read_at(ByteView bytes, std::uint64_t offset) {
  const auto found = slice(bytes, offset, sizeof(T));
  if (!found) {
    return std::nullopt;
  }
  T out;
  std::memcpy(&out, found->data(), sizeof(T));
  return out;
}

// Reads on and on; once something was not there, every further read is zero and
// failed() says so.
class Cursor {
 public:
  explicit Cursor(ByteView bytes) : bytes_(bytes) {}

  template <class T>
  T take() {
    const auto found = read_at<T>(bytes_, at_);
    if (!found) {
      failed_ = true;
      return T{};
    }
    at_ += sizeof(T);
    return *found;
  }

  std::uint64_t unsigned_leb() {
    std::uint64_t out = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const auto byte = take<std::uint8_t>();
      out |= std::uint64_t{byte & 0x7fU} << shift;
      if ((byte & 0x80) == 0) {
        return out;
      }
    }
    failed_ = true;
    return 0;
  }

  // Up to the zero, which is skipped.
  ByteView text() {
    const std::size_t end = bytes_.find('\0', at_);
    if (failed_ || end == ByteView::npos) {
      failed_ = true;
      return {};
    }
    const ByteView out = bytes_.substr(at_, end - at_);
    at_ = end + 1;
    return out;
  }

  void skip(std::uint64_t count) {
    if (count > bytes_.size() - at_) {
      failed_ = true;
      return;
    }
    at_ += count;
  }

  std::uint64_t at() const { return at_; }
  bool failed() const { return failed_; }

 private:
  ByteView bytes_;
  std::uint64_t at_ = 0;
  bool failed_ = false;
};

}  // namespace vambrace::elf
