#include "enforcer/apparmor/compiled.h"

#include <gmock/gmock.h>

namespace vambrace::enforcer::apparmor {
namespace {

using namespace std::string_literals;
using testing::ElementsAre;
using testing::HasSubstr;

std::string text(char tag, std::string value) {
  value += '\0';
  return tag + std::string(1, static_cast<char>(value.size())) + "\0"s + value;
}
std::string called(const std::string& name) {
  return text(4, name);
}
std::string string(const std::string& value) {
  return text(5, value);
}

const std::string kVersion = called("version") + "\x02\x05\0\0\0"s;

std::string profile(const std::string& name) {
  return kVersion + called("profile") + "\x07"s + string(name) +
         called("flags") + "\x07\x02\0\0\0\0\x08"s + called("aadfa") +
         "\x06\x03\0\0\0\x04\x09\x07"s + "\x08"s;
}

TEST(CompiledNames, AreThoseOfItsProfilesSorted) {
  EXPECT_THAT(compiled_names(profile("web//kid") + profile("web")).value(),
              ElementsAre("web", "web//kid"));
}

TEST(CompiledNames, AreExactBytes) {
  EXPECT_THAT(compiled_names(profile("a\nb \"\xff")).value(),
              ElementsAre("a\nb \"\xff"));
}

TEST(CompiledNames, SayTheNamespace) {
  EXPECT_THAT(compiled_names(kVersion + called("namespace") + string("tenant") +
                             profile("web"))
                  .value(),
              ElementsAre(":tenant://web"));
}

TEST(CompiledNames, NeedAProfile) {
  EXPECT_FALSE(compiled_names("").has_value());
  EXPECT_FALSE(compiled_names(kVersion).has_value());
}

TEST(CompiledNames, AreRefusedFromCutBytes) {
  const std::string whole = profile("web");
  const std::size_t struct_end = whole.size() - 1;
  for (std::size_t size = 1; size < struct_end; ++size) {
    const auto names = compiled_names(whole.substr(0, size));
    if (names) {
      // Cut between two values: what was read is true.
      EXPECT_THAT(*names, ElementsAre("web"));
    } else {
      EXPECT_EQ(names.error().code(), ErrorCode::InvalidInput);
    }
  }
}

TEST(CompiledNames, SayWhereTheBytesAreWrong) {
  const auto names = compiled_names("\x63");
  ASSERT_FALSE(names.has_value());
  EXPECT_THAT(names.error().message(), HasSubstr("byte 1: an unknown tag"));
}

}  // namespace
}  // namespace vambrace::enforcer::apparmor
