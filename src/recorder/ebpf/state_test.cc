#include "recorder/ebpf/state.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

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
  EXPECT_THAT(refusal("schema", "vambrace.recording/v1"),
              HasSubstr("vambrace.recording/v1"));
  EXPECT_THAT(refusal("recorder", 1ULL << 32), HasSubstr("not a pid"));
  EXPECT_THAT(refusal("main_pid", ~0ULL), HasSubstr("not a pid"));
  EXPECT_THAT(refusal("newer", 1), HasSubstr("unknown key"));
}

TEST(Recordings, AreNamedWhereOneMustBeChosen) {
  const std::vector<Known> two = {
      {.id = "aa11", .about = "web, command since noon"},
      {.id = "ab22", .about = "db, pid 7 since noon"}};
  EXPECT_EQ(pick_recording({two[0]}, "")->id, "aa11");
  EXPECT_EQ(pick_recording(two, "ab")->id, "ab22");
  for (const char* id : {"", "a", "c"}) {
    const auto none = pick_recording(two, id);
    ASSERT_FALSE(none) << id;
    EXPECT_THAT(none.error().hint(), HasSubstr("aa11 (web, command"));
    EXPECT_THAT(none.error().hint(), HasSubstr("ab22 (db, pid 7"));
  }
  EXPECT_THAT(pick_recording({}, "").error().message(),
              HasSubstr("no recording is going on"));
}

TEST(Recordings, AreDescribedByWhatTheyWatchAndSinceWhen) {
  State state = example();
  state.frame.recording.scope = "pid 7";
  EXPECT_EQ(describe(state).about,
            "spiffe://local/web, pid 7 since 1970-01-01T00:00:01.000000Z");
  state.frame.workload.id.clear();
  state.workloads = {"nginx", "redis"};
  EXPECT_THAT(describe(state).about, HasSubstr("nginx and redis, "));
}

TEST(Recordings, AreLeftOverWhereTheirRecorderIsGoneOrItsPidIsUsedAgain) {
  State state = example();
  state.recorder = ::getpid();
  state.recorder_start = *start_of(::getpid());
  EXPECT_EQ(describe(state).standing, Standing::Runs);
  ++state.recorder_start;
  EXPECT_EQ(describe(state).standing, Standing::LeftOver);
  state.recorder = 0;
  EXPECT_EQ(describe(state).standing, Standing::LeftOver);
}

// A place of its own, removed at the end.
class PinFolder : public testing::Test {
 protected:
  PinFolder() : place_(std::filesystem::temp_directory_path() / "pins.XXXXXX") {
    CHECK(::mkdtemp(place_.data()) != nullptr);
  }
  ~PinFolder() override { std::filesystem::remove_all(place_); }

  std::string path() const { return place_ + "/vambrace"; }
  std::string refusal() const {
    const auto owned = own_folder(path());
    return owned ? "accepted" : owned.error().message();
  }

 private:
  std::string place_;
};

TEST_F(PinFolder, IsMadeForItsOwnerAloneAndFoundAgain) {
  EXPECT_EQ(refusal(), "accepted");
  EXPECT_EQ(std::filesystem::status(path()).permissions(),
            std::filesystem::perms::owner_all);
  EXPECT_EQ(refusal(), "accepted");
}

TEST_F(PinFolder, ThatOthersMayWriteToIsRefused) {
  std::filesystem::create_directory(path());
  std::filesystem::permissions(path(), std::filesystem::perms::all);
  EXPECT_THAT(refusal(), HasSubstr("has mode 0777"));
}

TEST_F(PinFolder, OfAnotherUserIsRefused) {
  if (::geteuid() != 0) {
    GTEST_SKIP() << "only root can give a folder away";
  }
  std::filesystem::create_directory(path());
  std::filesystem::permissions(path(), std::filesystem::perms::owner_all);
  ASSERT_EQ(::chown(path().c_str(), 65534, 65534), 0);
  EXPECT_THAT(refusal(), HasSubstr("belongs to user 65534"));
}

TEST_F(PinFolder, BehindALinkIsRefused) {
  std::filesystem::create_directory_symlink("/", path());
  EXPECT_THAT(refusal(), HasSubstr("is not a folder"));
}

}  // namespace
}  // namespace vambrace::recorder::ebpf
