#include "enforcer/apparmor/installed.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <map>

#include "base/memory_files.h"
#include "host/disk_files.h"
#include "policy/apparmor/print.h"

namespace vambrace::enforcer::apparmor {
namespace {

using testing::HasSubstr;

MemoryFiles host_with(const std::string& text) {
  MemoryFiles files;
  files.files = {{"/etc/apparmor.d/abstractions/a", text},
                 {"/etc/apparmor.d/abstractions/b.d/x", "/x r,"},
                 {"/etc/apparmor.d/tunables/global", "@{A}=/a\n"}};
  return files;
}

// A profile that includes an abstraction of this text.
std::string including(const std::string& text) {
  policy::apparmor::Profile out{.name = "p"};
  out.rules.includes = {policy::apparmor::include_for(
      {.name = "a",
       .rules = policy::apparmor::read_rules({{"abstractions/a", text}}, "a")
                    ->files})};
  return policy::apparmor::print(out).value();
}

TEST(Installed, FilesAndFoldersAreRead) {
  const auto sources = installed(host_with("/a r,"), "/etc/apparmor.d");
  ASSERT_TRUE(sources) << sources.error().message();
  EXPECT_EQ(sources->at("abstractions/a").value(), "/a r,");
  EXPECT_EQ(sources->at("abstractions/b.d/x").value(), "/x r,");
  EXPECT_TRUE(sources->contains("abstractions/b.d/"));
  EXPECT_TRUE(sources->contains("tunables/global"));
  EXPECT_EQ(installed(host_with(""), "/nowhere").error().code(),
            ErrorCode::NotFound);
}

TEST(Installed, AnIncludeThatGrantsTheSameIsTaken) {
  const std::string text = including("/a r,\n/b rw,\n");
  EXPECT_TRUE(
      check_includes(host_with("# comment\n/b rw,\n/a r,\n/a r,\n"), text));
  EXPECT_TRUE(check_includes(host_with("/a r,\n/b rw,"), text));
  EXPECT_TRUE(check_includes(MemoryFiles(), "profile p {\n  /a r,\n}\n"));
  EXPECT_TRUE(check_includes(
      MemoryFiles(), "profile p {\n  include <abstractions/base>\n}\n"));
}

TEST(Installed, AnIncludeThatGrantsSomethingElseIsRefused) {
  const std::string text = including("/a r,\n/b rw,\n");
  for (const char* other :
       {"/a r,\n", "/a r,\n/b rw,\n/c r,\n", "/a r,\nowner /b rw,\n",
        "/a r,\n/b rw,\ncapability chown,\n", "/a r,\n/b rw,\n/c ix,\n",
        "/a r,\n/b rw,\nsomething\n", ""}) {
    const auto checked = check_includes(host_with(other), text);
    ASSERT_FALSE(checked) << other;
    EXPECT_EQ(checked.error().code(), ErrorCode::Denied);
    EXPECT_THAT(checked.error().message(),
                HasSubstr("abstractions/a of this host is not what the profile "
                          "was made with"));
    EXPECT_THAT(checked.error().hint(), HasSubstr("synth --abstractions"));
  }
  MemoryFiles lacking = host_with("");
  lacking.files.erase("/etc/apparmor.d/abstractions/a");
  EXPECT_THAT(check_includes(lacking, text).error().message(),
              HasSubstr("abstractions/a is not there"));
  EXPECT_THAT(check_includes(MemoryFiles(), text).error().message(),
              HasSubstr("no abstractions in it"));
}

TEST(Installed, WhatALocalAdditionGrantsIsNoticed) {
  const std::string rules = "/a r,\ninclude if exists <abstractions/a.d>\n";
  const std::string text = including(rules);
  MemoryFiles files = host_with(rules);
  EXPECT_TRUE(check_includes(files, text));
  files.files["/etc/apparmor.d/abstractions/a.d/local"] = "/etc/x r,\n";
  EXPECT_FALSE(check_includes(files, text));
}

// A folder on disk with an abstraction beside what cannot be read.
class InstalledOnDisk : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "vambrace-installed-XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    for (const auto& [path, text] : std::map<std::string, std::string>{
             {"a", rules_},
             {"big", std::string(300'000, ' ')},
             {"c", "/c r,\ninclude if exists <abstractions/c.d>\n"},
             {"d", "/d r,\ninclude if exists <abstractions/.x>\n"},
             {"e", "/e r,\ninclude if exists <abstractions/.git/x>\n"},
             {"f", "/f r,\ninclude if exists <abstractions/gone/x>\n"},
             {"a.d/x", "/x r,\n"},
             {"c.d/x", "/x r,\n"},
             {".git/x", "/x r,\n"}}) {
      ASSERT_TRUE(files_.write(at(path), text));
    }
    ASSERT_EQ(::symlink("user@host.1", at(".#x").c_str()), 0);
    ASSERT_EQ(::symlink("c", at(".x").c_str()), 0);
    ASSERT_EQ(::symlink("user@host.1", at("a.d/.#x").c_str()), 0);
    ASSERT_EQ(::symlink("/none", at("gone").c_str()), 0);
    ASSERT_EQ(::symlink(".", at("loop").c_str()), 0);
    ASSERT_EQ(::mkfifo(at("pipe").c_str(), 0600), 0);
    ASSERT_EQ(::mkfifo(at("a.d/pipe~").c_str(), 0600), 0);
    ASSERT_EQ(::mkfifo(at("c.d/pipe").c_str(), 0600), 0);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string at(const std::string& path) const {
    return folder_ + "/abstractions/" + path;
  }
  std::string error(const std::string& name) const {
    const auto sources = installed(files_, folder_);
    if (!sources) {
      return "all: " + sources.error().message();
    }
    const auto read = policy::apparmor::read_rules(*sources, name);
    return read ? "read" : read.error().message();
  }

  const std::string rules_ = "/a r,\ninclude if exists <abstractions/a.d>\n";
  std::string folder_;
  DiskFiles files_;
};

TEST_F(InstalledOnDisk, WhatCannotBeReadFailsOnlyWhatIncludesIt) {
  EXPECT_EQ(error("a"), "read");
  EXPECT_THAT(error("big"), HasSubstr("abstractions/big cannot be read: "));
  EXPECT_THAT(error("big"), HasSubstr("larger than 262144 bytes"));
  EXPECT_THAT(error("pipe"), HasSubstr("not a regular file"));
  EXPECT_THAT(error("gone"), HasSubstr("No such file"));
  EXPECT_THAT(error("c"), HasSubstr("abstractions/c.d/pipe cannot be read: "));
}

TEST_F(InstalledOnDisk, WhatCannotBeReadIsNotTakenForAbsent) {
  EXPECT_THAT(error("d"), HasSubstr("abstractions/.x cannot be read: "));
  EXPECT_THAT(error("e"), HasSubstr("abstractions/.git/x cannot be read: "));
  EXPECT_THAT(error("f"), HasSubstr("abstractions/gone/x cannot be read: "));
}

TEST_F(InstalledOnDisk, AHostIsJudgedByWhatTheProfileIncludes) {
  const std::string text = including("/a r,\n/x r,\n");
  const auto same = check_includes(files_, text, folder_);
  EXPECT_TRUE(same) << same.error().message();
  ASSERT_TRUE(files_.remove(at("a.d/x")));
  ASSERT_EQ(::mkfifo(at("a.d/x").c_str(), 0600), 0);
  EXPECT_THAT(check_includes(files_, text, folder_).error().message(),
              HasSubstr("abstractions/a.d/x cannot be read: "));
}

}  // namespace
}  // namespace vambrace::enforcer::apparmor
