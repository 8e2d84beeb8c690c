#include "review/changes.h"

#include <algorithm>

#include "base/json.h"
#include "policy/apparmor/text_hash.h"
#include "review/remarks.h"

namespace vambrace::review {
namespace {

// Those of `items` whose key `others` has not.
template <class Item, class Key>
std::vector<Item> without(const std::vector<Item>& items,
                          const std::vector<Item>& others, Key key) {
  std::set<decltype(key(items.front()))> known;
  for (const Item& other : others) {
    known.insert(key(other));
  }
  std::vector<Item> left;
  std::ranges::copy_if(items, std::back_inserter(left), [&](const Item& item) {
    return !known.contains(key(item));
  });
  return left;
}

std::tuple<std::string, std::string, std::string> key_of(
    const policy::Finding& finding) {
  return {finding.id, policy::apparmor::lasting_place(finding.place),
          finding.severity};
}

std::tuple<Layer, std::string, std::string> key_of(const Grant& grant) {
  return {grant.layer, grant.subject, grant.program};
}

std::set<std::string_view> tuples_in(const std::string& limits) {
  std::set<std::string_view> tuples;
  std::string_view left = limits;
  while (!left.empty()) {
    const std::size_t end = left.find("; ");
    tuples.insert(left.substr(0, end));
    left.remove_prefix(end == left.npos ? left.size() : end + 2);
  }
  return tuples;
}

// Whether a call is let through with arguments with which another is not.
bool is_beyond(const Grant& one, const Grant& other) {
  if (one.layer != Layer::Seccomp || one.limits == other.limits ||
      other.limits.empty()) {
    return false;
  }
  return one.limits.empty() ||
         !std::ranges::includes(tuples_in(other.limits), tuples_in(one.limits));
}

// Those that `others` has not, or not with these arguments.
std::vector<Grant> beyond(const std::vector<Grant>& grants,
                          const std::vector<Grant>& others) {
  std::map<decltype(key_of(Grant())), const Grant*> known;
  for (const Grant& other : others) {
    known.emplace(key_of(other), &other);
  }
  std::vector<Grant> left;
  std::ranges::copy_if(grants, std::back_inserter(left), [&](const Grant& one) {
    const auto other = known.find(key_of(one));
    return other == known.end() || is_beyond(one, *other->second);
  });
  return left;
}

std::map<std::string, std::string> limits_before(
    const std::vector<Grant>& old, const std::vector<Grant>& now) {
  std::map<std::string, std::string> all;
  std::map<std::string, std::string> changed;
  for (const Grant& grant : old) {
    if (grant.layer == Layer::Seccomp) {
      all.emplace(grant.subject, grant.limits);
    }
  }
  for (const Grant& grant : now) {
    const auto was = all.find(grant.subject);
    if (grant.layer == Layer::Seccomp && was != all.end() &&
        was->second != grant.limits) {
      changed.insert(*was);
    }
  }
  return changed;
}

}  // namespace

Changes changes(const Review& old, const Review& now) {
  const auto key = [](const auto& item) { return key_of(item); };
  // An edit of a file may be another one than that of before.
  std::vector<policy::Finding> known = old.findings;
  std::erase_if(known, [](const policy::Finding& finding) {
    return finding.id == "layer-edited";
  });
  return {.found = without(now.findings, known, key),
          .gone = without(old.findings, now.findings, key),
          .granted = beyond(now.grants, old.grants),
          .withdrawn = beyond(old.grants, now.grants),
          .before = limits_before(old.grants, now.grants)};
}

Result<FailOn> parse_fail_on(std::string_view word) {
  FailOn fail_on;
  if (word == "none") {
    fail_on.never = true;
    return fail_on;
  }
  constexpr std::string_view kNew = "new-";
  fail_on.only_new = word.starts_with(kNew);
  const std::string_view severity =
      fail_on.only_new ? word.substr(kNew.size()) : word;
  if (severity != "info" && severity_rank(severity) == 0) {
    return std::unexpected(
        Error(ErrorCode::InvalidInput,
              fmt::format("\"{}\" names no severity", json::quote_bytes(word)))
            .with_hint("write high, medium, low, info, the same with new- in "
                       "front, or none"));
  }
  fail_on.rank = severity_rank(severity);
  return fail_on;
}

std::vector<policy::Finding> failing(const Review& now,
                                     const std::optional<Changes>& since,
                                     const FailOn& fail_on) {
  std::vector<policy::Finding> found;
  if (fail_on.never) {
    return found;
  }
  for (const policy::Finding& finding : now.findings) {
    const bool is_new = !since || std::ranges::find(since->found, finding) !=
                                      since->found.end();
    const bool counts = severity_rank(finding.severity) >= fail_on.rank &&
                        (is_new || !fail_on.only_new);
    if (counts || finding.id == "waiver-expired") {
      found.push_back(finding);
    }
  }
  return found;
}

}  // namespace vambrace::review
