#include "elf/asked_root.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "elf/memory_root.h"

namespace vambrace::elf {
namespace {

using What = Question::What;

MemoryRoot some_files() {
  MemoryRoot root;
  root.files = {{"/lib/a.so", "one"}, {"/lib/b.so", "two"}};
  root.links = {{"/a.so", "/lib/a.so"}};
  return root;
}

TEST(AskedRoot, AnswersAsTheOtherRoot) {
  const MemoryRoot root = some_files();
  const AskedRoot asked(root);
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(asked.read("/a.so")->path, "/lib/a.so");
    EXPECT_EQ(asked.read("/a.so")->bytes.text(), "one");
    EXPECT_EQ(asked.read("/none").error().code(), ErrorCode::NotFound);
    EXPECT_EQ(asked.read("/a.so", 2).error().code(), ErrorCode::InvalidInput);
    EXPECT_EQ(asked.resolve("/a.so"), "/lib/a.so");
    EXPECT_EQ(asked.resolve("/none"), std::nullopt);
    EXPECT_TRUE(asked.is_file("/a.so"));
    EXPECT_FALSE(asked.is_file("/lib"));
    EXPECT_THAT(*asked.list("/lib"), testing::ElementsAre("a.so", "b.so"));
    EXPECT_EQ(asked.list("/none").error().code(), ErrorCode::NotFound);
  }
}

TEST(AskedRoot, RemembersWhatItWasToldFirst) {
  MemoryRoot root = some_files();
  const AskedRoot asked(root);
  EXPECT_TRUE(asked.is_file("/a.so"));
  EXPECT_EQ(asked.read("/lib/a.so")->bytes.text(), "one");
  root.files.clear();
  EXPECT_TRUE(asked.is_file("/a.so"));
  EXPECT_EQ(asked.read("/lib/a.so")->bytes.text(), "one");
}

TEST(AskedRoot, TellsEachQuestionOnceAndSorted) {
  const MemoryRoot root = some_files();
  const AskedRoot asked(root);
  for (int i = 0; i < 2; ++i) {
    static_cast<void>(asked.read("/a.so"));
    static_cast<void>(asked.read("/a.so", 7));
    static_cast<void>(asked.list("/lib"));
    static_cast<void>(asked.is_file("/b"));
    static_cast<void>(asked.resolve("/c"));
  }
  std::vector<Question> questions;
  for (const Asked& one : asked.asked()) {
    questions.push_back(one.question);
    EXPECT_EQ(answer_of(root, one.question), one.answer);
  }
  EXPECT_THAT(
      questions,
      testing::ElementsAre(
          Question{What::Resolve, "/c"}, Question{What::IsFile, "/b"},
          Question{What::List, "/lib"}, Question{What::Read, "/a.so", 7},
          Question{What::Read, "/a.so", kMaxRootFile}));
}

TEST(AskedRoot, LeavesOutWhatTheContentOfAFileTells) {
  const MemoryRoot root = some_files();
  const AskedRoot asked(root);
  const auto ask = [&](const std::string& path) {
    static_cast<void>(asked.resolve(path));
    static_cast<void>(asked.is_file(path));
    static_cast<void>(asked.read(path));
  };
  ask("/a.so");
  EXPECT_EQ(asked.asked().size(), 1U);
  // What is not read is known by these alone.
  ask("/none");
  ask("/lib");
  EXPECT_EQ(asked.asked().size(), 7U);
}

TEST(AskedRoot, AnswersThatDifferHaveOtherDigests) {
  const MemoryRoot before = some_files();
  MemoryRoot after = before;
  const auto differs = [&](const Question& question) {
    return answer_of(before, question) != answer_of(after, question);
  };
  EXPECT_FALSE(differs({What::Read, "/a.so", 99}));
  after.files["/lib/a.so"] = "0ne";
  EXPECT_TRUE(differs({What::Read, "/a.so", 99}));
  after = before;
  // The same bytes at another place: $ORIGIN is another one.
  after.links = {{"/a.so", "/lib/b.so"}};
  after.files["/lib/b.so"] = "one";
  EXPECT_TRUE(differs({What::Read, "/a.so", 99}));
  EXPECT_TRUE(differs({What::Resolve, "/a.so"}));
  after = before;
  after.files["/lib/c.so"] = "";
  EXPECT_TRUE(differs({What::List, "/lib"}));
  EXPECT_TRUE(differs({What::IsFile, "/lib/c.so"}));
  EXPECT_TRUE(differs({What::Read, "/lib/c.so", 99}));
  EXPECT_TRUE(differs({What::Resolve, "/lib/c.so"}));
  EXPECT_FALSE(differs({What::List, "/none"}));
  after.files = {{"/none/x", ""}};
  EXPECT_TRUE(differs({What::List, "/none"}));
}

TEST(AskedRoot, WordsOfQuestionsAreReadBack) {
  for (const What what :
       {What::Resolve, What::IsFile, What::List, What::Read}) {
    EXPECT_EQ(what_from(to_string(what)), what);
  }
  EXPECT_EQ(what_from("write"), std::nullopt);
}

}  // namespace
}  // namespace vambrace::elf
