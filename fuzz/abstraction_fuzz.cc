#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "policy/apparmor/abstraction.h"
#include "policy/apparmor/fitting.h"
#include "policy/apparmor/print.h"

namespace {

namespace apparmor = vambrace::policy::apparmor;
using apparmor::Sources;

// What was read of a text, written as we write a profile's rules, is read as
// the same again.
void round_trip(const apparmor::AbstractionRules& read) {
  std::string text;
  for (const apparmor::FileRule& rule : apparmor::granted(read)) {
    apparmor::Profile one{.name = "p", .tunables = {"t"}};
    one.rules.files = {rule};
    const auto printed = apparmor::print(one);
    CHECK(printed.has_value());
    const std::size_t begin = printed->find("{\n") + 2;
    text += printed->substr(begin, printed->size() - begin - 2);
  }
  const auto again = apparmor::read_rules({{"abstractions/a", text}}, "a");
  CHECK(again.has_value() && again->others.empty());
  CHECK(apparmor::hash_of(apparmor::granted(*again)).value() ==
        apparmor::hash_of(apparmor::granted(read)).value());
}

// A profile that has the abstraction's own rules may have them by include, and
// has another name then.
void include(const vambrace::policy::Abstraction& abstraction) {
  apparmor::Profile profile{.name = "p", .variables = abstraction.variables};
  profile.rules.files = apparmor::include_for(abstraction).rules;
  const std::size_t before = profile.rules.files.size();
  const auto plain = apparmor::print(profile);
  const auto fitting = apparmor::include_fitting(profile, {abstraction});
  CHECK(fitting.has_value());
  CHECK(fitting->taken.size() + fitting->passed_over.size() == 1);
  CHECK(fitting->taken.size() == profile.rules.includes.size());
  CHECK(fitting->taken.empty() ? profile.rules.files.size() == before
                               : profile.rules.files.empty());
  const auto included = apparmor::print(profile);
  CHECK(!plain ||
        (included && fitting->taken.empty() == (*plain == *included)));
}

}  // namespace

// The files of a folder: an abstraction, one that it may include, tunables;
// each ends at a line "=".
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data),
                        std::min<std::size_t>(size, 4000));
  Sources sources = {{"abstractions/a.d/", ""}};
  for (const char* path :
       {"abstractions/a", "abstractions/a.d/x", "tunables/global"}) {
    const std::size_t end = std::min(text.find("\n=\n"), text.size());
    sources[path] = text.substr(0, end);
    text.remove_prefix(std::min(end + 3, text.size()));
  }
  const auto tunables = apparmor::read_tunables(sources);
  const auto read = apparmor::read_rules(sources, "a");
  if (!read) {
    CHECK(read.error().code() == vambrace::ErrorCode::InvalidInput);
    return 0;
  }
  round_trip(*read);
  if (const auto one = apparmor::read_abstraction(
          sources, tunables.value_or(apparmor::Variables{}), "a")) {
    include(*one);
  }
  return 0;
}
