#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/captured.h"
#include "evidence/json.h"
#include "evidence/merge.h"

namespace vambrace::cli {
namespace {

using testing::HasSubstr;

constexpr const char* kFirst = "00000000000000000000000000000001";
constexpr const char* kSecond = "00000000000000000000000000000002";

std::string file(const std::string& id, std::uint32_t nr,
                 std::vector<evidence::Gap> gaps = {}) {
  evidence::Evidence out;
  out.workload.id = "spiffe://local/web";
  evidence::Recording recording;
  recording.id = id;
  recording.scope = "command";
  recording.verdict = evidence::judge(std::move(gaps));
  out.recordings = {recording};
  evidence::Process process;
  process.key.exe = "/bin/web\x1b[31m";
  process.syscalls = {{.syscall = {kernel::Arch::X86_64, nr},
                       .by = {{id, {.count = 7, .phases = {{"serving", 7}}}}}}};
  out.processes = {process};
  return evidence::print(out);
}

Captured world() {
  Captured out;
  out.files.files["a.json"] = file(kFirst, 0);
  out.files.files["b.json"] = file(kSecond, 1, {{"map_full", "syscalls"}});
  return out;
}

TEST(WrongKind, OfFileIsNamedWithTheCommandThatTakesIt) {
  Captured w = world();
  EXPECT_EQ(w.run({"synth", "a.json", "-o", "out"}), 0) << w.output.error;
  const auto refused = [&](std::vector<std::string> words) {
    w.output = {};
    EXPECT_EQ(w.run(words), 2);
    return w.output.error;
  };
  EXPECT_THAT(refused({"replay", "a.json"}),
              HasSubstr("a.json is evidence, not a bundle"));
  EXPECT_THAT(w.output.error, HasSubstr("vambrace synth FILE -o DIR"));
  for (const char* command : {"run", "verify", "attest"}) {
    std::vector<std::string> words = {command, "a.json"};
    const std::vector<std::string> rest =
        words[0] == "attest" ? std::vector<std::string>{"--pid", "1"}
                             : std::vector<std::string>{"--", "true"};
    words.insert(words.end(), rest.begin(), rest.end());
    EXPECT_THAT(refused(words), HasSubstr("a.json is evidence, not a bundle"));
  }
  EXPECT_THAT(refused({"lint", "out/evidence"}),
              HasSubstr("is a folder, not a seccomp profile"));
  EXPECT_THAT(refused({"explain", "out/policy.json", "read"}),
              HasSubstr("is the policy of a bundle, not a bundle"));
  EXPECT_THAT(refused({"evidence", "show", "out/policy.json"}),
              HasSubstr("is the policy of a bundle, not evidence"));
  EXPECT_THAT(refused({"evidence", "check", "out/seccomp.json"}),
              HasSubstr("is a seccomp profile, not evidence"));
  EXPECT_THAT(refused({"evidence", "show", "out/bundle.yaml"}),
              HasSubstr("is the manifest of a bundle, not evidence"));
  EXPECT_THAT(refused({"evidence", "show", "out"}),
              HasSubstr("out is a bundle, not evidence"));
  EXPECT_THAT(refused({"synth", "out/evidence", "-o", "two"}),
              HasSubstr("is a folder, not evidence"));
  EXPECT_THAT(refused({"lint", "a.json"}),
              HasSubstr("a.json is evidence, not a seccomp profile"));
}

TEST(EvidenceCommands, ShowNamesCallsCountsAndPhases) {
  Captured w = world();
  EXPECT_EQ(w.run({"evidence", "show", "a.json", "b.json"}), 0);
  EXPECT_THAT(w.output.answer, HasSubstr("spiffe://local/web"));
  EXPECT_THAT(w.output.answer, HasSubstr("incomplete"));
  EXPECT_THAT(w.output.answer, HasSubstr("gap map_full: syscalls"));
  EXPECT_THAT(w.output.answer, HasSubstr("write"));
  EXPECT_THAT(w.output.answer, HasSubstr("serving 7"));
  // No byte of the evidence reaches the terminal as a control sequence.
  EXPECT_EQ(w.output.answer.find('\x1b'), std::string::npos);
}

TEST(EvidenceCommands, ShowCountsFilesAndListsThemWhenAsked) {
  Captured w = world();
  auto evidence = evidence::parse(w.files.files["a.json"]).value();
  const auto by = evidence.processes[0].syscalls[0].by;
  evidence.processes[0].files = {
      {.path = "/a\x1b[31m", .access = "r", .by = by},
      {.path = "/b", .access = "acr", .owner = true, .by = by}};
  w.files.files["a.json"] = evidence::print(evidence);
  EXPECT_EQ(w.run({"evidence", "show", "a.json"}), 0);
  EXPECT_THAT(w.output.answer, HasSubstr("accesses 2 files"));
  EXPECT_EQ(w.run({"evidence", "show", "--files", "a.json"}), 0);
  EXPECT_THAT(w.output.answer, HasSubstr("file /b acr own: "));
  EXPECT_EQ(w.output.answer.find('\x1b'), std::string::npos);
}

TEST(EvidenceCommands, CheckRefusesIncompleteEvidenceAndSaysWhatToDo) {
  Captured w = world();
  EXPECT_EQ(w.run({"evidence", "check", "a.json"}), 0);
  EXPECT_EQ(w.run({"evidence", "check", "a.json", "b.json"}), 3);
  EXPECT_THAT(w.output.answer, HasSubstr("b.json: incomplete"));
  EXPECT_THAT(w.output.answer, HasSubstr("map_full: syscalls (to do: record"));
}

TEST(EvidenceCommands, MergeWritesTheUnion) {
  Captured w = world();
  EXPECT_EQ(w.run({"evidence", "merge", "a.json", "b.json", "-o", "c.json"}),
            0);
  const auto both = evidence::parse(w.files.files["c.json"]);
  ASSERT_TRUE(both);
  EXPECT_EQ(both->recordings.size(), 2U);
  EXPECT_EQ(w.run({"evidence", "merge", "c.json", "a.json", "-o", "d.json"}),
            0);
  EXPECT_EQ(w.files.files["d.json"], w.files.files["c.json"]);
}

TEST(EvidenceCommands, MergeWritesNothingWhereTheFilesDisagree) {
  Captured w = world();
  w.files.files["x.json"] = file(kFirst, 2);
  EXPECT_EQ(w.run({"evidence", "merge", "a.json", "x.json", "-o", "c.json"}),
            2);
  EXPECT_FALSE(w.files.files.contains("c.json"));
  EXPECT_THAT(w.output.error, HasSubstr("x.json"));
}

TEST(EvidenceCommands, CompactLeavesOneRecording) {
  Captured w = world();
  EXPECT_EQ(w.run({"evidence", "compact", "a.json", "b.json", "-o", "c.json"}),
            0);
  const auto one = evidence::parse(w.files.files["c.json"]);
  ASSERT_TRUE(one);
  EXPECT_EQ(one->recordings.size(), 1U);
  EXPECT_EQ(w.run({"evidence", "merge", "c.json", "a.json"}), 2);
}

TEST(EvidenceCommands, DiffListsBehaviorOfOneSideOnly) {
  Captured w = world();
  EXPECT_EQ(w.run({"evidence", "diff", "a.json", "a.json"}), 0);
  EXPECT_EQ(w.run({"evidence", "diff", "a.json", "b.json"}), 1);
  EXPECT_THAT(w.output.answer, HasSubstr("(app): syscall x86_64 read"));
  EXPECT_THAT(w.output.answer, HasSubstr("+ /bin/web"));
  // The same calls in another recording are no difference.
  w.files.files["c.json"] = file(kSecond, 0);
  EXPECT_EQ(w.run({"evidence", "diff", "a.json", "c.json"}), 0);
}

TEST(EvidenceCommands, NameTheFileThatIsNoEvidence) {
  Captured w = world();
  w.files.files["x.json"] = "{}";
  EXPECT_EQ(w.run({"evidence", "check", "x.json"}), 2);
  EXPECT_THAT(w.output.error, HasSubstr("x.json"));
  EXPECT_EQ(w.run({"evidence", "show", "none.json"}), 2);
}

}  // namespace
}  // namespace vambrace::cli
