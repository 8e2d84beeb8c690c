#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/json.h"
#include "cli/captured.h"
#include "evidence/json.h"
#include "policy/samples.h"

namespace vambrace::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

// A bundle in memory, "b".
struct LoadedBundle : Captured {
  LoadedBundle() {
    constexpr const char* kRecording = "0123456789abcdef0123456789abcdef";
    const evidence::By by = policy::sample::seen(3, "serving", kRecording);
    evidence::Process process =
        policy::sample::process({policy::sample::fact("read")});
    process.syscalls[0].by = by;
    process.files = {policy::sample::file("/etc/app.conf", "r", by)};
    files.files["e.json"] =
        evidence::print(policy::sample::evidence_of({process}, kRecording));
    EXPECT_EQ(run({"synth", "e.json", "-o", "b"}), 0) << output.error;
  }
  std::string& profile() { return files.files["b/apparmor.profile"]; }
  // The exit code for the words, without the kernel. Of what is not refused
  // it depends on the machine, which may have no apparmor_parser.
  int load(const std::string& what) {
    output.error.clear();
    return run({"apparmor", "load", what, "--dry-run"});
  }
};

TEST(ApparmorLoad, RefusesAnEditedProfileAsRunDoes) {
  LoadedBundle w;
  EXPECT_NE(w.load("b"), 3) << w.output.error;
  w.profile() += "profile more { }\n";
  EXPECT_EQ(w.load("b"), 3);
  EXPECT_THAT(w.output.error,
              HasSubstr("b/apparmor.profile is not what policy.json renders "
                        "to: it was edited"));
  EXPECT_THAT(w.output.error, HasSubstr("vambrace synth -o b renders it anew"));
}

TEST(ApparmorLoad, TakesCommentsAndLooksAtNoOtherFile) {
  LoadedBundle w;
  w.profile() += "# reviewed in June\n";
  w.files.files["b/docker.args"] += "--privileged\n";
  EXPECT_NE(w.load("b"), 3) << w.output.error;
}

TEST(ApparmorLoad, RefusesAFileWhoseNameHoldsAnotherHash) {
  LoadedBundle w;
  w.files.files["one"] = w.profile();
  EXPECT_NE(w.load("one"), 3) << w.output.error;
  w.files.files["one"] += "profile more { }\n";
  EXPECT_EQ(w.load("one"), 3);
  EXPECT_THAT(w.output.error, HasSubstr("one is not what its name holds"));
  w.files.files["dir/apparmor.profile"] = w.files.files["one"];
  EXPECT_EQ(w.load("dir"), 3);
}

TEST(ExplainEdited, SaysThatTheAnswerIsNotOfTheFile) {
  LoadedBundle w;
  const auto asked = [&](std::vector<std::string> words) {
    words.insert(words.begin(), {"explain", "b"});
    w.output.answer.clear();
    EXPECT_EQ(w.run(words), 0) << w.output.error;
    return w.output.answer;
  };
  EXPECT_THAT(asked({"/etc/shadow", "r"}), Not(HasSubstr("is not what")));
  w.profile() += "profile more { }\n";
  const std::string said =
      "b/apparmor.profile is not what policy.json renders to: it was edited, "
      "or another version of vambrace wrote it; taken is what policy.json "
      "renders to";
  EXPECT_THAT(asked({"/etc/shadow", "r"}),
              HasSubstr("note: " + said + "\n  vambrace synth -o b renders"));
  EXPECT_THAT(asked({"container"}), HasSubstr("note: " + said));
  for (const char* what : {"container", "read"}) {
    const auto json = json::parse(asked({what, "--json"}));
    ASSERT_TRUE(json);
    EXPECT_EQ((*json)["findings"], json::Value::array({said}));
  }
  w.files.files["b/seccomp.json"] += "\n";
  EXPECT_THAT(asked({"read"}),
              HasSubstr("b/seccomp.json is not what policy.json renders to: "
                        "it was edited, or another version of vambrace wrote "
                        "it; it is taken as it is"));
}

TEST(ExplainFile, WithoutAnAccessItDependsOnThat) {
  LoadedBundle w;
  EXPECT_EQ(w.run({"explain", "b", "/etc/app.conf"}), 0) << w.output.error;
  EXPECT_THAT(w.output.answer,
              HasSubstr(": depends on the access\n  allowed if the access is "
                        "r\n"));
}

TEST(InterruptedSynth, IsToldWhileItsFilesLieThereAndGoneWithTheNext) {
  LoadedBundle w;
  const std::string left = "b/.seccomp.json.vambrace-Ab12Cd";
  w.files.files[left] = "{";
  const auto said = [&](std::vector<std::string> words, int exit) {
    w.output.answer.clear();
    w.output.error.clear();
    EXPECT_EQ(w.run(words), exit) << w.output.error;
    return w.output.answer + w.output.error;
  };
  EXPECT_THAT(said({"lint", "b"}, 1),
              HasSubstr(".seccomp.json.vambrace-Ab12Cd: a synth that was "
                        "interrupted left it"));
  EXPECT_THAT(said({"replay", "b"}, 1),
              HasSubstr(left + " was left by a synth that was interrupted"));
  w.profile() += "profile more { }\n";
  const std::string hint =
      "synth was interrupted: run vambrace synth -o b again";
  EXPECT_THAT(said({"replay", "b"}, 1), HasSubstr(hint));
  EXPECT_THAT(said({"apparmor", "load", "b", "--dry-run"}, 3), HasSubstr(hint));
  w.files.files["b/notes.txt"] = "mine";
  EXPECT_THAT(said({"synth", "-o", "b"}, 0), Not(HasSubstr("interrupted")));
  EXPECT_FALSE(w.files.exists(left));
  EXPECT_TRUE(w.files.exists("b/notes.txt"));
  EXPECT_THAT(said({"replay", "b"}, 0), Not(HasSubstr("interrupted")));
}

TEST(InterruptedSynth, SaysWhichEvidenceItDidNotKeep) {
  LoadedBundle w;
  const std::string left = "b/evidence/.1.json.vambrace-Ab12Cd";
  w.files.files[left] = "not read";
  const auto said = [&](std::vector<std::string> words) {
    w.output.answer.clear();
    EXPECT_EQ(w.run(words), 0) << w.output.error;
    return w.output.answer;
  };
  EXPECT_THAT(said({"synth", "-o", "b"}),
              HasSubstr("synth was interrupted before 1 evidence file was in "
                        "the bundle: recordings that it was given may be "
                        "missing"));
  EXPECT_FALSE(w.files.exists(left));
  EXPECT_THAT(said({"synth", "-o", "b"}), Not(HasSubstr("interrupted")));
  w.files.files[left] = "not read";
  EXPECT_THAT(said({"synth", "e.json", "-o", "b"}),
              Not(HasSubstr("interrupted")));
}

}  // namespace
}  // namespace vambrace::cli
