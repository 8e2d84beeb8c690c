#include "policy/apparmor/text_hash.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "policy/apparmor/print.h"

namespace vambrace::policy::apparmor {
namespace {

// A profile that names itself wherever it can, under a name with its hash.
Profile profile_named(const std::string& name) {
  Profile out{.name = name, .abi = "abi/3.0"};
  out.variables["pid"] = {"[0-9]*"};
  out.rules.files = {
      {.pattern = "/bin/sh", .exec = Exec::Profile, .target = name + "//sh"},
      {.pattern = "/proc/@{pid}/stat", .access = {.read = true}}};
  out.rules.signals = {
      {.access = {"receive"}, .peer = "unconfined"},
      {.access = {"send"}, .signals = {"term"}, .peer = name + "{,//*}"}};
  out.rules.ptrace = {{.access = {"read"}, .peer = name},
                      {.access = {"read"}, .peer = name + "//sh"}};
  out.children["sh"].files = {{.pattern = "/etc/x",
                               .access = {.read = true},
                               .why = {.examples = {"/etc/x"}}}};
  return out;
}

Profile named() {
  return profile_named(name_with_hash(profile_named("web")).value());
}

std::string replaced(std::string text, std::string_view what,
                     std::string_view with) {
  const std::size_t at = text.find(what);
  EXPECT_NE(at, std::string::npos) << what;
  return text.replace(at, what.size(), with);
}

// The names are as the parser reads them: of a profile and of its child.
bool belies(std::string_view text, std::string name) {
  const std::string child = name + "//sh";
  return belies_its_name(text, std::vector{std::move(name), child});
}

TEST(TextHash, APrintedProfileBearsTheHashOfItsText) {
  for (const Mode mode : {Mode::Enforce, Mode::Complain}) {
    Profile plain = profile_named("web");
    plain.mode = mode;
    Profile profile = profile_named(name_with_hash(plain).value());
    profile.mode = mode;
    EXPECT_FALSE(belies(print(profile).value(), profile.name));
    EXPECT_FALSE(
        belies("# made by hand\n" + print(profile, {.comments = true}).value(),
               profile.name));
  }
}

TEST(TextHash, AnEditedOneDoesNot) {
  const std::string text = print(named()).value();
  const auto edited = [&](std::string_view what, std::string_view with) {
    return belies(replaced(text, what, with), named().name);
  };
  EXPECT_TRUE(edited("/etc/x r", "/etc/** r"));
  EXPECT_TRUE(edited(" {\n", " flags=(complain) {\n"));
  EXPECT_TRUE(belies(text + "profile more { }\n", named().name));
}

// However the parser may be led to a name.
TEST(TextHash, AnEditedOneIsKnownByTheNameThatTheParserReads) {
  const std::string name = named().name;
  const std::string text =
      replaced(print(named()).value(), "/etc/x r", "/etc/** r");
  const std::string head = "profile " + name;
  for (const std::string& other : std::vector<std::string>{
           "profile  " + name, "profile\t" + name, "  profile " + name,
           "profile \"" + name + "\"", "profile @{name}", "\"" + name + "\""}) {
    EXPECT_TRUE(belies(replaced(text, head, other), name)) << other;
  }
  EXPECT_TRUE(
      belies("profile web-0123456789abcdef { }\n", "web-0123456789abcdef"));
  EXPECT_TRUE(belies_its_name(
      print(named()).value(),
      std::vector{name, std::string(":space://web-0123456789abcdef")}));
}

TEST(TextHash, OtherNamesSayNothing) {
  EXPECT_FALSE(belies(print(profile_named("web")).value(), "web"));
  EXPECT_FALSE(belies("abi <abi/3.0>,\n\nprofile web-0123456789abcdeX { }\n",
                      "web-0123456789abcdeX"));
  EXPECT_FALSE(belies_its_name("abi <abi/3.0>,\n", {}));
  EXPECT_FALSE(belies_its_name("", {}));
}

}  // namespace
}  // namespace vambrace::policy::apparmor
