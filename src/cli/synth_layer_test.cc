#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/captured.h"
#include "evidence/json.h"
#include "policy/samples.h"
#include "runtime/layer.h"

namespace vambrace::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

const std::string kOwn = "/home/a/.config/vambrace/layers/runc.json";

// A layer with one call of its own.
std::string layer(runtime::Version version, bool no_new_privs,
                  const std::string& call) {
  runtime::RuntimeLayer made;
  made.version = version;
  made.no_new_privs = no_new_privs;
  made.start = {{.name = call}};
  return runtime::print_layers({made});
}

Captured world() {
  Captured out;
  const std::string id(32, '1');
  evidence::SyscallFact read = policy::sample::fact("read");
  read.by = policy::sample::seen(3, "serving", id.c_str());
  evidence::Evidence seen = policy::sample::evidence_of(
      {policy::sample::process({read})}, id.c_str());
  seen.recordings[0].verdict = evidence::judge({});
  out.files.files["a.json"] = evidence::print(seen);
  out.variables["HOME"] = "/home/a";
  return out;
}

TEST(SynthLayer, TakesTheUsersOwnOfThatVersionIntoTheBundle) {
  Captured w = world();
  w.files.files[kOwn] = layer({1, 1, 5}, true, "splice");
  EXPECT_EQ(w.run({"synth", "a.json", "-o", "out", "--target", "runc"}), 0)
      << w.output.error;
  EXPECT_THAT(w.output.answer, HasSubstr(kOwn));
  EXPECT_THAT(w.files.files["out/seccomp.json"], HasSubstr("splice"));
  // The same on a machine that has no calibration.
  const auto before = w.files.files["out/seccomp.json"];
  w.variables.clear();
  EXPECT_EQ(w.run({"synth", "-o", "out"}), 0);
  EXPECT_EQ(w.files.files["out/seccomp.json"], before);
}

TEST(SynthLayer, LooksWhereXdgSays) {
  Captured w = world();
  w.variables["XDG_CONFIG_HOME"] = "/xdg";
  w.files.files["/xdg/vambrace/layers/runc.json"] =
      layer({1, 1, 5}, true, "splice");
  EXPECT_EQ(w.run({"synth", "a.json", "-o", "out", "--target", "runc"}), 0);
  EXPECT_THAT(w.files.files["out/seccomp.json"], HasSubstr("splice"));
}

TEST(SynthLayer, LeavesTheUsersOwnOfAnotherVersionAndSaysSo) {
  Captured w = world();
  w.files.files[kOwn] = layer({1, 2, 0}, true, "splice");
  EXPECT_EQ(w.run({"synth", "a.json", "-o", "out", "--target", "runc"}), 0);
  EXPECT_THAT(w.output.answer,
              HasSubstr("measured runc 1.2.0, and the target says 1.1.5"));
  EXPECT_THAT(w.files.files["out/seccomp.json"], Not(HasSubstr("splice")));
  EXPECT_FALSE(w.files.exists("out/layers/runc.json"));
}

TEST(SynthLayer, LeavesTheUsersOwnWithoutTheSettingAndSaysSo) {
  Captured w = world();
  w.files.files[kOwn] = layer({1, 1, 5}, false, "splice");
  EXPECT_EQ(w.run({"synth", "a.json", "-o", "out", "--target", "runc"}), 0);
  EXPECT_THAT(w.output.answer, HasSubstr("lacks this setting of no_new_privs"));
  EXPECT_THAT(w.files.files["out/seccomp.json"], Not(HasSubstr("splice")));
}

TEST(SynthLayer, ObeysTheNamedFileOfAnotherVersionAndWarns) {
  Captured w = world();
  w.files.files[kOwn] = layer({1, 1, 5}, true, "tee");
  w.files.files["mine.json"] = layer({1, 2, 0}, true, "splice");
  EXPECT_EQ(w.run({"synth", "a.json", "-o", "out", "--target", "runc",
                   "--layer", "mine.json"}),
            0);
  EXPECT_THAT(w.output.answer, HasSubstr("medium: mine.json"));
  EXPECT_THAT(w.files.files["out/seccomp.json"], HasSubstr("splice"));
  EXPECT_THAT(w.files.files["out/seccomp.json"], Not(HasSubstr("tee")));
}

TEST(SynthLayer, RefusesANamedFileOfAnotherRuntime) {
  Captured w = world();
  w.files.files["mine.json"] = layer({1, 1, 5}, true, "splice");
  EXPECT_EQ(w.run({"synth", "a.json", "-o", "out", "--target", "crun",
                   "--layer", "mine.json"}),
            2);
  EXPECT_THAT(w.output.error, HasSubstr("no calibration of crun"));
  EXPECT_FALSE(w.files.exists("out/bundle.yaml"));
}

TEST(SynthLayer, RefusesABrokenOneOfTheUser) {
  Captured w = world();
  w.files.files[kOwn] = "{}";
  EXPECT_EQ(w.run({"synth", "a.json", "-o", "out", "--target", "runc"}), 2);
  EXPECT_THAT(w.output.error, HasSubstr(kOwn));
  EXPECT_THAT(w.output.error, HasSubstr("calibrate again"));
}

TEST(SynthLayer, HasNoneForAPlainProcess) {
  Captured w = world();
  w.files.files["/home/a/.config/vambrace/layers/process.json"] = "{}";
  EXPECT_EQ(w.run({"synth", "a.json", "-o", "out", "--target", "process"}), 0);
}

}  // namespace
}  // namespace vambrace::cli
