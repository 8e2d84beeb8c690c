#include "policy/apparmor/print.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>

#include "policy/apparmor/quote.h"

namespace vambrace::policy::apparmor {
namespace {

using testing::HasSubstr;

FileRule readable(std::string pattern) {
  return {.pattern = std::move(pattern), .access = {.read = true}};
}

Profile sample() {
  Profile out{.name = "web", .abi = "abi/3.0"};
  out.rules.files = {
      {.pattern = "/var/log/web.log",
       .access = {.write = true, .append = true, .lock = true},
       .owner = true},
      {.pattern = "/usr/bin/gzip", .exec = Exec::Child, .target = "gzip"},
      readable("/etc/web/**")};
  out.rules.capabilities = {{.name = "setuid"}};
  out.rules.network = {{.family = "inet", .type = "stream"}};
  out.rules.unix_sockets = {{.access = {"connect"},
                             .type = "stream",
                             .peer = "db",
                             .peer_address = "@/tmp/db"}};
  out.rules.signals = {
      {.access = {"send"}, .signals = {"term", "hup"}, .peer = "web"}};
  out.rules.ptrace = {{.access = {"read"}, .peer = "web"}};
  out.rules.mounts = {{.fstype = "tmpfs",
                       .options = {"rw", "nosuid"},
                       .source = "tmpfs",
                       .target = "/mnt/"}};
  out.rules.links = {{.pattern = "/tmp/a", .target = "/tmp/b"}};
  out.children["gzip"].files = {readable("/lib/**")};
  return out;
}

TEST(Print, WritesEachKindOfRule) {
  EXPECT_EQ(print(sample()).value(), R"(abi <abi/3.0>,

profile web {
  capability setuid,
  network inet stream,
  unix (connect) type=stream peer=(label="db", addr="@/tmp/db"),
  signal (send) set=(hup, term) peer="web",
  ptrace (read) peer="web",
  mount fstype=tmpfs options=(nosuid, rw) "tmpfs" -> /mnt/,
  /etc/web/** r,
  /usr/bin/gzip cx -> gzip,
  owner /var/log/web.log wk,
  link /tmp/a -> /tmp/b,

  profile gzip {
    /lib/** r,
  }
}
)");
}

TEST(Print, TheOrderOfRulesIsOfNoConsequence) {
  Profile other = sample();
  std::ranges::reverse(other.rules.files);
  other.rules.files.push_back(other.rules.files.front());
  EXPECT_EQ(print(other).value(), print(sample()).value());
}

TEST(Print, ComplainIsAFlagOfEachProfile) {
  Profile profile = sample();
  profile.mode = mode_of(Stage::Allow);
  const std::string text = print(profile).value();
  EXPECT_THAT(text, HasSubstr("profile web flags=(complain) {"));
  EXPECT_THAT(text, HasSubstr("profile gzip flags=(complain) {"));
  EXPECT_EQ(mode_of(Stage::Observe), Mode::Complain);
  EXPECT_EQ(mode_of(Stage::Harden), Mode::Enforce);
}

TEST(Print, ReasonsAndExamplesAreCommentsOnRequest) {
  Profile profile{.name = "web"};
  profile.rules.files = {readable("/tmp/*")};
  profile.rules.files[0].why = {
      .reasons = {{.cause = Cause::Observed, .exe = "/bin/a\n#include <x>"}},
      .examples = {"/tmp/1\n  /** rwx,", "/tmp/\xff"}};
  EXPECT_THAT(print(profile).value(), testing::Not(HasSubstr("#")));
  const std::string text = print(profile, {.comments = true}).value();
  EXPECT_THAT(text, HasSubstr("  # such as /tmp/1\\x0a  /** rwx,\n"));
  EXPECT_EQ(std::ranges::count(text, '\n'), 7);
}

TEST(Print, WithoutItsCommentsATextIsWhatItWasWithoutThem) {
  Profile profile = sample();
  profile.rules.files[0].why = {.reasons = {{.exe = "/bin/a"}},
                                .examples = {"/tmp/1"}};
  const std::string plain = print(profile).value();
  const std::string told = print(profile, {.comments = true}).value();
  EXPECT_NE(told, plain);
  EXPECT_EQ(without_comments(told), plain);
  EXPECT_EQ(
      without_comments("# a\n  #\n\t# b\n/x r,\n#include <y>\n /z r, # c"),
      "/x r,\n#include <y>\n /z r, # c");
}

TEST(Print, AnIncludeIsPrintedWithAHashOfWhatItGrants) {
  const auto text = [](std::vector<FileRule> rules) {
    Profile profile{.name = "web"};
    profile.rules.includes = {
        {.name = "abstractions/a", .rules = std::move(rules)}};
    return print(profile, {.comments = true}).value();
  };
  FileRule owner = readable("/b");
  owner.owner = true;
  const std::string one = text({readable("/a"), readable("@{HOME}/x")});
  EXPECT_THAT(one, testing::ContainsRegex(
                       "\n  include <abstractions/a> # [0-9a-f]{16}\n\\}\n"));
  EXPECT_EQ(text({readable("@{HOME}/x"), readable("/a"), readable("/a")}), one);
  EXPECT_NE(text({readable("/a")}), one);
  EXPECT_NE(text({readable("/a"), readable("/b")}),
            text({readable("/a"), owner}));
  // It is no comment: an edit of it is an edit of the profile.
  EXPECT_EQ(without_comments(one), one);
}

TEST(Print, RefusesWordsThatAreNoneOfAppArmors) {
  const auto refused = [](auto change) {
    Profile profile = sample();
    change(profile);
    return !print(profile);
  };
  EXPECT_TRUE(refused([](Profile& p) { p.name = "a b"; }));
  EXPECT_TRUE(refused([](Profile& p) { p.name = ""; }));
  EXPECT_TRUE(refused([](Profile& p) { p.name = "/bin/x"; }));
  EXPECT_TRUE(refused([](Profile& p) { p.abi = "../x"; }));
  EXPECT_TRUE(refused([](Profile& p) { p.tunables = {"a>\n"}; }));
  for (const char* name : {"a>\n", "/a", "../a", "a b", "a#", ""}) {
    EXPECT_TRUE(refused([&](Profile& p) {
      p.rules.includes = {{.name = name}};
    })) << name;
  }
  EXPECT_TRUE(refused([](Profile& p) { p.variables = {{"1", {"x"}}}; }));
  EXPECT_TRUE(refused([](Profile& p) { p.variables = {{"A", {}}}; }));
  EXPECT_TRUE(refused([](Profile& p) { p.rules.network[0].family = "a,"; }));
  EXPECT_TRUE(refused([](Profile& p) { p.rules.signals[0].signals = {")"}; }));
  EXPECT_TRUE(refused([](Profile& p) { p.rules.files[0].pattern = "a"; }));
  EXPECT_TRUE(refused([](Profile& p) { p.rules.files[0].pattern = "/{a}"; }));
  EXPECT_TRUE(refused([](Profile& p) { p.rules.files[0].access = {}; }));
  EXPECT_TRUE(refused([](Profile& p) { p.rules.files[1].target = "a b"; }));
  EXPECT_TRUE(refused([](Profile& p) { p.children["a,"]; }));
}

TEST(Print, TheNameChangesWithTheRules) {
  Profile profile = sample();
  const std::string name = name_with_hash(profile).value();
  EXPECT_TRUE(name.starts_with("web-")) << name;
  EXPECT_EQ(name.size(), 4 + 16);
  EXPECT_EQ(name_with_hash(profile).value(), name);
  profile.rules.files[0].why.examples = {"/x"};
  EXPECT_EQ(name_with_hash(profile).value(), name);
  profile.rules.files[0].access.read = true;
  EXPECT_NE(name_with_hash(profile).value(), name);
}

RC_GTEST_PROP(Print, NoBytesOfANameMakeAnotherLine,
              (const std::string& bytes, const std::string& example)) {
  Profile profile{.name = "web"};
  profile.rules.files = {readable(pattern_of("/" + bytes))};
  profile.rules.files[0].why.examples = {example};
  const std::string text = print(profile, {.comments = true}).value();
  RC_ASSERT(std::ranges::count(text, '\n') == 5);
  RC_ASSERT(text.find("\n  # such as ") != std::string::npos);
  RC_ASSERT(text.ends_with(" r,\n}\n"));
}

}  // namespace
}  // namespace vambrace::policy::apparmor
