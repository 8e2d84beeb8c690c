#include "base/json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "base/printable.h"

namespace vambrace::json {
namespace {

using testing::HasSubstr;

std::string refusal(std::string_view text, const Limits& limits = {}) {
  auto parsed = parse(text, limits);
  return parsed ? "accepted" : parsed.error().message();
}

TEST(Json, RefusesDuplicateKeys) {
  EXPECT_THAT(refusal(R"({"a":1,"a":2})"), HasSubstr("appears twice"));
}

TEST(Json, RefusesNumbersThatDoNotFit) {
  EXPECT_THAT(refusal("[18446744073709551616]"), HasSubstr("64 bits"));
  EXPECT_EQ(refusal("[18446744073709551615]"), "accepted");
}

TEST(Json, RefusesDepthBeyondTheLimit) {
  EXPECT_THAT(refusal(std::string(100'000, '[')), HasSubstr("too deeply"));
}

TEST(Json, RefusesTrailingBytesWithThePlace) {
  EXPECT_THAT(refusal("{} x"), HasSubstr("at byte"));
}

TEST(Json, RefusesMoreValuesThanAllowed) {
  EXPECT_THAT(refusal("[1,2,3]", {.values = 3}), HasSubstr("too many"));
}

TEST(Json, RefusesInvalidUtf8) {
  EXPECT_THAT(refusal("\"\xff\""), HasSubstr("UTF-8"));
}

TEST(Reader, NamesThePlaceOfAFault) {
  const Value value = parse(R"({"nr":-1})").value();
  Reader reader = Reader::of(value, "syscalls[0]").value();
  EXPECT_EQ(reader.number("nr").error().message(),
            "syscalls[0].nr: not an unsigned number");
}

TEST(Reader, RefusesKeysNobodyAskedFor) {
  const Value value = parse(R"({"name":"x","nmae":1})").value();
  Reader reader = Reader::of(value, "").value();
  ASSERT_TRUE(reader.text("name"));
  EXPECT_THAT(reader.finish().error().message(), HasSubstr("nmae"));
}

RC_GTEST_PROP(QuoteBytes, RoundTripsAnyBytes, (const std::string& bytes)) {
  const std::string quoted = quote_bytes(bytes);
  RC_ASSERT(unquote_bytes(quoted).value() == bytes);
  // What it makes is always printable JSON.
  RC_ASSERT(parse(print(Value(quoted))).value() == Value(quoted));
}

TEST(QuoteBytes, EscapesWhatATerminalWouldObey) {
  // C1 "control sequence introducer", right-to-left override, isolate, mark.
  EXPECT_EQ(quote_bytes("a\u009b31mb"), "a\\xc2\\x9b31mb");
  EXPECT_EQ(quote_bytes("\u202e"), "\\xe2\\x80\\xae");
  EXPECT_EQ(quote_bytes("\u2066"), "\\xe2\\x81\\xa6");
  EXPECT_EQ(quote_bytes("\u200f"), "\\xe2\\x80\\x8f");
  EXPECT_EQ(quote_bytes("\u00e9\u20ac"), "\u00e9\u20ac");
  EXPECT_EQ(unquote_bytes(quote_bytes("\u202e\u0080")).value(), "\u202e\u0080");
}

TEST(AppendNumber, WritesAllOfTheRange) {
  std::string text;
  append_number(text, 0);
  text += ' ';
  append_number(text, ~0ULL);
  text += ' ';
  append_hex(text, 0);
  text += ' ';
  append_hex(text, ~0ULL);
  EXPECT_EQ(text, "0 18446744073709551615 \"0x0\" \"0xffffffffffffffff\"");
}

TEST(Printable, QuotesOnceWhateverWasQuotedBefore) {
  EXPECT_EQ(printable("a\nb\033[31m\xff"), "a\\x0ab\\x1b[31m\\xff");
  EXPECT_EQ(printable(printable("\033")), "\\x1b");
  EXPECT_EQ(printable("\\"), "\\");
}

}  // namespace
}  // namespace vambrace::json
