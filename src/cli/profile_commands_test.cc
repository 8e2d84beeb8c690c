#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/captured.h"

namespace vambrace::cli {
namespace {

using testing::HasSubstr;

Captured world(const std::string& default_action) {
  Captured out;
  out.files.files["bundle/seccomp.json"] =
      R"({"defaultAction": ")" + default_action + R"(",
          "architectures": ["SCMP_ARCH_X86_64"], "syscalls": [
          {"names": ["read", "statx"], "action": "SCMP_ACT_ALLOW"}]})";
  return out;
}

TEST(ProfileCommands, LintIsCleanForATightProfile) {
  Captured w = world("SCMP_ACT_ERRNO");
  EXPECT_EQ(w.run({"lint", "bundle/seccomp.json"}), 0) << w.output.error;
  EXPECT_THAT(w.output.answer, HasSubstr("2 of 2 calls"));
}

TEST(ProfileCommands, LintExitsWithFindingsAndNamesThePlace) {
  Captured w = world("SCMP_ACT_ALLOW");
  EXPECT_EQ(w.run({"lint", "bundle/seccomp.json", "--json"}), 1);
  EXPECT_THAT(w.output.answer, HasSubstr("\"permissive-default\""));
  EXPECT_THAT(w.output.answer, HasSubstr("\"place\": \"defaultAction\""));
}

TEST(ProfileCommands, LintNamesFileAndPlaceOfAFault) {
  Captured w = world("SCMP_ACT_NO");
  EXPECT_EQ(w.run({"lint", "bundle/seccomp.json"}), 2);
  EXPECT_THAT(w.output.error, HasSubstr("bundle/seccomp.json: defaultAction:"));
}

TEST(ProfileCommands, EvaluateAnswersForTheTarget) {
  Captured w = world("SCMP_ACT_ERRNO");
  const auto answer = [&](std::vector<std::string> words) {
    w.output.answer.clear();
    words.insert(words.begin(), {"evaluate", "bundle/seccomp.json"});
    EXPECT_EQ(w.run(words), 0) << w.output.error;
    return w.output.answer;
  };
  EXPECT_EQ(answer({"read", "1", "0xff"}), "SCMP_ACT_ALLOW\n");
  EXPECT_EQ(answer({"mount"}), "SCMP_ACT_ERRNO(EPERM)\n");
  EXPECT_EQ(answer({"451"}), "SCMP_ACT_ERRNO(ENOSYS)\n");
  EXPECT_EQ(answer({"451", "--target", "crun"}), "SCMP_ACT_ERRNO(EPERM)\n");
  EXPECT_EQ(answer({"read", "--arch", "i386"}), "SCMP_ACT_KILL_THREAD\n");
}

TEST(ProfileCommands, ABundleIsJudgedForItsOwnTarget) {
  Captured w = world("SCMP_ACT_ERRNO");
  w.files.files["bundle/bundle.yaml"] =
      "schema: vambrace.bundle/v1\nworkload:\n  id: web\ntarget: crun\n";
  EXPECT_EQ(w.run({"evaluate", "bundle", "451"}), 0) << w.output.error;
  EXPECT_EQ(w.output.answer, "SCMP_ACT_ERRNO(EPERM)\n");
  w.output.answer.clear();
  EXPECT_EQ(w.run({"evaluate", "bundle", "451", "--target", "docker"}), 0);
  EXPECT_EQ(w.output.answer, "SCMP_ACT_ERRNO(ENOSYS)\n");
}

TEST(ProfileCommands, EvaluateOffersTheNearestName) {
  Captured w = world("SCMP_ACT_ERRNO");
  EXPECT_EQ(w.run({"evaluate", "bundle/seccomp.json", "opnat"}), 2);
  EXPECT_THAT(w.output.error, HasSubstr("did you mean \"openat\"?"));
}

}  // namespace
}  // namespace vambrace::cli
