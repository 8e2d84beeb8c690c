#include "enforcer/trial.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "enforcer/start.h"

namespace vambrace::enforcer {
namespace {

using testing::ElementsAre;

TEST(ShellLine, QuotesEveryWord) {
  EXPECT_EQ(shell_line({"a b", "it's", "$HOME", ""}),
            "'a b' 'it'\\''s' '$HOME' ''");
}

TEST(ApplicationPrograms, AreThoseOfTheAppItself) {
  evidence::Evidence evidence;
  const auto add = [&](const char* exe, evidence::Origin origin) {
    evidence::Process process;
    process.key.exe = exe;
    process.key.origin = origin;
    evidence.processes.push_back(process);
  };
  add("/usr/sbin/nginx", evidence::Origin::App);
  add("/usr/sbin/nginx", evidence::Origin::App);
  add("/bin/sh", evidence::Origin::Helper);
  add("/usr/bin/curl", evidence::Origin::Harness);
  EXPECT_THAT(application_programs(evidence), ElementsAre("/usr/sbin/nginx"));
}

TEST(Engine, IsToldByTheProgramsName) {
  EXPECT_EQ(engine_of("docker"), Engine::Docker);
  EXPECT_EQ(engine_of("/usr/sbin/runc"), Engine::Runc);
  EXPECT_EQ(engine_of("crun"), Engine::Runc);
  EXPECT_EQ(engine_of("docker-proxy"), Engine::Process);
}

}  // namespace
}  // namespace vambrace::enforcer
