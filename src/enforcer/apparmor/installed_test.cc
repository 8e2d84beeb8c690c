#include "enforcer/apparmor/installed.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/memory_files.h"
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
  EXPECT_EQ(sources->at("abstractions/a"), "/a r,");
  EXPECT_EQ(sources->at("abstractions/b.d/x"), "/x r,");
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

}  // namespace
}  // namespace vambrace::enforcer::apparmor
