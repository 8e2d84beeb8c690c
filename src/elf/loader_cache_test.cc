#include "elf/loader_cache.h"

#include <gtest/gtest.h>

#include "elf/cache_bytes.h"
#include "elf/root.h"

namespace vambrace::elf {
namespace {

const std::vector<CacheEntry> kEntries = {
    {kCacheX8664, 0, "libz.so.1", "/lib/libz.so.1"},
    {kCacheX8664, 1ULL << 62, "liba.so", "/lib/glibc-hwcaps/x/liba.so"}};

TEST(LoaderCache, ReadsNamesPathsAndWhoMayLoadThem) {
  const Bytes bytes(cache_bytes(kEntries));
  const auto entries = parse_loader_cache(bytes.view());
  ASSERT_TRUE(entries) << entries.error().message();
  ASSERT_EQ(entries->size(), 2);
  EXPECT_EQ((*entries)[0].name, "libz.so.1");
  EXPECT_EQ((*entries)[0].path, "/lib/libz.so.1");
  EXPECT_EQ((*entries)[0].hwcap, 0);
  EXPECT_EQ((*entries)[1].hwcap, 1ULL << 62);
}

TEST(LoaderCache, ReadsTheNewFormBehindTheOld) {
  std::string old("ld.so-1.7.0\0\1\0\0\0", 16);
  old.append(12, 'x');
  old.append(4, '\0');  // aligned to 8
  const Bytes bytes(old + cache_bytes(kEntries));
  const auto entries = parse_loader_cache(bytes.view());
  ASSERT_TRUE(entries) << entries.error().message();
  EXPECT_EQ((*entries)[1].path, "/lib/glibc-hwcaps/x/liba.so");
}

TEST(LoaderCache, RefusesWhatIsCutOffOrPointsOutside) {
  const std::string good = cache_bytes(kEntries);
  for (std::size_t size = 0; size < good.size(); ++size) {
    EXPECT_FALSE(parse_loader_cache(Bytes(good.substr(0, size)).view()))
        << size;
  }
  const auto changed = [&](std::size_t at, char to) {
    std::string bytes = good;
    bytes[at] = to;
    return parse_loader_cache(Bytes(bytes).view());
  };
  EXPECT_FALSE(changed(0, 'x'));
  EXPECT_FALSE(changed(23, '\x7f'));  // two billion entries
  EXPECT_FALSE(changed(28, 3));       // big endian
  EXPECT_FALSE(changed(55, '\x7f'));  // a name far away
  EXPECT_FALSE(parse_loader_cache(
      Bytes(std::string("ld.so-1.7.0\0\xff\xff\xff\xff", 16)).view()));
}

}  // namespace
}  // namespace vambrace::elf
