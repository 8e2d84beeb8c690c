#include "enforcer/docker_arguments.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vambrace::enforcer {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using Words = std::vector<std::string>;

const Armour kArmour{.seccomp_path = "/b/seccomp.json",
                     .seccomp_json = "{}",
                     .capabilities = {6, 10},
                     .no_new_privs = true};

Result<Words> rewritten(const Words& words, const Armour& armour = kArmour) {
  TRY_ASSIGN(const std::optional<DockerStart> start, parse_docker(words));
  CHECK(start.has_value());
  return put_on(*start, armour);
}

TEST(DockerArguments, PutsTheArmourBetweenSubcommandAndOptions) {
  EXPECT_THAT(*rewritten({"run", "--rm", "web", "nginx"}),
              ElementsAre("run", "--security-opt", "seccomp=/b/seccomp.json",
                          "--security-opt", "no-new-privileges", "--cap-drop",
                          "ALL", "--cap-add", "SETGID", "--cap-add",
                          "NET_BIND_SERVICE", "--rm", "web", "nginx"));
}

TEST(DockerArguments, LeavesNoNewPrivilegesOutWhereTheTargetDoes) {
  Armour armour = kArmour;
  armour.no_new_privs = false;
  armour.capabilities.clear();
  EXPECT_THAT(*rewritten({"create", "web"}, armour),
              ElementsAre("create", "--security-opt", "seccomp=/b/seccomp.json",
                          "--cap-drop", "ALL", "web"));
}

TEST(DockerArguments, PutsTheAppArmorProfileInAndNoOtherBesideIt) {
  Armour armour = kArmour;
  armour.apparmor = "web-1a2b";
  const Words plain = *rewritten({"run", "web"}, armour);
  EXPECT_THAT(plain, testing::IsSupersetOf({"apparmor=web-1a2b"}));
  for (const char* same :
       {"apparmor=unconfined", "apparmor:unconfined", "apparmor=web-1a2b"}) {
    EXPECT_EQ(*rewritten({"run", "--security-opt", same, "web"}, armour),
              plain);
  }
  const auto other = rewritten(
      {"run", "--security-opt=apparmor=docker-default", "web"}, armour);
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code(), ErrorCode::Denied);
  EXPECT_TRUE(rewritten({"run", "--security-opt=apparmor=mine", "web"}))
      << "without one of ours";
}

TEST(DockerArguments, RefusesTheRuntimeThatTheProfileIsNotMadeFor) {
  for (const char* word : {"runc", "io.containerd.runc.v2", "/usr/sbin/runc"}) {
    EXPECT_TRUE(rewritten({"run", "--runtime", word, "web"})) << word;
  }
  for (const char* word : {"crun", "runsc", "kata-runc", ""}) {
    const auto refused =
        rewritten({"run", fmt::format("--runtime={}", word), "web"});
    ASSERT_FALSE(refused) << word;
    EXPECT_EQ(refused.error().code(), ErrorCode::Denied);
    EXPECT_THAT(refused.error().message(), HasSubstr("made for runc"));
  }
  Armour armour = kArmour;
  armour.runtime = runtime::Runtime::Crun;
  EXPECT_TRUE(rewritten({"run", "--runtime=/usr/bin/crun", "web"}, armour));
  EXPECT_FALSE(rewritten({"run", "--runtime", "runc", "web"}, armour));
}

TEST(DockerArguments, FindsTheImageBehindEveryFormOfOption) {
  const Result<std::optional<DockerStart>> start = parse_docker(
      Words{"-H", "unix:///x", "container", "run", "-dit", "-p80:80", "-itp",
            "81:81", "--name=web", "-e", "A=--privileged", "--env=B=1",
            "image:1", "sh", "--privileged"});
  ASSERT_TRUE(start && *start);
  EXPECT_EQ((*start)->image, "image:1");
  EXPECT_EQ((*start)->name, "web");
  EXPECT_THAT((*start)->before,
              ElementsAre("-H", "unix:///x", "container", "run"));
  EXPECT_THAT((*start)->rest, ElementsAre("image:1", "sh", "--privileged"));
}

TEST(DockerArguments, PassesOtherSubcommandsBy) {
  for (const Words& words :
       {Words{"ps"}, Words{"exec", "-it", "web", "run"}, Words{},
        Words{"--version"}, Words{"compose", "up"}}) {
    const auto start = parse_docker(words);
    ASSERT_TRUE(start);
    EXPECT_FALSE(start->has_value());
  }
}

TEST(DockerArguments, RefusesWhatWouldUndoTheArmour) {
  const std::pair<Words, std::string> cases[] = {
      {{"run", "--privileged", "web"}, "--privileged"},
      {{"run", "--privileged=true", "web"}, "--privileged"},
      {{"run", "--privileged=T", "web"}, "--privileged"},
      {{"run", "--security-opt", "seccomp=/other.json", "web"}, "seccomp"},
      {{"run", "--security-opt=seccomp:x.json", "web"}, "seccomp"},
      {{"run", "--security-opt", "no-new-privileges=false", "web"},
       "no-new-privileges"},
      {{"run", "--cap-add", "SYS_ADMIN", "web"}, "SYS_ADMIN"},
      {{"run", "--cap-add=ALL", "web"}, "ALL"},
      {{"run", "--cap-drop", "setgid", "web"}, "grants it"},
  };
  for (const auto& [words, told] : cases) {
    const Result<Words> result = rewritten(words);
    ASSERT_FALSE(result) << fmt::format("{}", words);
    EXPECT_EQ(result.error().code(), ErrorCode::Denied);
    EXPECT_THAT(result.error().message(), HasSubstr(told));
    EXPECT_FALSE(result.error().hint().empty());
  }
}

TEST(DockerArguments, TakesWhatAgreesOnce) {
  EXPECT_THAT(
      *rewritten({"run", "--cap-drop=ALL", "--cap-add", "CAP_NET_BIND_SERVICE",
                  "--privileged=false", "--security-opt",
                  "no-new-privileges:true", "--security-opt", "label=x",
                  "--security-opt=seccomp=unconfined", "web"}),
      ElementsAre("run", "--security-opt", "seccomp=/b/seccomp.json",
                  "--security-opt", "no-new-privileges", "--cap-drop", "ALL",
                  "--cap-add", "SETGID", "--cap-add", "NET_BIND_SERVICE",
                  "--privileged=false", "--security-opt", "label=x", "web"));
}

TEST(DockerArguments, AsksForAnUnknownOptionToBeWrittenWithItsValue) {
  const Result<Words> result = rewritten({"run", "--novel", "x", "web"});
  ASSERT_FALSE(result);
  EXPECT_THAT(result.error().hint(), HasSubstr("--novel=VALUE"));
  EXPECT_TRUE(rewritten({"run", "--novel=x", "web"}));
}

TEST(DockerArguments, NeedsAnImage) {
  EXPECT_FALSE(rewritten({"run", "--rm"}));
  EXPECT_FALSE(rewritten({"run", "--name"}));
}

}  // namespace
}  // namespace vambrace::enforcer
