#include "policy/rule_difference.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vambrace::policy {
namespace {

using apparmor::Exec;
using apparmor::Profile;
using testing::ElementsAre;
using testing::IsEmpty;

// "program: rule" lines of what one side has beyond the other.
std::vector<std::string> beyond(const Profile& one, const Profile& other) {
  const std::vector<RulePermit> permits = rules_beyond(one, other).value();
  std::vector<std::string> out;
  for (const RulePermit& permit : permits) {
    out.push_back(permit.program.empty() ? permit.rule
                                         : permit.program + ": " + permit.rule);
  }
  return out;
}

// Two profiles that differ in what is done to one of them.
struct Two {
  Profile left{.name = "web-1"};
  Profile right{.name = "web-2"};
  std::vector<std::string> more() const { return beyond(right, left); }
  std::vector<std::string> less() const { return beyond(left, right); }
};

TEST(RuleDifference, NamesMountsAndLooksOfOneSideWithoutItsName) {
  Two two;
  for (Profile* each : {&two.left, &two.right}) {
    each->rules.ptrace = {{.access = {"read"}, .peer = each->name + "//sh"}};
  }
  EXPECT_THAT(two.less(), IsEmpty());
  two.right.children["sh"].mounts = {
      {.kind = apparmor::MountKind::Umount, .target = "/x/"}};
  EXPECT_THAT(two.more(), ElementsAre("sh: umount /x/"));
}

TEST(RuleDifference, NamesSockets) {
  Two two;
  two.left.rules.network = {{.family = "inet", .type = "stream"}};
  two.right.rules.network = {{.family = "netlink", .type = "raw"},
                             {.family = "inet", .type = "stream"}};
  two.right.rules.unix_sockets = {{.type = "stream"}};
  EXPECT_THAT(two.more(),
              ElementsAre("network netlink raw", "unix type=stream"));
  EXPECT_THAT(two.less(), IsEmpty());
}

TEST(RuleDifference, WhatIsLeftOpenStandsForAll) {
  Two two;
  two.left.rules.network = {{.family = "inet", .type = "stream"}};
  two.right.rules.network = {{}};
  two.left.rules.unix_sockets = {{.access = {"send"}, .type = "stream"}};
  two.right.rules.unix_sockets = {{}};
  two.left.rules.signals = {
      {.access = {"send"}, .signals = {"term"}, .peer = "web-1"}};
  two.right.rules.signals = {{}};
  EXPECT_THAT(two.less(), IsEmpty());
  EXPECT_THAT(two.more(), ElementsAre("network", "signal", "unix"));
}

TEST(RuleDifference, NamesTheSignalsThatOneSideHasMore) {
  Two two;
  two.left.rules.signals = {
      {.access = {"send", "receive"}, .signals = {"term"}, .peer = "web-1"}};
  two.right.rules.signals = {
      {.access = {"send"}, .signals = {"hup", "kill", "term"}, .peer = "web-2"},
      {.access = {"receive"}, .signals = {"term"}, .peer = "web-2"}};
  EXPECT_THAT(two.more(),
              ElementsAre("signal (send) set=(hup, kill) peer=\"profile\""));
  EXPECT_THAT(two.less(), IsEmpty());
  two.right.rules.signals[1].peer = "unconfined";
  EXPECT_THAT(two.less(),
              ElementsAre("signal (receive) set=(term) peer=\"profile\""));
}

TEST(RuleDifference, NamesLooksThatOneSideHasMore) {
  Two two;
  two.left.rules.ptrace = {{.access = {"read"}, .peer = "web-1"}};
  two.right.rules.ptrace = {{.access = {"read", "trace"}, .peer = "web-2"}};
  EXPECT_THAT(two.more(), ElementsAre("ptrace (trace) peer=\"profile\""));
  EXPECT_THAT(two.less(), IsEmpty());
}

TEST(RuleDifference, NamesLinks) {
  Two two;
  two.right.rules.links = {{.pattern = "/a/*", .target = "/b/*"}};
  EXPECT_THAT(two.more(), ElementsAre("link /a/* -> /b/*"));
}

TEST(RuleDifference, NamesWhoHasACapabilityThatBothGrant) {
  Two two;
  two.left.rules.capabilities = {{.name = "chown"}};
  two.right.children["sh"].capabilities = {{.name = "chown"}};
  // Capabilities that only one side grants are compared as sets.
  two.right.rules.capabilities = {{.name = "kill"}};
  EXPECT_THAT(two.less(), ElementsAre("capability chown"));
  // On the left it runs with the main program's rules.
  EXPECT_THAT(two.more(), IsEmpty());
}

TEST(RuleDifference, NamesAnotherProfileToRunUnder) {
  Two two;
  two.left.rules.files = {{.pattern = "/bin/sh", .exec = Exec::Inherit},
                          {.pattern = "/bin/ls", .exec = Exec::Inherit}};
  two.right.rules.files = {
      {.pattern = "/bin/{sh,bash}", .exec = Exec::Child, .target = "sh"},
      {.pattern = "/bin/ls", .exec = Exec::Inherit},
      {.pattern = "/bin/cat", .exec = Exec::Inherit}};
  EXPECT_THAT(two.less(), ElementsAre("/bin/sh ix"));
  EXPECT_THAT(two.more(), ElementsAre("/bin/{sh,bash} cx -> sh"));
  two.left.rules.files = {
      {.pattern = "/bin/{sh,bash}", .exec = Exec::Profile, .target = "web-1"}};
  two.right.rules.files = {
      {.pattern = "/bin/{sh,bash}", .exec = Exec::Profile, .target = "web-2"}};
  EXPECT_THAT(two.less(), IsEmpty());
}

TEST(RuleDifference, NamesFilesOutsideOfTheNamespace) {
  Two two;
  two.right.attach_disconnected = true;
  EXPECT_THAT(two.more(), ElementsAre("flags=(attach_disconnected)"));
  EXPECT_THAT(two.less(), IsEmpty());
}

}  // namespace
}  // namespace vambrace::policy
