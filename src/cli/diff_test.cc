#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/json.h"
#include "cli/captured.h"
#include "evidence/json.h"
#include "policy/samples.h"

namespace vambrace::cli {
namespace {

using policy::sample::fact;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

// Two bundles in memory, "a" and "b", made of one recording.
struct Bundles : Captured {
  Bundles() {
    evidence::Process process = policy::sample::process(
        {fact("read"), fact("kill"), fact("socket", {{2, 1, 0}})});
    for (evidence::SyscallFact& one : process.syscalls) {
      one.by = seen();
    }
    process.files = {policy::sample::file("/etc/app.conf", "r", seen()),
                     policy::sample::file("/srv/data/x", "cw", seen())};
    evidence = policy::sample::evidence_of({process}, kRecording);
    make("a");
    make("b");
  }
  static evidence::By seen() {
    return policy::sample::seen(3, "serving", kRecording);
  }
  void make(const std::string& folder) {
    files.files["e.json"] = evidence::print(evidence);
    answer({"synth", "e.json", "-o", folder, "--target", "docker"}, 0);
  }
  // Fills a list of bundle.yaml that is empty, and renders anew.
  void set(const std::string& folder, const std::string& key,
           const std::string& value) {
    std::string& yaml = files.files[folder + "/bundle.yaml"];
    const std::string empty = key + ": []";
    const std::size_t at = yaml.find(empty);
    ASSERT_NE(at, std::string::npos) << yaml;
    yaml.replace(at, empty.size(), key + ": [" + value + "]");
    answer({"synth", "-o", folder}, 0);
  }
  // The answer; `code` is what the exit code must be.
  std::string answer(const std::vector<std::string>& words, int code) {
    output.answer.clear();
    output.error.clear();
    EXPECT_EQ(run(words), code) << output.answer << output.error;
    return output.answer;
  }
  std::string diff(int code) { return answer({"diff", "a", "b"}, code); }

  static constexpr const char* kRecording = "0123456789abcdef0123456789abcdef";
  evidence::Evidence evidence;
};

TEST(Diff, OneAndTheSameRecordingMakesTheSame) {
  Bundles w;
  EXPECT_EQ(w.diff(0), "a and b permit the same\n");
}

TEST(Diff, NamesSignalsAndSockets) {
  Bundles w;
  w.set("b", "decisions",
        "{what: signal kill, choice: add, who: ann, why: so}, "
        "{what: network netlink raw, choice: add, who: ann, why: so}");
  const std::string text = w.diff(1);
  EXPECT_THAT(text, HasSubstr("+ network netlink raw\n"));
  EXPECT_THAT(text, HasSubstr("+ signal (send) set=(kill) peer=\"profile\"\n"));
  EXPECT_THAT(text, Not(HasSubstr("\n-")));
}

TEST(Diff, NamesTheUserAndFolders) {
  Bundles w;
  w.evidence.processes[0].files.pop_back();
  w.make("b");
  const std::string text = w.diff(1);
  EXPECT_THAT(text, HasSubstr("- folder /srv/data: in memory"));
  EXPECT_THAT(text, HasSubstr("- file /srv/data/x w\n"));
  w.set("a", "volumes", "/srv/data");
  EXPECT_THAT(w.diff(1), HasSubstr("- folder /srv/data: a mount"));
}

TEST(Diff, AProfileThatOnlyComplainsPermitsMore) {
  Bundles w;
  w.evidence.processes[0].files.push_back(
      policy::sample::file("/etc/more", "r", Bundles::seen()));
  w.make("b");
  w.answer({"synth", "-o", "a", "--stage", "observe"}, 0);
  const std::string text = w.diff(1);
  EXPECT_THAT(text, HasSubstr("- apparmor: permits and logs"));
  EXPECT_THAT(text, HasSubstr("- root: writable"));
  EXPECT_THAT(text, HasSubstr("~ file /etc/more r: in the rules of b alone"));
}

TEST(Diff, SaysWhichFilesWereEditedAndWhatWasCompared) {
  Bundles w;
  w.files.files["b/apparmor.profile"] += "profile more { }\n";
  const std::string edited =
      "b/apparmor.profile is not what policy.json renders to: it was edited, "
      "or another version of vambrace wrote it; taken is what policy.json "
      "renders to";
  EXPECT_EQ(w.diff(1), "finding: " + edited +
                           "\n  vambrace synth -o b renders it anew; "
                           "decisions in bundle.yaml change what it grants\n"
                           "what was compared permits the same\n");
  const auto json = json::parse(w.answer({"diff", "a", "b", "--json"}, 1));
  ASSERT_TRUE(json);
  EXPECT_EQ((*json)["findings"], json::Value::array({edited}));
  EXPECT_EQ((*json)["container_compared"], true);
  EXPECT_EQ((*json)["container"], json::Value::array());
  w.make("b");
  w.files.files["b/docker.args"] += "--privileged\n";
  EXPECT_THAT(w.diff(1), AllOf(HasSubstr("b/docker.args is not"),
                               HasSubstr("taken is what policy.json")));
  w.make("b");
  w.files.files["b/seccomp.json"] += "\n";
  EXPECT_THAT(w.diff(1), AllOf(HasSubstr("b/seccomp.json is not"),
                               HasSubstr("it is taken as it is")));
}

TEST(Diff, OfAProfileAloneNothingElseIsCompared) {
  Bundles w;
  EXPECT_THAT(w.answer({"diff", "a", "b/seccomp.json"}, 0),
              HasSubstr("permit the same system calls; nothing else was "
                        "compared"));
  EXPECT_THAT(w.answer({"diff", "a", "b/seccomp.json", "--json"}, 0),
              HasSubstr("\"container_compared\": false"));
}

TEST(Diff, TellsABundleWithoutAProfileFromOneWith) {
  Bundles w;
  w.evidence.processes[0].files.clear();
  w.evidence.recordings[0].probes.clear();
  w.make("b");
  EXPECT_THAT(w.diff(1),
              HasSubstr("+ apparmor: refuses nothing: there is no profile"));
}

}  // namespace
}  // namespace vambrace::cli
