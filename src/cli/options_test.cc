#include "cli/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/captured.h"

namespace vambrace::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// A command that takes one of each kind.
struct Everything {
  bool light = false;
  std::string output = "default";
  std::optional<std::string> user;
  std::vector<std::string> workloads;
  std::string stage = "harden";
  std::uint8_t runs = 3;
  std::string directory;
  std::vector<std::string> files;
  std::vector<std::string> command;
  Error error{ErrorCode::Internal, "none"};

  bool parse(const std::vector<std::string>& words,
             std::vector<OptionSpec>* described = nullptr) {
    Captured world;
    Environment environment{.files = world.files,
                            .output = world.output,
                            .now = {},
                            .variables = {},
                            .described = described};
    Options options;
    options.flag("-l,--light", light, "cheap");
    options.value("-o,--output", "FILE", output, "where to write");
    options.value("--user", "NAME", user, "who");
    options.values("--workload", "EXE", workloads, "what to watch");
    options.choice("--stage", {"observe", "allow", "harden"}, stage, "stage");
    options.number("--runs", "N", runs, "how often");
    options.word("BUNDLE", directory, "the bundle folder");
    options.words("EVIDENCE", files, "evidence files");
    options.command(command, "what to run", false);
    const Result<> result = options.parse(environment, words);
    if (!result) {
      error = result.error();
    }
    return result.has_value();
  }
};

TEST(Options, FillEachKind) {
  Everything e;
  ASSERT_TRUE(e.parse({"-l", "-oout", "dir", "--workload", "a", "b.json",
                       "--workload=c", "--runs", "5", "d.json", "--", "run",
                       "--light", "--"}));
  EXPECT_TRUE(e.light);
  EXPECT_EQ(e.output, "out");
  EXPECT_EQ(e.user, std::nullopt);
  EXPECT_THAT(e.workloads, ElementsAre("a", "c"));
  EXPECT_EQ(e.runs, 5);
  EXPECT_EQ(e.directory, "dir");
  EXPECT_THAT(e.files, ElementsAre("b.json", "d.json"));
  EXPECT_THAT(e.command, ElementsAre("run", "--light", "--"));
}

TEST(Options, KeepDefaultsOfWhatIsNotGiven) {
  Everything e;
  ASSERT_TRUE(e.parse({"dir"}));
  EXPECT_EQ(e.output, "default");
  EXPECT_EQ(e.stage, "harden");
  EXPECT_EQ(e.runs, 3);
}

TEST(Options, OfferTheNearestName) {
  Everything e;
  ASSERT_FALSE(e.parse({"dir", "--ouptut=x"}));
  EXPECT_EQ(e.error.message(),
            "unknown option --ouptut, did you mean --output?");
  ASSERT_FALSE(e.parse({"dir", "--stage", "hardne"}));
  EXPECT_EQ(e.error.message(),
            "--stage: unknown \"hardne\", did you mean \"harden\"?");
}

TEST(Options, RefuseNumbersThatDoNotFit) {
  Everything e;
  ASSERT_FALSE(e.parse({"dir", "--runs", "256"}));
  EXPECT_EQ(e.error.message(), "--runs: 256 is out of range");
  ASSERT_FALSE(e.parse({"dir", "--runs", "3x"}));
  EXPECT_EQ(e.error.message(), "--runs: \"3x\" is not a whole number");
  ASSERT_FALSE(e.parse({"dir", "--runs=-1"}));
}

TEST(Options, RefuseMissingAndDoubleValues) {
  Everything e;
  ASSERT_FALSE(e.parse({"dir", "--output"}));
  EXPECT_THAT(e.error.message(), HasSubstr("--output"));
  ASSERT_FALSE(e.parse({"dir", "--user", "a", "--user", "b"}));
  EXPECT_EQ(e.error.message(), "--user is given twice");
  ASSERT_FALSE(e.parse({}));
  EXPECT_EQ(e.error.message(), "BUNDLE is missing: the bundle folder");
}

TEST(Options, SayWhereACommandGoes) {
  Captured world;
  Environment environment{
      .files = world.files, .output = world.output, .now = {}, .variables = {}};
  std::vector<std::string> command;
  Options first;
  first.command(command, "what to record");
  const std::vector<std::string> bare = {"nginx"};
  EXPECT_THAT(first.parse(environment, bare).error().hint(),
              HasSubstr("-- nginx"));
  Options second;
  second.command(command, "what to record");
  const std::vector<std::string> nothing = {"--"};
  EXPECT_THAT(second.parse(environment, nothing).error().message(),
              HasSubstr("no command"));
}

TEST(Options, RefuseDashesWithoutACommand) {
  Captured world;
  Environment environment{
      .files = world.files, .output = world.output, .now = {}, .variables = {}};
  Options options;
  const std::vector<std::string> words = {"--", "x"};
  EXPECT_EQ(options.parse(environment, words).error().message(),
            "unexpected \"--\"");
}

TEST(Options, AreDescribedWithoutBeingRead) {
  Everything e;
  std::vector<OptionSpec> specs;
  ASSERT_FALSE(e.parse({}, &specs));
  ASSERT_EQ(specs.size(), 9U);
  EXPECT_EQ(specs[1].names, "-o, --output");
  EXPECT_EQ(specs[1].value, "FILE");
  EXPECT_THAT(specs[4].choices, ElementsAre("observe", "allow", "harden"));
  EXPECT_EQ(specs[8].names, "-- COMMAND...");
}

}  // namespace
}  // namespace vambrace::cli
