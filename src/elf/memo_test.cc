#include "elf/memo.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "elf/json.h"
#include "elf/memory_root.h"
#include "elf/small_program.h"

namespace vambrace::elf {
namespace {

using testing::HasSubstr;

struct MemoryStore : MemoStore {
  std::optional<std::string> find(const std::string& name) override {
    const auto found = memos.find(name);
    return found == memos.end() ? std::nullopt : std::optional(found->second);
  }
  void keep(const std::string& name, std::string_view bytes) override {
    memos[name] = bytes;
    ++kept;
  }
  std::map<std::string, std::string> memos;
  int kept = 0;
};

class Memos : public testing::Test {
 protected:
  void SetUp() override {
    root_.files = {{"/bin/p", program_with(39)},
                   {"/lib/x.so", program_with(110)}};
    request_ = {.program = "/bin/p",
                .extras = {{.path = "/lib/x.so", .why = "named"},
                           {.path = "libgone.so", .why = "named"}}};
  }

  // Whether the memo was used. It answers as a new analysis does, either way.
  bool remembers() {
    const auto answered =
        analyze_once(root_, request_, builds_, &store_, binaries_);
    const auto fresh = analyze(root_, request_);
    EXPECT_EQ(answered.has_value(), fresh.has_value());
    if (!answered || !fresh) {
      return false;
    }
    EXPECT_EQ(print_reach(answered->reach), print_reach(*fresh));
    return answered->checked > 0;
  }

