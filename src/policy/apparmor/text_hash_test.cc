#include "policy/apparmor/text_hash.h"

#include <gtest/gtest.h>

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

TEST(TextHash, APrintedProfileBearsTheHashOfItsText) {
  for (const Mode mode : {Mode::Enforce, Mode::Complain}) {
    Profile plain = profile_named("web");
    plain.mode = mode;
    Profile profile = profile_named(name_with_hash(plain).value());
    profile.mode = mode;
    EXPECT_FALSE(belies_its_name(print(profile).value()));
    EXPECT_FALSE(belies_its_name("# made by hand\n" +
                                 print(profile, {.comments = true}).value()));
  }
}

TEST(TextHash, AnEditedOneDoesNot) {
  const std::string text = print(named()).value();
  EXPECT_TRUE(belies_its_name(replaced(text, "/etc/x r", "/etc/** r")));
  EXPECT_TRUE(belies_its_name(replaced(text, " {\n", " flags=(complain) {\n")));
  EXPECT_TRUE(belies_its_name(text + "profile more { }\n"));
}

TEST(TextHash, OtherNamesSayNothing) {
  EXPECT_FALSE(belies_its_name(print(profile_named("web")).value()));
  EXPECT_FALSE(belies_its_name("profile web-0123456789abcdef { }\n"));
  EXPECT_FALSE(
      belies_its_name("abi <abi/3.0>,\n\nprofile web-0123456789abcdeX { }\n"));
  EXPECT_FALSE(belies_its_name("abi <abi/3.0>,\n"));
  EXPECT_FALSE(belies_its_name(""));
}

}  // namespace
}  // namespace vambrace::policy::apparmor
