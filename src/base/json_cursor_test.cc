#include "base/json_cursor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "base/json.h"

namespace vambrace::json {
namespace {

using testing::HasSubstr;

struct Point {
  std::uint64_t x = 0;
  std::string name;
  std::vector<std::uint32_t> more;
};

Result<> read(Cursor& in, Point& out) {
  return in.members(field("x", out.x), field("name", out.name),
                    optional_field("more", [&] { return read(in, out.more); }));
}

Result<std::vector<Point>> points(std::string_view text) {
  Cursor in(text);
  std::vector<Point> out;
  TRY(read(in, out));
  TRY(in.finish());
  return out;
}

std::string why(std::string_view text) {
  const auto result = points(text);
  return result ? "accepted" : result.error().message();
}

TEST(JsonCursor, ReadsMembersInAnyOrder) {
  const auto out = points(
      "[{\"name\": \"a\\u00e9\\\"\",\"x\":18446744073709551615},\n"
      " {\"x\":0,\"more\":[1 , 2],\"name\":\"\"}]");
  ASSERT_TRUE(out) << out.error().message();
  EXPECT_EQ(out->at(0).x, ~0ULL);
  EXPECT_EQ(out->at(0).name, "a\xc3\xa9\"");
  EXPECT_THAT(out->at(1).more, testing::ElementsAre(1, 2));
}

TEST(JsonCursor, GivesAViewOfTheDocumentUnlessThereWereEscapes) {
  const std::string_view text = "\"plain \xc3\xa9\" \"a\\nb\"";
  Cursor in(text);
  std::string storage;
  const auto plain = in.text(storage);
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->data(), text.data() + 1);
  EXPECT_EQ(*plain, "plain \xc3\xa9");
  const auto escaped = in.text(storage);
  ASSERT_TRUE(escaped);
  EXPECT_EQ(escaped->data(), storage.data());
  EXPECT_EQ(*escaped, "a\nb");
}

TEST(JsonCursor, SaysLineAndPlaceOfAFault) {
  EXPECT_EQ(why("[{\"x\":1,\"name\":\"\"},\n{\"x\":\"1\"}]"),
            "line 2: [1].x: not an unsigned number");
  EXPECT_EQ(why("[{\"x\":1,\"y\":2}]"), "line 1: [0].y: unknown key");
  EXPECT_EQ(why("[{\"x\":1,\"x\":2}]"), "line 1: [0].x: appears twice");
  EXPECT_EQ(why("[{\"x\":1}]"), "line 1: [0]: the key \"name\" is missing");
}

TEST(JsonCursor, RefusesWhatIsNotPlainJson) {
  EXPECT_THAT(why("[{\"x\":18446744073709551616,\"name\":\"\"}]"),
              HasSubstr("64 bits"));
  EXPECT_THAT(why("[{\"more\":[4294967296]}]"), HasSubstr("32 bits"));
  EXPECT_THAT(why("[{\"x\":-1}]"), HasSubstr("unsigned"));
  EXPECT_THAT(why("[{\"x\":1.0}]"), HasSubstr("unsigned"));
  EXPECT_THAT(why("[{\"x\":01}]"), HasSubstr("unsigned"));
  EXPECT_THAT(why("[{\"name\":\"\xff\"}]"), HasSubstr("UTF-8"));
  EXPECT_THAT(why("[{\"name\":\"a\nb\"}]"), HasSubstr("control"));
  EXPECT_THAT(why("[{\"name\":\"\\ud800\"}]"), HasSubstr("surrogate"));
  EXPECT_THAT(why("[{\"name\":\"\\x41\"}]"), HasSubstr("escape"));
  EXPECT_THAT(why("[] []"), HasSubstr("after the end"));
  EXPECT_THAT(why("[{\"x\":1,}]"), HasSubstr("string"));
  EXPECT_THAT(why("{}"), HasSubstr("'[' expected"));
  EXPECT_THAT(why(""), HasSubstr("ends"));
}

TEST(JsonCursor, RefusesEveryTruncation) {
  const std::string text = "[{\"x\":1,\"name\":\"a\\u00e9\",\"more\":[1,2]}]";
  ASSERT_TRUE(points(text));
  for (std::size_t length = 0; length < text.size(); ++length) {
    EXPECT_NE(why(text.substr(0, length)), "accepted") << length;
  }
}

TEST(JsonCursor, AnyBytesSurviveAppendQuoted) {
  rc::check([](const std::string& bytes) {
    std::string text;
    append_quoted(text, bytes);
    Cursor in(text);
    std::string back;
    RC_ASSERT(read(in, back).has_value());
    RC_ASSERT(back == bytes);
    // The tree parser sees the same string.
    RC_ASSERT(parse(text).value().get<std::string>() == quote_bytes(bytes));
  });
}

}  // namespace
}  // namespace vambrace::json
