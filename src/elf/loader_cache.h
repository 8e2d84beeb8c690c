#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace vambrace::elf {

// A line of /etc/ld.so.cache, which ldconfig writes and ld.so reads.
struct CacheEntry {
  std::uint32_t flags = 0;  // kCacheX8664, ...
  std::uint64_t hwcap = 0;  // not 0: for some processors only
  std::string_view name;    // "libz.so.1"
  std::string_view path;    // "/lib/x86_64-linux-gnu/libz.so.1"
};

// Flags of libraries for these machines (sysdeps/generic/ldconfig.h of glibc).
constexpr std::uint32_t kCacheX8664 = 0x0303;
constexpr std::uint32_t kCacheAarch64 = 0x0a03;

constexpr std::size_t kMaxCacheEntries = 100'000;

// The entries in their order. Both forms of the file are read: the new one
// ("glibc-ld.so.cache1.1"), and the one that has it behind the old.
// InvalidInput for anything else, also for names that are not inside of the
// file.
//
// Names are views of the bytes, which must outlive them.
Result<std::vector<CacheEntry>> parse_loader_cache(
    std::span<const std::uint8_t> bytes);

}  // namespace vambrace::elf
