#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/json.h"
#include "cli/record_words.h"

namespace vambrace::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

evidence::Evidence evidence_of(const std::string& id) {
  evidence::Evidence out;
  out.workload.id = id;
  out.recordings.emplace_back().id = "0123456789abcdef";
  return out;
}

TEST(RecordSummary, QuotesNamesThatWouldActOnATerminal) {
  auto evidence = evidence_of("spiffe://local/\n\033[31m");
  evidence.recordings[0].verdict = {evidence::State::Incomplete,
                                    {{"path_truncated", "/a\033b"}}};
  evidence::Process& process = evidence.processes.emplace_back();
  process.key.exe = "/bin/\033c";
  const std::string text =
      summary_text({evidence}, {"\033d.json"}, std::nullopt);
  EXPECT_THAT(text, Not(HasSubstr("\033")));
  EXPECT_THAT(text, HasSubstr("\\x1bc"));
}

TEST(RecordSummary, NamesRecordingsThatWereLeftAndHowToEndThem) {
  using recorder::ebpf::Standing;
  EXPECT_EQ(
      left_over_text(
          {{.id = "aaaabbbbcc",
            .about = "\033a",
            .standing = Standing::LeftOver},
           {.id = "ccccddddee", .about = "web", .standing = Standing::Runs},
           {.id = "eeeeffff00", .about = "new"}}),
      "note: recording aaaabbbb (\\x1ba) was left by a recorder that is gone "
      "and still slows every system call; end it: vambrace stop aaaabbbb\n");
}

TEST(RecordSummary, SaysThatNothingWasSeenOfTheWorkload) {
  auto evidence = evidence_of("spiffe://local/nosuchserver");
  evidence::Process& process = evidence.processes.emplace_back();
  process.key = {.exe = "/bin/nginx", .origin = evidence::Origin::Harness};
  process.syscalls.emplace_back();
  std::string text = summary_text({evidence}, {"e.json"}, std::nullopt);
  EXPECT_THAT(text, HasSubstr("nothing was seen of the workload"));
  EXPECT_THAT(text, HasSubstr("harness  nginx"));
  EXPECT_THAT(text, HasSubstr("--workload NAME"));
  EXPECT_THAT(text, Not(HasSubstr("next: ")));

  evidence.processes[0].key.origin = evidence::Origin::App;
  text = summary_text({evidence}, {"e.json"}, std::nullopt);
  EXPECT_THAT(text, Not(HasSubstr("nothing was seen")));
  EXPECT_THAT(text, HasSubstr("next: vambrace synth e.json"));
}

TEST(RecordSummary, CountsCapabilitiesThatAreNeededAndNamesNoiseApart) {
  auto evidence = evidence_of("spiffe://local/web");
  evidence::Process& process = evidence.processes.emplace_back();
  const evidence::By by = {{"0123456789abcdef", {.count = 2}}};
  process.capabilities = {
      {.number = 0, .functions = {"chown_ok"}, .by = by},
      {.number = 21, .functions = {"__vm_enough_memory"}, .by = by}};
  const std::string text = summary_text({evidence}, {"e.json"}, std::nullopt);
  EXPECT_THAT(
      text,
      HasSubstr("0 system calls (0 made, 0 refused), 1 capability needed"));
  EXPECT_THAT(text,
              HasSubstr("noise    CAP_SYS_ADMIN: memory overcommit check"));
}

TEST(RecordSummary, CountsTheFilesOfTheWorkloadOnceEach) {
  auto evidence = evidence_of("spiffe://local/web");
  const evidence::By by = {{"0123456789abcdef", {.count = 2}}};
  for (const auto origin : {evidence::Origin::App, evidence::Origin::Helper,
                            evidence::Origin::Harness}) {
    evidence::Process& process = evidence.processes.emplace_back();
    process.key.origin = origin;
    process.files = {{.path = "/x", .access = "r", .by = by},
                     {.path = "/x", .access = "rw", .by = by}};
  }
  evidence.processes.back().files[0].path = "/driver";
  EXPECT_THAT(summary_text({evidence}, {"e.json"}, std::nullopt),
              HasSubstr(", 1 file\n"));
}

TEST(RecordSummary, NamesTheWayOutOfEachKindOfGapOnce) {
  auto evidence = evidence_of("spiffe://local/web");
  evidence.recordings[0].verdict = {
      evidence::State::Filtered,
      {{"filter_active", "/bin/a"}, {"filter_active", "/bin/b"}}};
  const std::string text = summary_text({evidence}, {"e.json"}, std::nullopt);
  EXPECT_THAT(text, HasSubstr("to do    filter_active: record without"));
  EXPECT_THAT(text, HasSubstr("seccomp=unconfined"));
  EXPECT_THAT(text, HasSubstr("synth --heal"));
  EXPECT_EQ(text.find("to do", text.find("to do") + 1), std::string::npos);
}

TEST(RecordSummary, TellsATerminalThatItWaits) {
  EXPECT_THAT(progress_line({.waiting = true}, {}),
              HasSubstr("for the first process of the cgroup"));
  EXPECT_THAT(progress_line({}, {}), HasSubstr("0 facts"));
}

TEST(RecordSummary, AnswersInJsonWhateverTheBytesOfNames) {
  auto evidence = evidence_of("\xff\xfe");
  evidence.recordings[0].verdict = {evidence::State::Incomplete,
                                    {{"path_truncated", "\xff"}}};
  const std::string text = summary_json({evidence}, {"j\xff.json"}, 0,
                                        {.asked = true, .lost = {"\xff"}});
  EXPECT_TRUE(json::parse(text).has_value());
  EXPECT_THAT(text, HasSubstr("j\\\\xff.json"));
}

}  // namespace
}  // namespace vambrace::cli
