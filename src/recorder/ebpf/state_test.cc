#include "recorder/ebpf/state.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/json.h"

namespace vambrace::recorder::ebpf {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

State example() {
  State state;
  state.frame.workload.id = "spiffe://local/web";
  state.frame.recording.id = std::string(32, 'a');
  state.frame.recording.start = evidence::Instant(std::chrono::seconds(1));
  state.frame.recording.end = state.frame.recording.start;
  state.frame.gaps = {{"attached_late", "12 s"}};
  state.frame.probe_commands = {"curl -f http://localhost/"};
  state.workloads = {"nginx"};
  state.output = "evidence/";
  state.recorder = 42;
  state.recorder_start = 1234;
  state.main_pid = 43;
  return state;
}

// The printed state with one key changed, read again.
std::string refusal(const char* key, const json::Value& value) {
  json::Value tree = json::parse(print(example())).value();
  tree[key] = value;
  const auto state = parse_state(json::print(tree));
  return state ? "accepted" : state.error().message();
}

TEST(RecordingState, IsReadBackAsItWas) {
  const auto state = parse_state(print(example()));
  ASSERT_TRUE(state) << state.error().message();
  EXPECT_EQ(print(*state), print(example()));
  EXPECT_EQ(state->recorder, 42);
  EXPECT_EQ(state->frame.recording, example().frame.recording);
}

TEST(RecordingState, KeepsPathsOfAnyBytes) {
  State state = example();
  state.output = "out/\xff\n";
  state.workloads = {"a\\b", "caf\xc3\xa9"};
  state.frame.probe_commands = {"\x80"};
  const auto again = parse_state(print(state));
  ASSERT_TRUE(again) << again.error().message();
  EXPECT_EQ(again->output, state.output);
  EXPECT_EQ(again->workloads, state.workloads);
  EXPECT_THAT(again->frame.probe_commands, ElementsAre("\x80"));
}

TEST(RecordingState, RefusesAnotherVersionAndPidsThatAreNone) {
  EXPECT_THAT(refusal("schema", "vambrace.recording/v2"),
              HasSubstr("vambrace.recording/v2"));
  EXPECT_THAT(refusal("recorder", 1ULL << 32), HasSubstr("not a pid"));
  EXPECT_THAT(refusal("main_pid", ~0ULL), HasSubstr("not a pid"));
  EXPECT_THAT(refusal("newer", 1), HasSubstr("unknown key"));
}

}  // namespace
}  // namespace vambrace::recorder::ebpf
