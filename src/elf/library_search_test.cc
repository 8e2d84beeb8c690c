#include "elf/library_search.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "elf/cache_bytes.h"
#include "elf/loader_conf.h"
#include "elf/memory_root.h"

namespace vambrace::elf {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string elf_for(char machine) {
  std::string bytes("\177ELF\2\1\1", 7);
  bytes.resize(64);
  bytes[18] = machine;
  return bytes;
}
const std::string kElf = elf_for(62);

std::string found(const MemoryRoot& root, const SearchSettings& settings,
                  const std::vector<Requester>& chain,
                  const std::string& name = "liba.so") {
  const auto result = LibrarySearch(root, settings).find(name, chain);
  return result ? result->name + " by " + result->how
                : result.error().message();
}

const SearchSettings kGlibc{.interpreter = "/lib64/ld-linux-x86-64.so.2",
                            .program = "/opt/bin/p"};
const SearchSettings kMusl{.interpreter = "/lib/ld-musl-x86_64.so.1",
                           .program = "/opt/bin/p"};

TEST(LibrarySearch, LooksFirstInRpathsThenTheUsersThenRunpathThenTheRest) {
  MemoryRoot root;
  root.files["/opt/bin/p"] = kElf;
  for (const char* folder : {"/opt/lib", "/user", "/run", "/cached", "/lib"}) {
    root.files[std::string(folder) + "/liba.so"] = kElf;
  }
  root.files["/etc/ld.so.cache"] =
      cache_bytes({{kCacheX8664, 0, "liba.so", "/cached/liba.so"}});
  SearchSettings settings = kGlibc;
  settings.library_path = ":/none;/user";
  const Requester rpath{"/opt/bin/p", "$ORIGIN/../lib"};
  const Requester runpath{"/opt/bin/p", "$ORIGIN/../lib", "/run"};
  EXPECT_EQ(found(root, settings, {rpath}),
            "/opt/bin/../lib/liba.so by RPATH of /opt/bin/p");
  EXPECT_EQ(found(root, settings, {runpath}),
            "/user/liba.so by LD_LIBRARY_PATH");
  EXPECT_EQ(found(root, kGlibc, {runpath}),
            "/run/liba.so by RUNPATH of /opt/bin/p");
  EXPECT_EQ(found(root, kGlibc, {}), "/cached/liba.so by ld.so.cache");
  root.files.erase("/cached/liba.so");
  EXPECT_EQ(found(root, kGlibc, {}), "/lib/liba.so by /lib");
  root.files.erase("/lib/liba.so");
  EXPECT_THAT(found(root, kGlibc, {}), HasSubstr("no liba.so"));
}

TEST(LibrarySearch, InheritsRpathAndNotRunpath) {
  MemoryRoot root;
  root.files["/of/liba.so"] = kElf;
  const Requester library{"/lib/libb.so"};
  EXPECT_EQ(found(root, kGlibc, {library, {"/opt/bin/p", "/of"}}),
            "/of/liba.so by RPATH of /opt/bin/p");
  EXPECT_THAT(
      found(root, kGlibc, {library, {"/opt/bin/p", std::nullopt, "/of"}}),
      HasSubstr("no liba.so"));
  // Who has a RUNPATH asks nobody else; its own RPATH counts for nobody.
  EXPECT_THAT(
      found(root, kGlibc,
            {{"/lib/libb.so", std::nullopt, "/x"}, {"/opt/bin/p", "/of"}}),
      HasSubstr("no liba.so"));
  EXPECT_THAT(found(root, kGlibc, {library, {"/opt/bin/p", "/of", "/x"}}),
              HasSubstr("no liba.so"));
}

TEST(LibrarySearch, ExpandsTokens) {
  MemoryRoot root;
  root.files["/opt/bin/lib64/liba.so"] = kElf;
  root.files["/m/x86_64/liba.so"] = kElf;
  root.files["/d/$LIBX/liba.so"] = kElf;
  EXPECT_THAT(found(root, kGlibc, {{"/opt/bin/p", "${ORIGIN}/$LIB"}}),
              HasSubstr("/opt/bin/lib64/liba.so"));
  EXPECT_THAT(found(root, kGlibc, {{"/opt/bin/p", "/m/$PLATFORM"}}),
              HasSubstr("/m/x86_64/liba.so"));
  EXPECT_THAT(found(root, kGlibc, {{"/opt/bin/p", "/d/$LIBX"}}),
              HasSubstr("/d/$LIBX/liba.so"));
  EXPECT_THAT(found(root, kMusl, {{"/opt/bin/p", "/d/$LIBX"}}),
              HasSubstr("no liba.so"));
  EXPECT_THAT(found(root, kGlibc, {{"/opt/bin/p"}}, "$ORIGIN/lib64/liba.so"),
              HasSubstr("/opt/bin/lib64/liba.so"));
}

TEST(LibrarySearch, PassesOverFilesForOtherMachines) {
  MemoryRoot root;
  root.files["/other/liba.so"] = elf_for(3);
  root.files["/lib/liba.so"] = kElf;
  EXPECT_EQ(found(root, kGlibc, {{"/opt/bin/p", "/other"}}),
            "/lib/liba.so by /lib");
}

TEST(LibrarySearch, TellsWhatOtherProcessorsWouldLoad) {
  MemoryRoot root;
  root.files["/lib/liba.so"] = kElf;
  root.files["/lib/glibc-hwcaps/x86-64-v3/liba.so"] = kElf;
  root.files["/lib64/glibc-hwcaps/x86-64-v2/liba.so"] = kElf;
  const auto result = LibrarySearch(root, kGlibc).find("liba.so", {});
  ASSERT_TRUE(result);
  EXPECT_EQ(result->name, "/lib/liba.so");
  EXPECT_THAT(result->alternatives,
              ElementsAre("/lib64/glibc-hwcaps/x86-64-v2/liba.so",
                          "/lib/glibc-hwcaps/x86-64-v3/liba.so"));
  root.files["/etc/ld.so.cache"] =
      cache_bytes({{kCacheX8664, 1ULL << 62, "liba.so",
                    "/lib/glibc-hwcaps/x86-64-v3/liba.so"},
                   {kCacheX8664, 0, "liba.so", "/lib/liba.so"},
                   {0x803, 0, "liba.so", "/lib32/liba.so"}});
  const auto cached = LibrarySearch(root, kGlibc).find("liba.so", {});
  ASSERT_TRUE(cached);
  EXPECT_EQ(cached->how, "ld.so.cache");
  EXPECT_THAT(cached->alternatives,
              ElementsAre("/lib/glibc-hwcaps/x86-64-v3/liba.so"));
}

TEST(LibrarySearch, TellsWhatOtherProcessorsOfAarch64WouldLoad) {
  MemoryRoot root;
  std::string file = kElf;
  file[18] = static_cast<char>(183);
  root.files["/lib/aarch64-linux-gnu/liba.so"] = file;
  root.files["/lib/aarch64-linux-gnu/atomics/liba.so"] = file;
  root.files["/lib/x86_64-linux-gnu/liba.so"] = kElf;
  const auto result =
      LibrarySearch(root, {.interpreter = "/lib/ld-linux-aarch64.so.1",
                           .arch = kernel::Arch::Aarch64})
          .find("liba.so", {});
  ASSERT_TRUE(result);
  EXPECT_EQ(result->name, "/lib/aarch64-linux-gnu/liba.so");
  EXPECT_THAT(result->alternatives,
              ElementsAre("/lib/aarch64-linux-gnu/atomics/liba.so"));
}

TEST(LibrarySearch, KeepsOutOfDefaultFoldersWhereAnObjectAsksForThat) {
  MemoryRoot root;
  root.files["/lib/liba.so"] = kElf;
  root.files["/etc/ld.so.cache"] =
      cache_bytes({{kCacheX8664, 0, "liba.so", "/lib/liba.so"}});
  const Requester picky{.path = "/opt/bin/p", .no_default = true};
  EXPECT_THAT(found(root, kGlibc, {picky}), HasSubstr("no liba.so"));
}

TEST(LibrarySearch, FollowsMuslsRules) {
  MemoryRoot root;
  root.files["/lib/ld-musl-x86_64.so.1"] = kElf;
  root.files["/usr/local/lib/liba.so"] = kElf;
  EXPECT_EQ(found(root, kMusl, {}), "/usr/local/lib/liba.so by /usr/local/lib");
  EXPECT_EQ(found(root, kMusl, {}, "libc.musl-x86_64.so.1"),
            "/lib/ld-musl-x86_64.so.1 by the loader itself");
  root.files["/run/liba.so"] = kElf;
  EXPECT_EQ(found(root, kMusl,
                  {{"/lib/libb.so"}, {"/opt/bin/p", std::nullopt, "/run"}}),
            "/run/liba.so by RUNPATH of /opt/bin/p");
  root.files["/etc/ld-musl-x86_64.path"] = "/none\n/path\n";
  EXPECT_THAT(found(root, kMusl, {}), HasSubstr("no liba.so"));
  root.files["/path/liba.so"] = kElf;
  EXPECT_EQ(found(root, kMusl, {}), "/path/liba.so by /path");
}

TEST(LibrarySearch, UsesTheConfigurationWhereACacheIsBrokenOrMissing) {
  MemoryRoot root;
  root.files["/etc/ld.so.conf"] = "include ld.so.conf.d/*.conf\n# /no\n";
  root.files["/etc/ld.so.conf.d/a.conf"] = "/conf  # why\n";
  root.files["/conf/liba.so"] = kElf;
  EXPECT_EQ(found(root, kGlibc, {}), "/conf/liba.so by /etc/ld.so.conf");
  EXPECT_THAT(LibrarySearch(root, kGlibc).remarks(), IsEmpty());
  root.files["/etc/ld.so.cache"] = "broken";
  EXPECT_EQ(found(root, kGlibc, {}), "/conf/liba.so by /etc/ld.so.conf");
  EXPECT_THAT(LibrarySearch(root, kGlibc).remarks(),
              ElementsAre(HasSubstr("ld.so.cache")));
}

TEST(LibrarySearch, EndsOnConfigurationsThatIncludeThemselves) {
  MemoryRoot root;
  root.files["/etc/ld.so.conf"] = "include ld.so.conf\ninclude /etc/*\n/a\n";
  EXPECT_THAT(configured_folders(root), ::testing::Contains("/a"));
}

TEST(LibrarySearch, NamesWhatIsPreloaded) {
  MemoryRoot root;
  root.files["/etc/ld.so.preload"] = "/a.so:b.so # c\n d.so";
  EXPECT_THAT(LibrarySearch(root, kGlibc).preloaded(),
              ElementsAre("/a.so", "b.so", "d.so"));
  EXPECT_THAT(LibrarySearch(root, kMusl).preloaded(), IsEmpty());
}

}  // namespace
}  // namespace vambrace::elf
