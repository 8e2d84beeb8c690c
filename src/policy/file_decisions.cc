#include "policy/file_decisions.h"

#include <algorithm>
#include <array>

#include "base/json.h"
#include "policy/apparmor/variables.h"
#include "policy/reasons.h"

namespace vambrace::policy {
namespace {

constexpr std::string_view kWriting = "acdopw";

void take(std::string& access, std::string_view letters) {
  std::erase_if(access, [&](char c) { return letters.contains(c); });
}

// Whether the rule has no path that the pattern does not match.
bool is_within(const FileRule& rule, const FileSubject& file,
               const apparmor::Pattern& pattern) {
  if (rule.pattern == file.pattern) {
    return true;
  }
  const auto own = decided_pattern(rule.pattern);
  const std::array wider = {&pattern};
  return own && overlap(*own, pattern) && !beyond(*own, wider);
}

}  // namespace

Result<apparmor::Pattern> decided_pattern(const std::string& text) {
  apparmor::Variables variables;
  for (const std::string& name : apparmor::variables_in(text)) {
    const std::string value = apparmor::variable_value(name);
    if (value.empty()) {
      return fail(ErrorCode::InvalidInput, "\"{}\": no variable is named {}",
                  json::quote_bytes(text), json::quote_bytes(name));
    }
    variables[name] = {value};
  }
  return during(fmt::format("\"{}\"", json::quote_bytes(text)),
                apparmor::Pattern::parse(text, variables));
}

Result<> check_decision(const Subject& subject, std::string_view choice) {
  if (choice != "keep" && choice != "drop" && choice != "add") {
    return std::unexpected(
        Error(ErrorCode::InvalidInput,
              fmt::format("unknown choice \"{}\"", json::quote_bytes(choice)))
            .with_hint("a choice is keep, drop or add"));
  }
  const auto* file = std::get_if<FileSubject>(&subject);
  if (file == nullptr) {
    return {};
  }
  TRY(decided_pattern(file->pattern));
  if (choice == "add" && file->access.contains('x')) {
    return std::unexpected(
        Error(ErrorCode::InvalidInput,
              fmt::format("\"{}\": a program to start is not added by hand",
                          json::quote_bytes(file->pattern)))
            .with_hint("record a run that starts it"));
  }
  return {};
}

std::string refused_with(std::string_view access) {
  std::string out(access);
  if (access.find_first_of(kWriting) != access.npos) {
    out += kWriting;
  }
  std::ranges::sort(out);
  const auto same = std::ranges::unique(out);
  out.erase(same.begin(), same.end());
  return out;
}

Result<> drop_file(Policy& policy, const FileSubject& file,
                   const Reason& reason) {
  TRY_ASSIGN(const apparmor::Pattern pattern, decided_pattern(file.pattern));
  const std::string letters = refused_with(file.access);
  for (FileRule& rule : policy.files) {
    if (rule.access.find_first_of(letters) != std::string::npos &&
        is_within(rule, file, pattern)) {
      take(rule.access, letters);
      rule.starts = rule.access.contains('x') ? rule.starts : std::nullopt;
    }
  }
  std::erase_if(policy.files,
                [](const FileRule& rule) { return rule.access.empty(); });
  auto same =
      std::ranges::find(policy.denied, file.pattern, &FileDenial::pattern);
  if (same == policy.denied.end()) {
    policy.denied.push_back({file.pattern, "", {}});
    same = std::prev(policy.denied.end());
  }
  same->access = refused_with(same->access + letters);
  merge(same->reasons, {reason});
  std::ranges::sort(policy.denied);
  return {};
}

void allow_again(Policy& policy, const FileSubject& file) {
  for (FileDenial& denial : policy.denied) {
    if (denial.pattern == file.pattern) {
      take(denial.access, refused_with(file.access));
    }
  }
  std::erase_if(policy.denied,
                [](const FileDenial& one) { return one.access.empty(); });
}

}  // namespace vambrace::policy
