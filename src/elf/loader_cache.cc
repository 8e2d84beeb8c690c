#include "elf/loader_cache.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace vambrace::elf {
namespace {

static_assert(std::endian::native == std::endian::little);

constexpr std::string_view kOldMagic = "ld.so-1.7.0";
constexpr std::string_view kNewMagic = "glibc-ld.so.cache1.1";
constexpr std::size_t kOldHeader = 16;  // magic, padding, count
constexpr std::size_t kOldEntry = 12;
// Magic, count, size of the strings, byte order, extensions, 12 unused bytes.
constexpr std::size_t kNewHeader = 48;
constexpr std::size_t kNewEntry = 24;  // flags, name, path, version, hwcap
constexpr std::size_t kMaxName = 4096;

bool begins_with(std::span<const std::uint8_t> bytes, std::string_view magic) {
  return bytes.size() >= magic.size() &&
         std::memcmp(bytes.data(), magic.data(), magic.size()) == 0;
}

template <class T>
T number_at(std::span<const std::uint8_t> bytes, std::size_t at) {
  T number{};
  std::memcpy(&number, bytes.data() + at, sizeof number);
  return number;
}

// Leaves out the old table if there is one: what follows it has all of it.
Result<std::span<const std::uint8_t>> new_part(
    std::span<const std::uint8_t> bytes) {
  if (!begins_with(bytes, kOldMagic)) {
    return bytes;
  }
  if (bytes.size() < kOldHeader) {
    return fail(ErrorCode::InvalidInput, "ld.so.cache: cut off");
  }
  const std::uint64_t count = number_at<std::uint32_t>(bytes, 12);
  const std::uint64_t end = (kOldHeader + count * kOldEntry + 7) / 8 * 8;
  if (end > bytes.size()) {
    return fail(ErrorCode::InvalidInput, "ld.so.cache: cut off");
  }
  return bytes.subspan(end);
}

Result<std::string_view> name_at(std::span<const std::uint8_t> bytes,
                                 std::size_t at) {
  if (at < bytes.size()) {
    const auto rest = bytes.subspan(at, std::min(kMaxName, bytes.size() - at));
    if (const void* end = std::memchr(rest.data(), 0, rest.size())) {
      const char* begin = reinterpret_cast<const char*>(rest.data());
      return std::string_view(begin, static_cast<const char*>(end));
    }
  }
  return fail(ErrorCode::InvalidInput, "ld.so.cache: no name at {}", at);
}

}  // namespace

Result<std::vector<CacheEntry>> parse_loader_cache(
    std::span<const std::uint8_t> bytes) {
  TRY_ASSIGN(bytes, new_part(bytes));
  if (!begins_with(bytes, kNewMagic) || bytes.size() < kNewHeader) {
    return fail(ErrorCode::InvalidInput,
                "ld.so.cache: not of a form that is known");
  }
  // 0: not said; 2: little endian (cache_file_new_flags_endian_*).
  if (const unsigned order = bytes[28] & 3U; order != 0 && order != 2) {
    return fail(ErrorCode::InvalidInput,
                "ld.so.cache: of a machine with another byte order");
  }
  const std::size_t count = number_at<std::uint32_t>(bytes, kNewMagic.size());
  if (count > kMaxCacheEntries ||
      count > (bytes.size() - kNewHeader) / kNewEntry) {
    return fail(ErrorCode::InvalidInput, "ld.so.cache: {} entries", count);
  }
  std::vector<CacheEntry> entries;
  entries.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t at = kNewHeader + i * kNewEntry;
    CacheEntry entry{.flags = number_at<std::uint32_t>(bytes, at),
                     .hwcap = number_at<std::uint64_t>(bytes, at + 16)};
    TRY_ASSIGN(entry.name,
               name_at(bytes, number_at<std::uint32_t>(bytes, at + 4)));
    TRY_ASSIGN(entry.path,
               name_at(bytes, number_at<std::uint32_t>(bytes, at + 8)));
    entries.push_back(entry);
  }
  return entries;
}

}  // namespace vambrace::elf
