#include "policy/securitycontext/moves.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "policy/samples.h"

namespace vambrace::policy::securitycontext {
namespace {

struct Named {
  const char* path;
  const char* letters;
  bool only_named = true;
};

evidence::Process moving(const std::vector<Named>& accesses,
                         const char* exe = "/bin/app",
                         evidence::Origin origin = evidence::Origin::App) {
  evidence::Process out = sample::process({}, exe, origin);
  for (const Named& access : accesses) {
    out.files.push_back(sample::file(access.path, access.letters));
    if (access.only_named) {
      out.files.back().owner.reset();
    }
  }
  return out;
}

// "/a /b, /c /d?": the latter is not certain.
std::string text_of(const evidence::Evidence& evidence) {
  std::string text;
  for (const Apart& apart :
       Moves(evidence).between({"/a", "/b", "/b/in", "/c", "/d"})) {
    text += (text.empty() ? "" : ", ");
    text += fmt::format("{}", fmt::join(apart.folders, " "));
    text += apart.certain ? "" : "?";
  }
  return text;
}

std::string apart(const std::vector<Named>& accesses) {
  return text_of(sample::evidence_of({moving(accesses)}));
}

TEST(Moves, ARenameOutOfTheOnlyFolderOfOldNames) {
  EXPECT_EQ(apart({{"/a/1", "drw"}, {"/b/1", "cw"}}), "/a /b");
  EXPECT_EQ(apart({{"/a/x/y/1", "drw"}, {"/b/in/1", "cw"}}), "/a /b/in");
  EXPECT_EQ(apart({{"/b/x/", "drw"}, {"/b/in/x/", "cw"}}), "/b /b/in");
  EXPECT_EQ(apart({{"/a/1", "drw"}, {"/a/2", "cw"}, {"/b/1", "cw"}}), "/a /b");
}

TEST(Moves, NoneWithinAFolderOrWhereNothingIsMounted) {
  EXPECT_EQ(apart({{"/a/1", "drw"}, {"/a/2", "cw"}}), "");
  EXPECT_EQ(apart({{"/a/1", "drw"}, {"/elsewhere/2", "cw"}}), "");
  EXPECT_EQ(apart({{"/a/1", "d"}, {"/b/2", "c"}, {"/c/3", "crw"}}), "");
  EXPECT_EQ(apart({{"/", "r"}, {"tmpfs:x", "drw"}, {"/b/2", "cw"}}), "");
}

TEST(Moves, HooksShowNewNamesAsOpensDo) {
  // What was renamed away explains no other rename.
  EXPECT_EQ(apart({{"/a/1", "drw", false},
                   {"/a/1", "cw", false},
                   {"/b/1", "cw", false}}),
            "/a /b");
  EXPECT_EQ(apart({{"/a/1", "drw", false},
                   {"/a/2", "cw", false},
                   {"/b/1", "cw", false}}),
            "/a /b?");
  EXPECT_EQ(apart({{"/a/1", "drw", false},
                   {"/b/1", "cw", false},
                   {"/c/1", "cw", false}}),
            "/a /b /c?");
}

TEST(Moves, SeveralFoldersOfOldNamesLeaveItOpen) {
  EXPECT_EQ(apart({{"/a/1", "drw"}, {"/b/1", "drw"}, {"/c/1", "cw"}}),
            "/a /c, /b /c");
  EXPECT_EQ(
      apart({{"/a/1", "drw"}, {"/a/2", "cw"}, {"/b/1", "drw"}, {"/b/2", "cw"}}),
      "/a /b?");
}

TEST(Moves, ALinkWhoseOldNameIsRemoved) {
  EXPECT_EQ(apart({{"/b/1", "l"}, {"/a/1", "d"}}), "/a /b");
  EXPECT_EQ(apart({{"/b/1", "l"}, {"/b/2", "d"}}), "");
  EXPECT_EQ(apart({{"/b/1", "l"}, {"/b/2", "d"}, {"/a/1", "d"}}), "/a /b?");
  EXPECT_EQ(apart({{"/b/1", "l"}}), "/b?");
}

TEST(Moves, OneProgramDoesNotEndWhatAnotherBegan) {
  EXPECT_EQ(text_of(sample::evidence_of(
                {moving({{"/a/1", "drw"}, {"/a/2", "cw"}}),
                 moving({{"/b/1", "cw", false}}, "/bin/other")})),
            "");
  EXPECT_EQ(text_of(sample::evidence_of(
                {moving({{"/a/1", "drw"}, {"/b/1", "cw"}}, "/usr/bin/runc",
                        evidence::Origin::Runtime)})),
            "");
}

TEST(CommonParent, IsTheInnermostFolderThatAllAreIn) {
  EXPECT_EQ(common_parent({"/srv/mail/new", "/srv/mail/tmp"}), "/srv/mail");
  EXPECT_EQ(common_parent({"/srv/mail", "/srv/mail/tmp"}), "/srv/mail");
  EXPECT_EQ(common_parent({"/srv/a", "/srv/ab"}), "/srv");
  EXPECT_EQ(common_parent({"/a", "/b"}), "/");
  EXPECT_EQ(common_parent({"/a"}), "/a");
}

}  // namespace
}  // namespace vambrace::policy::securitycontext
