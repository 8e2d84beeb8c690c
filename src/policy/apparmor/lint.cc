#include "policy/apparmor/lint.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "base/printable.h"
#include "policy/apparmor/sensitive.h"

namespace vambrace::policy::apparmor {
namespace {

constexpr std::size_t kManyInherit = 12;

// A path below each of these that no program has: only a pattern that takes
// everything there matches it.
constexpr std::array<std::string_view, 14> kFolders = {
    "/",      "/boot/", "/dev/", "/etc/", "/home/", "/lib/", "/opt/",
    "/proc/", "/root/", "/run/", "/srv/", "/sys/",  "/usr/", "/var/"};
constexpr std::string_view kNowhere = "\x01vambrace/\x02";

struct ReadRule {
  const FileRule* rule = nullptr;
  Pattern pattern;
};

bool has_wildcard(std::string_view text) {
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '\\') {
      ++at;
    } else if (std::string_view("*?[{").find(text[at]) !=
               std::string_view::npos) {
      return true;
    }
  }
  return false;
}

// Without a last name that is that of any file which nobody named (O_TMPFILE).
std::string_view without_unnamed(std::string_view pattern) {
  const std::size_t slash = pattern.rfind('/');
  return slash != pattern.npos && pattern.substr(slash + 1) == kUnnamedPattern
             ? pattern.substr(0, slash)
             : pattern;
}

bool writes(const FileRule& rule) {
  return rule.access.write || rule.access.append;
}

bool runs(const FileRule& rule) {
  return rule.access.map || rule.exec != Exec::None;
}

bool share_access(const FileRule& one, const FileRule& other) {
  const Access& a = one.access;
  const Access& b = other.access;
  return (a.read && b.read) || (writes(one) && writes(other)) ||
         (a.lock && b.lock) || (a.link && b.link) || (a.map && b.map) ||
         (one.exec != Exec::None && other.exec != Exec::None);
}

// A person asked for it, and knows.
bool is_decided(const FileRule& rule) {
  return std::ranges::any_of(rule.why.reasons, [](const Reason& reason) {
    return reason.cause == Cause::Decision;
  });
}

// The remarks about the rules of one profile or child.
class Linter {
 public:
  Linter(const Profile& profile, const Rules& rules, std::string where,
         std::vector<Finding>& findings)
      : rules_(rules), where_(std::move(where)), findings_(findings) {
    for (const FileRule* rule : file_rules(rules)) {
      auto pattern = Pattern::parse(rule->pattern, profile.variables);
      if (pattern) {
        read_.push_back({.rule = rule, .pattern = std::move(*pattern)});
      } else if (profile.tunables.empty()) {
        add("apparmor-bad-pattern", "high", *rule, pattern.error().message(),
            "escape what is meant literally");
      }
    }
  }

  void lint() {
    for (const ReadRule& one : read_) {
      if (one.rule->deny) {
        if (!is_decided(*one.rule)) {
          denied(one);
        }
        continue;
      }
      broad(one);
      sensitive(one);
      if (writes(*one.rule)) {
        written(one);
      }
      if (one.rule->exec == Exec::Inherit && one.rule->access.map) {
        add("apparmor-implied-map", "info", *one.rule, "ix implies m",
            "leave the m out");
      }
    }
    many_inherit();
    linked();
  }

 private:
  void add(std::string_view id, std::string_view severity, const FileRule& rule,
           std::string message, std::string_view hint) {
    findings_.push_back({.id = std::string(id),
                         .severity = std::string(severity),
                         .place = fmt::format("apparmor: {}: {}", where_,
                                              printable(rule.pattern)),
                         .message = std::move(message),
                         .hint = std::string(hint)});
  }

  void denied(const ReadRule& deny) {
    for (const ReadRule& allow : read_) {
      if (!allow.rule->deny && share_access(*deny.rule, *allow.rule) &&
          overlap(deny.pattern, allow.pattern)) {
        add("apparmor-deny-overlap", "high", *deny.rule,
            fmt::format("the deny wins over what {} allows",
                        printable(allow.rule->pattern)),
            "leave the deny out: what no rule allows is denied and logged");
        return;
      }
    }
  }

