#pragma once

#include <array>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "policy/apparmor/profile.h"

// What the files grant that a host keeps for profiles to include, as
// apparmor_parser 3.0.8 reads them. Whatever is not understood for sure is an
// error with its line: such a file is not used. They are foreign bytes: how
// deep, how often and how much is read has limits.
namespace vambrace::policy::apparmor {

// Files by their path below AppArmor's folder, "abstractions/openssl", or why
// one was not read. A folder that was read is there, too, with a slash at its
// end; one that was not is there without it, and its error: whether anything is
// below it is unknown.
using Sources = std::map<std::string, Result<std::string>, std::less<>>;

// apparmor_parser passes over some names in a folder that is included: README,
// those that begin with a dot, and those that end so. One that is included by
// its own name is read.
inline constexpr std::array<std::string_view, 12> kEndsPassedOver = {
    "~",         ".dpkg-bak",    ".dpkg-dist", ".dpkg-new",
    ".dpkg-old", ".dpkg-remove", ".orig",      ".pacnew",
    ".pacsave",  ".rej",         ".rpmnew",    ".rpmsave"};
bool is_passed_over(std::string_view name);

// "openssl" for each file directly in abstractions/. Sorted.
std::vector<std::string> abstraction_names(const Sources& sources);

// The rules of an abstraction and of all that it includes.
struct AbstractionRules {
  std::vector<AbstractionRule> files;  // sorted, that let a file be accessed
  // Every other rule, in the order of the text: "abstractions/x: line 3: a dbus
  // rule". Files that may be started and rules that deny are among them.
  std::vector<std::string> others;
};
// InvalidInput for what is not understood or was not read, also where it is
// included only if it exists; NotFound if there is none.
Result<AbstractionRules> read_rules(const Sources& sources,
                                    std::string_view name);

// The variables of tunables/global. InvalidInput, NotFound as above.
Result<Variables> read_tunables(const Sources& sources);

// An abstraction that a profile may include: InvalidInput, too, if it has other
// rules than those of files, uses a variable that is not there, or has a name
// that print.h would not print.
Result<Abstraction> read_abstraction(const Sources& sources,
                                     const Variables& tunables,
                                     std::string_view name);

// Its rules of files as those of a profile.
std::vector<FileRule> granted(const AbstractionRules& rules);

// "abstractions/openssl" with what it grants.
Include include_for(const Abstraction& abstraction);

}  // namespace vambrace::policy::apparmor
