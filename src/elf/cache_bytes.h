#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "elf/loader_cache.h"

namespace vambrace::elf {

// An ld.so.cache of these entries, for tests.
inline std::string cache_bytes(const std::vector<CacheEntry>& entries) {
  const auto put = [](std::string& to, std::uint64_t number, int size) {
    for (int i = 0; i < size; ++i) {
      to += static_cast<char>(number >> (8 * i));
    }
  };
  std::string table, names;
  const std::size_t begin = 48 + 24 * entries.size();
  for (const CacheEntry& entry : entries) {
    put(table, entry.flags, 4);
    put(table, begin + names.size(), 4);
    names += std::string(entry.name) + '\0';
    put(table, begin + names.size(), 4);
    names += std::string(entry.path) + '\0';
    put(table, 0, 4);
    put(table, entry.hwcap, 8);
  }
  std::string bytes = "glibc-ld.so.cache1.1";
  put(bytes, entries.size(), 4);
  put(bytes, names.size(), 4);
  put(bytes, 2, 4);
  bytes.resize(48);
  return bytes + table + names;
}

}  // namespace vambrace::elf
