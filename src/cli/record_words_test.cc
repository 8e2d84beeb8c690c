#include "cli/record_words.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/captured.h"

namespace vambrace::cli {
namespace {

using testing::HasSubstr;

struct Asked {
  RecordWords words;
  std::string error;
};

Asked ask(std::vector<std::string> words) {
  words.insert(words.end(), {"--", "true"});
  Captured world;
  world.files.files["kept/old.json"] = "{}";
  Environment environment{
      .files = world.files, .output = world.output, .now = {}, .variables = {}};
  Asked asked;
  if (const auto parsed = asked.words.parse(environment, words); !parsed) {
    asked.error = parsed.error().message();
  }
  return asked;
}

TEST(RecordWords, TakeSizesThatTheKernelTakes) {
  const Asked asked = ask({"--max-facts", "8", "--ring-bytes", "8192"});
  EXPECT_EQ(asked.error, "");
  EXPECT_EQ(asked.words.options.max_facts, 8U);
  EXPECT_EQ(asked.words.options.ring_bytes, 8192U);
  EXPECT_EQ(asked.words.options.max_tasks, 0U);
}

TEST(RecordWords, RefuseOtherSizesWithWhatIsAllowed) {
  for (const char* bytes : {"5000", "0", "4095", "12288", "4294967295"}) {
    EXPECT_THAT(ask({"--ring-bytes", bytes}).error,
                HasSubstr("not a power of two within 4096 to 1073741824"))
        << bytes;
  }
  EXPECT_EQ(ask({"--max-facts", "0"}).error,
            "--max-facts: 0 is not within 1 to 16777216");
  EXPECT_THAT(ask({"--max-tasks", "0"}).error, HasSubstr("1 to 4194304"));
  EXPECT_THAT(ask({"--max-images", "1"}).error, HasSubstr("2 to 65536"));
}

TEST(RecordWords, RefuseAnIdentityThatIsNone) {
  EXPECT_EQ(ask({"--id", "spiffe://local/web"}).words.options.workload_id,
            "spiffe://local/web");
  EXPECT_THAT(ask({"--id", "a b"}).error, HasSubstr("--id: \"a b\" is no"));
  EXPECT_THAT(ask({"--id", ""}).error, HasSubstr("is empty"));
}

TEST(RecordWords, WriteToAFolderOfEvidenceUnlessTold) {
  EXPECT_EQ(ask({}).words.output, "evidence/");
  EXPECT_EQ(ask({"-o", "e.json"}).words.output, "e.json");
}

TEST(RecordWords, TakeAFolderThatIsThereWithAndWithoutItsSlash) {
  EXPECT_EQ(ask({"-o", "kept"}).words.output, "kept/");
  EXPECT_EQ(ask({"-o", "kept/"}).words.output, "kept/");
  EXPECT_EQ(ask({"-o", "kept", "--resume"}).words.output, "kept/");
  EXPECT_EQ(ask({"-o", "new/"}).words.output, "new/");
  EXPECT_EQ(ask({"-o", "kept/old.json"}).words.output, "kept/old.json");
}

}  // namespace
}  // namespace vambrace::cli