  MemoryRoot root_;
  Binaries binaries_;
  Request request_;
  std::string builds_ = "0a0b";
  MemoryStore store_;
};

TEST_F(Memos, TheSameQuestionIsAnsweredFromTheMemo) {
  EXPECT_FALSE(remembers());
  EXPECT_TRUE(remembers());
  EXPECT_TRUE(remembers());
  EXPECT_EQ(store_.kept, 1);
}

TEST_F(Memos, WithoutAStoreItAnalyzes) {
  const auto answered =
      analyze_once(root_, request_, builds_, nullptr, binaries_);
  ASSERT_TRUE(answered);
  EXPECT_EQ(answered->checked, 0U);
  EXPECT_EQ(answered->reach, *analyze(root_, request_));
}

TEST_F(Memos, AnotherAnswerOfTheRootIsAnotherAnalysis) {
  using Change = void (*)(MemoryRoot&);
  const std::vector<std::pair<std::string, Change>> changes = {
      {"another program",
       [](MemoryRoot& root) { root.files["/bin/p"] = program_with(57); }},
      {"another library",
       [](MemoryRoot& root) { root.files["/lib/x.so"] = program_with(57); }},
      {"a library that is gone",
       [](MemoryRoot& root) { root.files.erase("/lib/x.so"); }},
      {"a library that came",
       [](MemoryRoot& root) {
         root.files["/usr/lib/libgone.so"] = program_with(57);
       }},
      {"the library behind a link",
       [](MemoryRoot& root) {
         root.files["/lib/y.so"] = root.files["/lib/x.so"];
         root.files.erase("/lib/x.so");
         root.links["/lib/x.so"] = "/lib/y.so";
       }},
      {"a cache of the loader",
       [](MemoryRoot& root) { root.files["/etc/ld.so.cache"] = "broken"; }},
  };
  for (const auto& [what, change] : changes) {
    SCOPED_TRACE(what);
    root_ = {};
    SetUp();
    store_ = {};
    EXPECT_FALSE(remembers());
    EXPECT_TRUE(remembers());
    change(root_);
    EXPECT_FALSE(remembers());
    EXPECT_TRUE(remembers());
  }
}

TEST_F(Memos, AnotherRequestOrBuildIsAnotherAnalysis) {
  const Request before = request_;
  remembers();
  const std::vector<void (*)(Request&)> changes = {
      [](Request& request) { request.linked_only = true; },
      [](Request& request) { request.library_path = {"/opt"}; },
      [](Request& request) { request.library_path = {"/opt", ""}; },
      [](Request& request) { request.extras.pop_back(); },
      [](Request& request) { request.extras[0].why = "seen"; },
      [](Request& request) { request.extras[0].observed = true; },
      [](Request& request) { request.extras[0].entries = {"a"}; },
      [](Request& request) { request.extras[0].entries = {"a", "b"}; },
      [](Request& request) { request.program = "/lib/x.so"; },
  };
  for (std::size_t i = 0; i < changes.size(); ++i) {
    SCOPED_TRACE(i);
    request_ = before;
    changes[i](request_);
    EXPECT_FALSE(remembers());
    EXPECT_TRUE(remembers());
  }
  request_ = before;
  EXPECT_TRUE(remembers());
  builds_ = "0a0c";
  EXPECT_FALSE(remembers());
}

TEST_F(Memos, ErrorsAreNotKept) {
  request_.program = "/bin/none";
  EXPECT_FALSE(analyze_once(root_, request_, builds_, &store_, binaries_));
  EXPECT_TRUE(store_.memos.empty());
}

TEST_F(Memos, ABrokenMemoIsReplaced) {
  remembers();
  ASSERT_EQ(store_.memos.size(), 1U);
  const std::string good = store_.memos.begin()->second;
  for (const std::string& broken :
       {std::string(), std::string("hello\n"), good.substr(0, good.size() / 2),
        good + " "}) {
    store_.memos.begin()->second = broken;
    EXPECT_FALSE(remembers());
    EXPECT_EQ(store_.memos.begin()->second, good);
  }
}

TEST_F(Memos, AMemoUnderTheNameOfAnotherIsNotUsed) {
  remembers();
  const std::string first = store_.memos.begin()->second;
  store_ = {};
  request_.linked_only = true;
  remembers();
  store_.memos.begin()->second = first;
  EXPECT_FALSE(remembers());
}

Memo sample_memo() {
  Memo memo{.key = {1, 2, 3}};
  memo.asked = {{{Question::What::Resolve, "/a b\xff"}, {4}},
                {{Question::What::IsFile, ""}, {5}},
                {{Question::What::Read, "/a\n", 7}, {6}},
                {{Question::What::Read, "/a\n", 8}, {6}}};
  memo.reach.program = "/a";
  return memo;
}

TEST(MemoText, RoundTrips) {
  const auto parsed = parse_memo(print_memo(sample_memo()));
  ASSERT_TRUE(parsed) << parsed.error().message();
  EXPECT_EQ(*parsed, sample_memo());
}

// The text with a digest that fits what follows, so that more than the digest
// is looked at.
std::string sealed(const std::string& body) {
  return fmt::format("{} {}\n", kMemoFormat,
                     hex_of(digest_of(std::array{std::string_view(body)}))) +
         body;
}

TEST(MemoText, RefusesAnyChangedByte) {
  const std::string good = print_memo(sample_memo());
  for (std::size_t i = 0; i < good.size(); ++i) {
    std::string changed = good;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    EXPECT_FALSE(parse_memo(changed)) << i;
    EXPECT_FALSE(parse_memo(good.substr(0, i))) << i;
  }
}

TEST(MemoText, RefusesWhatItWouldNotWriteAndSaysWhere) {
  const std::string good = print_memo(sample_memo());
  const std::string body = good.substr(good.find('\n') + 1);
  EXPECT_TRUE(parse_memo(sealed(body)));
  const auto error = [&](std::string_view from, std::string_view to) {
    std::string text = body;
    text.replace(text.find(from), from.size(), to);
    const auto memo = parse_memo(sealed(text));
    return memo ? std::string("no error") : memo.error().message();
  };
  EXPECT_THAT(error("key 01", "key g1"), HasSubstr("line 2"));
  EXPECT_THAT(error("key", "kex"), HasSubstr("line 2"));
  EXPECT_THAT(error("questions 4", "questions 04"), HasSubstr("line 3"));
  EXPECT_THAT(error("questions 4", "questions 99999999999"),
              HasSubstr("line 3"));
  EXPECT_THAT(error("questions 4", "questions 3"), HasSubstr("the answer"));
  EXPECT_THAT(error("questions 4", "questions 5"), HasSubstr("line 8"));
  EXPECT_THAT(error("resolve", "remove"), HasSubstr("line 4"));
  EXPECT_THAT(error("/a b\\xff", "/a b\\xFF"), HasSubstr("line 4"));
  EXPECT_THAT(error("is-file 05", "is-file 5"), HasSubstr("line 5"));
  EXPECT_THAT(error(" 8 ", " 7 "), HasSubstr("line 7: not sorted"));
  EXPECT_THAT(error(" 8 ", " 08 "), HasSubstr("line 7"));
  EXPECT_THAT(error(" 8 ", " "), HasSubstr("line 7"));
  EXPECT_THAT(error("\"vambrace.reach/v1\"", "\"vambrace.reach/v2\""),
              HasSubstr("the answer"));
}

}  // namespace
}  // namespace vambrace::elf
