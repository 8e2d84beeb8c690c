#include "policy/changing_names.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <utility>

#include "base/json.h"
#include "policy/apparmor/letters.h"

namespace vambrace::policy {
namespace {

constexpr std::string_view kRecordAgain =
    "record once more and give synth both recordings: what changes becomes a "
    "pattern; or add the names as decisions \"file ...\"";

// "a, b, c and 3 more", for people.
std::string listed(const std::vector<std::string>& names) {
  constexpr std::size_t kShown = 3;
  std::string out;
  for (std::size_t i = 0; i < std::min(kShown, names.size()); ++i) {
    out += (i == 0 ? "" : ", ") + json::quote_bytes(names[i]);
  }
  return names.size() <= kShown
             ? out
             : fmt::format("{} and {} more", out, names.size() - kShown);
}

std::string_view look_like(std::size_t count) {
  return count == 1 ? "looks like a name" : "look like names";
}

Finding finding(const std::string& place, std::string severity,
                std::string message, std::string_view hint) {
  return {"file-changes-name", std::move(severity), place, std::move(message),
          std::string(hint)};
}

bool is_opened_as_a_whole(const apparmor::Rule& rule) {
  return std::ranges::any_of(rule.because, [](const auto& one) {
    return one.kind == apparmor::Kind::Siblings ||
           one.kind == apparmor::Kind::Subtree;
  });
}

// The folder of a path; those that differ in numbers alone (/proc/12/,
// /proc/13/) as one.
std::string folder_of(std::string_view path) {
  std::string out;
  for (std::size_t at = 0, end = path.find('/'); end != path.npos;
       at = end + 1, end = path.find('/', at)) {
    const std::string_view part = path.substr(at, end - at);
    out += apparmor::is_number(part) ? "#" : part;
    out += '/';
  }
  return out;
}

}  // namespace

void ChangingNames::add(const std::string& place,
                        const apparmor::Generalized& made) {
  for (const apparmor::Rule& rule : made.rules) {
    if (!is_opened_as_a_whole(rule) &&
        rule.access.find_first_of("acw") != std::string::npos) {
      written_.push_back({.place = place,
                          .pattern = rule.pattern,
                          .path = rule.examples.front()});
    }
  }
  add_kept(place, made.kept);
  for (const apparmor::Apart& apart : made.apart) {
    if (apart.names.size() > 1) {
      findings_.push_back(finding(
          place, "low",
          fmt::format("{}: {} differ in a number and hold nothing in common: "
                      "each is allowed under its own name alone",
                      json::quote_bytes(apart.directory), listed(apart.names)),
          kRecordAgain));
    }
  }
}

void ChangingNames::add_kept(const std::string& place,
                             const std::vector<apparmor::Kept>& kept) {
  std::map<std::pair<std::string, std::string>, std::vector<std::string>>
      folders;
  for (const apparmor::Kept& one : kept) {
    folders[{folder_of(one.path), one.reason}].push_back(one.path);
  }
  for (const auto& [key, paths] : folders) {
    findings_.push_back(finding(
        place, "medium",
        fmt::format("{} {} of this run alone, and no pattern may stand for "
                    "{}: {}",
                    listed(paths), look_like(paths.size()),
                    paths.size() == 1 ? "it" : "them", key.second),
        "add the name it will have as a decision \"file ...\", or do without"));
  }
}

std::vector<Finding> ChangingNames::findings() const {
  std::vector<Finding> out = findings_;
  for (const RunNames& names : run_names(evidence_, written_)) {
    std::vector<std::string> paths;
    for (const std::string& name : names.names) {
      paths.push_back(names.folder + name);
    }
    out.push_back(finding(
        names.place, names.certain ? "medium" : "low",
        fmt::format("{} {} of this run alone ({}): what another run calls it "
                    "is refused",
                    listed(paths), look_like(paths.size()),
                    fmt::join(names.signs, ", ")),
        kRecordAgain));
  }
  return out;
}

}  // namespace vambrace::policy
