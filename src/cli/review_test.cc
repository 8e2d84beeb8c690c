#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/json.h"
#include "cli/captured.h"
#include "elf/json.h"
#include "evidence/json.h"
#include "evidence/time.h"
#include "policy/samples.h"
#include "repository/bundle.h"

namespace vambrace::cli {
namespace {

using policy::sample::fact;
using testing::HasSubstr;
using testing::Not;

// A bundle in memory, as synth makes it.
struct World : Captured {
  World() {
    at("2026-06-01");
    evidence::Process process = policy::sample::process(
        {fact("read", seen(900)), fact("kill", seen(40)),
         fact("ptrace", seen(9))});
    process.files = {policy::sample::file("/etc/app.conf", "r", seen(3))};
    evidence::Evidence evidence =
        policy::sample::evidence_of({process}, kRecording);
    files.files["e.json"] = evidence::print(evidence);
    EXPECT_EQ(run({"synth", "e.json", "-o", "b", "--target", "process"}), 0)
        << output.error;
  }
  static evidence::By seen(std::uint64_t count) {
    return policy::sample::seen(count, "serving", kRecording);
  }
  void at(const std::string& day) {
    now = evidence::parse_time(day + "T12:00:00.000000Z").value();
  }
  // The answer; `code` is what the exit code must be.
  std::string answer(const std::vector<std::string>& words, int code) {
    output.answer.clear();
    output.error.clear();
    EXPECT_EQ(run(words), code) << output.answer << output.error;
    return output.answer;
  }
  void decide(std::vector<std::string> words) {
    words.insert(words.begin(), {"review", "b"});
    words.insert(words.end(), {"--as", "Ann", "--why", "asked in May"});
    EXPECT_EQ(run(words), 0) << output.error;
  }
  static constexpr const char* kRecording = "0123456789abcdef0123456789abcdef";
};

TEST(ReviewCommand, FailsOnARiskThatNobodyDecidedAbout) {
  World world;
  const std::string text = world.answer({"review", "b"}, 1);
  EXPECT_THAT(text, HasSubstr("seccomp: ptrace"));
  EXPECT_THAT(text, HasSubstr("vambrace review b drop \"syscall ptrace\""));
}

TEST(ReviewCommand, AnEditedLayerBlocksReviewAndLint) {
  for (const char* name :
       {"seccomp.json", "apparmor.profile", "capabilities.json",
        "securitycontext.yaml", "docker.args", "compose.override.yaml"}) {
    World world;
    std::string& text = world.files.files[std::string("b/") + name];
    text += std::string_view(name) == "apparmor.profile"
                ? "profile more { capability sys_admin, }\n"
                : "\n";
    EXPECT_THAT(world.answer({"lint", "b"}, 1),
                HasSubstr(std::string(name) + ": is not what"));
    EXPECT_THAT(world.answer({"review", "b", "--against", "b"}, 1),
                HasSubstr("vambrace synth"))
        << name;
    EXPECT_THAT(world.answer({"review", "b"}, 1), HasSubstr("layer-edited"));
    world.answer({"synth", "-o", "b"}, 0);
    EXPECT_THAT(world.answer({"review", "b"}, 1),
                Not(HasSubstr("layer-edited")));
  }
}

TEST(ReviewCommand, AMissingLayerBlocksReviewAndLint) {
  for (const char* name :
       {"compose.override.yaml", "docker.args", "quadlet.conf",
        "securitycontext.yaml", "systemd.conf"}) {
    World world;
    world.decide({"drop", "syscall ptrace"});
    world.answer({"synth", "-o", "b"}, 0);
    EXPECT_THAT(world.answer({"review", "b"}, 0), Not(HasSubstr("missing")));
    const auto whole = world.files.files;
    ASSERT_EQ(world.files.files.erase(std::string("b/") + name), 1U);
    EXPECT_THAT(world.answer({"review", "b"}, 1),
                HasSubstr(std::string(name) + ": is missing"));
    EXPECT_THAT(world.answer({"lint", "b"}, 1), HasSubstr("layer-missing"));
    for (const auto& [path, bytes] : whole) {
      world.files.files.emplace("before/" + path, bytes);
    }
    EXPECT_THAT(world.answer({"review", "b", "--against", "before/b"}, 1),
                HasSubstr("layer-missing"));
    // What was missing before is known.
    EXPECT_THAT(world.answer({"review", "b", "--against", "b"}, 0),
                Not(HasSubstr("layer-missing")));
    world.answer({"synth", "-o", "b"}, 0);
    EXPECT_THAT(world.answer({"review", "b"}, 0),
                Not(HasSubstr("layer-missing")));
  }
}

TEST(ReviewCommand, HowAProfileIsWrittenIsNoEdit) {
  World world;
  world.answer({"synth", "-o", "b", "--comments"}, 0);
  EXPECT_THAT(world.answer({"review", "b"}, 1), Not(HasSubstr("layer-edited")));
  for (const char* stage : {"observe", "allow", "harden"}) {
    world.answer({"synth", "-o", "b", "--stage", stage}, 0);
    EXPECT_THAT(world.answer({"review", "b", "--json", "--fail-on", "none"}, 0),
                Not(HasSubstr("layer-edited")))
        << stage;
  }
}

TEST(ReviewCommand, SaysWhatLintSaysOfTheProfile) {
  World world;
  evidence::Process process =
      policy::sample::process({fact("read", World::seen(900))});
  process.files = {policy::sample::file("/srv/tool", "rx", World::seen(3)),
                   policy::sample::file("/srv/tool", "w", World::seen(3))};
  world.files.files["e.json"] = evidence::print(
      policy::sample::evidence_of({process}, World::kRecording));
  world.answer({"synth", "e.json", "-o", "c", "--target", "docker"}, 0);
  EXPECT_THAT(world.answer({"lint", "c"}, 1), HasSubstr("apparmor-write-exec"));
  EXPECT_THAT(world.answer({"review", "c"}, 1),
              HasSubstr("apparmor-write-exec"));
}

TEST(ReviewCommand, ADroppedCallIsGoneWithTheNextSynth) {
  World world;
  world.decide({"drop", "syscall", "ptrace"});
  EXPECT_THAT(world.answer({"review", "b"}, 1), HasSubstr("decision-pending"));
  EXPECT_THAT(world.answer({"explain", "b", "ptrace"}, 0),
              HasSubstr("drop\" by Ann: asked in May"));
  world.answer({"synth", "-o", "b"}, 0);
  EXPECT_THAT(world.answer({"review", "b", "--json"}, 0),
              Not(HasSubstr("decision-pending")));
  EXPECT_THAT(world.answer({"explain", "b", "ptrace"}, 0),
              HasSubstr("refused"));
}

TEST(ReviewCommand, AKeptCallIsToldWithItsReason) {
  World world;
  world.decide({"keep", "syscall kill"});
  world.answer({"synth", "-o", "b"}, 0);
  EXPECT_THAT(world.answer({"explain", "b", "kill"}, 0),
              HasSubstr("keep by Ann: asked in May"));
  const json::Value made =
      json::parse(world.answer({"review", "b", "--json"}, 1)).value();
  EXPECT_EQ(made["decisions"][0]["state"], "applied");
}

TEST(ReviewCommand, SynthSaysOfAKeptCallWhatReviewSays) {
  World world;
  EXPECT_THAT(world.answer({"synth", "-o", "b"}, 0),
              HasSubstr("high: seccomp: ptrace"));
  world.decide({"keep", "syscall ptrace"});
  const std::string text = world.answer({"synth", "-o", "b"}, 0);
  EXPECT_THAT(text, Not(HasSubstr("high: seccomp: ptrace")));
  EXPECT_THAT(text, HasSubstr("low: seccomp: ptrace"));
  EXPECT_THAT(text, HasSubstr("; keep by Ann: asked in May\n"));
  EXPECT_THAT(world.answer({"review", "b"}, 0), HasSubstr("keep by Ann"));
  // A decision that is forgotten answers nothing.
  world.answer({"review", "b", "forget", "syscall ptrace"}, 0);
  world.answer({"review", "b"}, 1);
  EXPECT_THAT(world.answer({"synth", "-o", "b"}, 0),
              HasSubstr("high: seccomp: ptrace"));
}

TEST(ReviewCommand, AnExpiredWaiverBlocksReviewAndLint) {
  World world;
  world.decide({"waive", "syscall ptrace", "--until", "2026-12-31"});
  world.answer({"synth", "-o", "b"}, 0);
  world.at("2026-12-31");
  EXPECT_THAT(world.answer({"review", "b"}, 0), HasSubstr("waiver-expiring"));
  world.at("2027-01-01");
  EXPECT_THAT(world.answer({"review", "b"}, 1), HasSubstr("waiver-expired"));
  EXPECT_THAT(world.answer({"lint", "b"}, 1), HasSubstr("waiver-expired"));
  // Though it is no news.
  world.answer({"review", "b", "--against", "b"}, 1);
}

TEST(ReviewCommand, ALaterDecisionTakesThePlaceOfAnEarlierOne) {
  World world;
  world.decide({"drop", "syscall ptrace"});
  world.decide({"keep", "syscall ptrace"});
  const auto manifest =
      repository::parse_manifest(world.files.files["b/bundle.yaml"]).value();
  ASSERT_EQ(manifest.decisions.size(), 1U);
  EXPECT_EQ(manifest.decisions[0].choice, "keep");
  world.answer({"review", "b", "forget", "syscall ptrace"}, 0);
  EXPECT_THAT(world.files.files["b/bundle.yaml"], Not(HasSubstr("ptrace")));
  world.answer({"review", "b", "forget", "syscall ptrace"}, 2);
}

// As the hint of the finding says.
TEST(ReviewCommand, ALaterDecisionAnswersAnExpiredWaiver) {
  for (const char* choice : {"drop", "keep"}) {
    World world;
    world.decide({"waive", "syscall ptrace", "--until", "2026-12-31"});
    world.answer({"synth", "-o", "b"}, 0);
    world.at("2027-01-01");
    EXPECT_THAT(world.answer({"review", "b"}, 1),
                HasSubstr("drop \"syscall ptrace\""));
    world.decide({choice, "syscall ptrace"});
    EXPECT_THAT(world.output.answer,
                HasSubstr("took out: waive until 2026-12-31 by Ann"));
    world.answer({"synth", "-o", "b"}, 0);
    EXPECT_THAT(world.answer({"review", "b"}, 0),
                Not(HasSubstr("waiver-expired")));
    world.run({"lint", "b"});
    EXPECT_THAT(world.output.answer, Not(HasSubstr("waiver-expired")));
  }
}

TEST(ReviewCommand, AKeepLeavesAWaiverThatHolds) {
  World world;
  world.decide({"waive", "syscall ptrace", "--until", "2026-12-31"});
  world.decide({"keep", "syscall ptrace"});
  const auto manifest =
      repository::parse_manifest(world.files.files["b/bundle.yaml"]).value();
  EXPECT_EQ(manifest.waivers.size(), 1U);
  EXPECT_EQ(manifest.decisions.size(), 1U);
}

TEST(ReviewCommand, ForgetTakesOutNoMoreThanIsAsked) {
  World world;
  world.decide({"keep", "syscall ptrace"});
  world.decide({"waive", "syscall ptrace", "--until", "2026-12-31"});
  const std::string both = world.files.files["b/bundle.yaml"];
  world.answer({"review", "b", "forget", "syscall ptrace"}, 2);
  EXPECT_THAT(world.output.error,
              HasSubstr("forget \"waiver syscall ptrace\""));
  EXPECT_EQ(world.files.files["b/bundle.yaml"], both);
  EXPECT_THAT(
      world.answer({"review", "b", "forget", "waiver syscall ptrace"}, 0),
      HasSubstr("took out: waive until 2026-12-31 by Ann: asked in May"));
  EXPECT_THAT(world.answer({"review", "b", "forget", "syscall ptrace"}, 0),
              HasSubstr("took out: keep by Ann: asked in May"));
  EXPECT_THAT(world.files.files["b/bundle.yaml"], Not(HasSubstr("ptrace")));
  world.answer({"review", "b", "forget", "decision syscall ptrace"}, 2);
}

TEST(ReviewCommand, SynthTellsOfAnExpiredWaiver) {
  World world;
  world.decide({"waive", "syscall ptrace", "--until", "2026-12-31"});
  world.at("2027-01-01");
  EXPECT_THAT(world.answer({"synth", "-o", "b"}, 0),
              HasSubstr("waiver \"syscall ptrace\": expired on 2026-12-31"));
  EXPECT_THAT(world.answer({"review", "b"}, 1),
              HasSubstr("next: vambrace review b drop \"syscall ptrace\""));
}

TEST(ReviewCommand, RefusesWhatCannotBeDecided) {
  World world;
  const std::string before = world.files.files["b/bundle.yaml"];
  const auto refused = [&](std::vector<std::string> words) {
    words.insert(words.begin(), {"review", "b"});
    world.answer(words, 2);
    EXPECT_EQ(world.files.files["b/bundle.yaml"], before);
    return world.output.error;
  };
  EXPECT_THAT(refused({"drop", "syscall ptrase", "--as", "A", "--why", "x"}),
              HasSubstr("did you mean ptrace?"));
  EXPECT_THAT(refused({"drop", "syscall ptrace", "--as", "A"}),
              HasSubstr("needs a reason"));
  EXPECT_THAT(refused({"waive", "syscall ptrace", "--as", "A", "--why", "x"}),
              HasSubstr("last day"));
  EXPECT_THAT(refused({"waive", "syscall ptrace", "--as", "A", "--why", "x",
                       "--until", "2026-05-31"}),
              HasSubstr("has passed"));
  for (const auto& [why, who] :
       {std::pair{" ", "A"}, {"x", "  "}, {"\xff", "A"}, {"x", "\xc3("}}) {
    EXPECT_THAT(refused({"drop", "syscall kill", "--as", who, "--why", why}),
                Not(HasSubstr("json")));
  }
  EXPECT_THAT(refused({"drop", "file /a\xff r", "--as", "A", "--why", "x"}),
              HasSubstr("not UTF-8"));
  EXPECT_THAT(refused({"--json", "--format", "sarif"}), HasSubstr("--format"));
  EXPECT_THAT(refused({"allow", "syscall ptrace", "--as", "A", "--why", "x"}),
              HasSubstr("keep, drop, add, waive or forget"));
}

TEST(ReviewCommand, RanksWhatAnAnalysisSaysBesideTheEvidence) {
  World world;
  elf::Reach reach{.program = "/bin/app"};
  const elf::Step main{"/bin/app", "main", 1, elf::Link::Start};
  for (const char* name : {"read", "kill", "tgkill"}) {
    reach.calls.push_back({.syscall = policy::sample::call(name),
                           .chain = {main},
                           .objects = {"/bin/app"}});
  }
  world.files.files["app.reach"] = elf::print_reach(reach);
  const std::string text =
      world.answer({"review", "b", "--reach", "app.reach"}, 1);
  EXPECT_THAT(text, HasSubstr("1. tgkill (direct"));
  EXPECT_THAT(text, HasSubstr("2 seen of 3 that can be made"));
}

TEST(ReviewCommand, AddsWhatOpensNothingNewAtOnce) {
  World world;
  elf::Reach reach{.program = "/bin/app"};
  for (const char* name : {"pread64", "tgkill", "preadv", "preadv2"}) {
    reach.calls.push_back({.syscall = policy::sample::call(name),
                           .chain = {{"/bin/app", "main", 1, elf::Link::Start}},
                           .objects = {"/bin/app"}});
  }
  world.files.files["app.reach"] = elf::print_reach(reach);
  world.decide({"drop", "syscall preadv2"});
  EXPECT_THAT(
      world.answer({"review", "b", "--reach", "app.reach"}, 1),
      HasSubstr(
          "  1. open no more than what is granted: pread64 "
          "(read), preadv (read)\n      vambrace review b add \"what opens "
          "nothing new\" --why"));
  const std::vector<std::string> add = {
      "review", "b",   "--reach", "app.reach", "add", "what opens nothing new",
      "--as",   "Ann", "--why",   "read may"};
  EXPECT_THAT(
      world.answer(add, 0),
      HasSubstr("add \"syscall pread64\", \"syscall preadv\" by Ann\n"));
  EXPECT_THAT(world.answer({"review", "b", "--reach", "app.reach"}, 1),
              HasSubstr("each of them is decided about"));
  world.answer(add, 2);
  EXPECT_THAT(world.output.error, HasSubstr("somebody decided about each"));
  world.answer({"synth", "-o", "b"}, 0);
  EXPECT_THAT(world.files.files["b/policy.json"], HasSubstr("pread64"));
  const std::string text =
      world.answer({"review", "b", "--reach", "app.reach"}, 1);
  EXPECT_THAT(text, HasSubstr("  2. tgkill"));
  EXPECT_THAT(text, Not(HasSubstr("pread64, preadv")));
}

TEST(ReviewCommand, AddsNothingWithoutAReason) {
  World world;
  world.answer({"review", "b", "--reach", "none", "add",
                "what opens nothing new", "--as", "Ann"},
               2);
  EXPECT_THAT(world.output.error, HasSubstr("needs a reason"));
}

TEST(ReviewCommand, AddsNothingWhereWhatCanBeDoneIsUnknown) {
  World world;
  const std::string before = world.files.files["b/bundle.yaml"];
  world.answer({"review", "b", "add", "what", "opens", "nothing", "new", "--as",
                "Ann", "--why", "x"},
               2);
  EXPECT_THAT(world.output.error, HasSubstr("no program of the workload was"));
  for (const char* choice : {"keep", "drop", "forget"}) {
    world.answer({"review", "b", choice, "what opens nothing new", "--as",
                  "Ann", "--why", "x"},
                 2);
    EXPECT_THAT(world.output.error, HasSubstr("names no rule"));
  }
  EXPECT_EQ(world.files.files["b/bundle.yaml"], before);
}

TEST(ReviewCommand, TakesAnAnswerAboutSeveralPrograms) {
  World world;
  elf::Reach reach{.program = "/bin/app"};
  reach.calls.push_back({.syscall = policy::sample::call("tgkill"),
                         .chain = {{"/bin/app", "main", 1, elf::Link::Start}},
                         .objects = {"/bin/app"}});
  elf::Reach other = reach;
  other.program = "/bin/other";
  world.files.files["two.reach"] =
      elf::print_reaches(std::vector{reach, other});
  const std::string text =
      world.answer({"review", "b", "--all", "--reach", "two.reach"}, 1);
  EXPECT_THAT(text, HasSubstr("1. tgkill (direct"));
  EXPECT_THAT(text, HasSubstr("analysis-other"));
  world.files.files["two.reach"].insert(1, "\"x\": 1,");
  world.answer({"review", "b", "--reach", "two.reach"}, 2);
}

TEST(ReviewCommand, AKnownStateStaysGreenAgainstAFolder) {
  World world;
  for (const auto& [name, bytes] : std::map(world.files.files)) {
    if (name.starts_with("b/")) {
      world.files.files["old" + name.substr(1)] = bytes;
    }
  }
  world.answer({"review", "b", "--against", "old"}, 0);
  world.decide({"add", "syscall bpf"});
  world.answer({"synth", "-o", "b"}, 0);
  EXPECT_THAT(
      world.answer({"review", "b", "--against", "old", "--format", "markdown"},
                   1),
      HasSubstr("Allowed now and not before: 1"));
}

}  // namespace
}  // namespace vambrace::cli