  void broad(const ReadRule& one) {
    const std::string_view folder = whole_folder(one.pattern);
    if (folder.empty()) {
      return;
    }
    const bool harmless = !writes(*one.rule) && !runs(*one.rule);
    add("apparmor-broad", harmless ? "medium" : "high", *one.rule,
        fmt::format("takes everything below {}", folder),
        "name the folders that the workload uses");
  }

  void sensitive(const ReadRule& one) {
    if (!has_wildcard(without_unnamed(one.rule->pattern))) {
      return;  // somebody named just that file, or nobody did
    }
    if (const Sensitive* path = touched(one.pattern)) {
      add("apparmor-sensitive", "high", *one.rule,
          fmt::format("also matches {}: {}", path->prefix, path->reason),
          "name the files that the workload uses");
    }
  }

  void written(const ReadRule& one) {
    for (const ReadRule& other : read_) {
      if (!other.rule->deny && runs(*other.rule) &&
          overlap(one.pattern, other.pattern)) {
        add("apparmor-write-exec", "high", *one.rule,
            fmt::format("what is written there may be run by {}",
                        printable(other.rule->pattern)),
            "keep programs and data in different folders");
        return;
      }
    }
  }

  // A new name may not do more than the file may by its old one
  // (security/apparmor/file.c, profile_path_link); which that will be, no rule
  // tells.
  void linked() {
    std::vector<const FileRule*> more;
    for (const ReadRule& one : read_) {
      const FileRule& rule = *one.rule;
      const Access& may = rule.access;
      if (!rule.deny && may.link &&
          (may.read || writes(rule) || may.lock || runs(rule))) {
        more.push_back(&rule);
      }
    }
    if (more.empty()) {
      return;
    }
    const std::string others =
        more.size() == 1
            ? ""
            : fmt::format(" (nor to those of {} other rules)", more.size() - 1);
    add("apparmor-hard-link", "medium", *more.front(),
        fmt::format("the kernel links no file to this name{} that may not be "
                    "used in the same ways by its old name",
                    others),
        "add what its old name lacks as a decision \"file ...\"");
  }

  void many_inherit() {
    const auto count =
        std::ranges::count(rules_.files, Exec::Inherit, &FileRule::exec);
    if (static_cast<std::size_t>(count) > kManyInherit) {
      findings_.push_back(
          {.id = "apparmor-many-inherit",
           .severity = "low",
           .place = "apparmor: " + where_,
           .message = fmt::format(
               "{} rules start programs under this same profile", count),
           .hint = "give helpers a child profile (cx)"});
    }
  }

  const Rules& rules_;
  std::string where_;
  std::vector<Finding>& findings_;
  std::vector<ReadRule> read_;
};

}  // namespace

std::string_view whole_folder(const Pattern& pattern) {
  const auto* const found =
      std::ranges::find_if(kFolders, [&](std::string_view folder) {
        return pattern.matches(std::string(folder) + std::string(kNowhere));
      });
  return found == kFolders.end() ? std::string_view() : *found;
}

std::vector<Finding> lint(const Profile& profile) {
  std::vector<Finding> out;
  if (profile.abi.empty()) {
    out.push_back({.id = "apparmor-no-abi",
                   .severity = "medium",
                   .place = "apparmor: " + profile.name,
                   .message = "no abi line: what the rules cover depends on "
                              "the machine",
                   .hint = "abi <abi/3.0>,"});
  }
  Linter(profile, profile.rules, profile.name, out).lint();
  for (const auto& [name, rules] : profile.children) {
    Linter(profile, rules, profile.name + "//" + name, out).lint();
  }
  // Of two rules that differ in the owner alone the same is said.
  std::ranges::sort(out);
  const auto again = std::ranges::unique(out);
  out.erase(again.begin(), again.end());
  return out;
}

}  // namespace vambrace::policy::apparmor
