#include "review/markdown.h"

#include <algorithm>

#include "base/printable.h"
#include "kernel/syscalls.h"

namespace vambrace::review {
namespace {

constexpr std::size_t kCandidatesShown = 10;
constexpr std::size_t kGrantsShown = 40;

// Text in a table or a list: what markup would act on is escaped.
std::string plain(std::string_view text) {
  std::string out;
  for (const char c : printable(text)) {
    if (std::string_view("\\`*_{}[]<>()#+!|~&@").find(c) !=
        std::string_view::npos) {
      out += '\\';
    }
    out += c;
  }
  return out;
}

std::string findings_table(const std::vector<policy::Finding>& findings) {
  std::string text = "| severity | place | finding |\n| --- | --- | --- |\n";
  for (const policy::Finding& finding : findings) {
    text +=
        fmt::format("| {} | {} | {}{}{} |\n", finding.severity,
                    plain(finding.place), plain(finding.message),
                    finding.hint.empty() ? "" : "<br>", plain(finding.hint));
  }
  return text;
}

// Whether it is worth a line of its own in a comment.
bool is_told(const policy::Finding& finding) {
  return finding.severity != "info";
}

std::string arguments(const std::string& limits) {
  return limits.empty() ? "any arguments" : plain(limits);
}

// With which arguments a call is let through, and with which it was.
std::string limits_text(const Grant& grant,
                        const std::map<std::string, std::string>& before) {
  if (grant.layer != Layer::Seccomp) {
    return "";
  }
  const auto was = before.find(grant.subject);
  if (was == before.end()) {
    return grant.limits.empty() ? "" : " with " + plain(grant.limits);
  }
  return fmt::format(" with {}, before with {}", arguments(grant.limits),
                     arguments(was->second));
}

// `before` as of Changes; for what is withdrawn that is the grant itself.
std::string grants_list(std::string_view title,
                        const std::vector<Grant>& grants,
                        const std::map<std::string, std::string>& before) {
  if (grants.empty()) {
    return "";
  }
  std::string text = fmt::format("\n### {}: {}\n\n", title, grants.size());
  for (std::size_t i = 0; i < std::min(kGrantsShown, grants.size()); ++i) {
    const Grant& grant = grants[i];
    text += fmt::format(
        "* {}{}{} ({} risk{}{})\n", plain(grant.subject),
        limits_text(grant, before),
        grant.program.empty() ? "" : " in " + plain(grant.program),
        to_string(grant.risk.level), grant.risk.exposes.empty() ? "" : ": ",
        plain(grant.risk.exposes));
  }
  return grants.size() > kGrantsShown
             ? text +
                   fmt::format("* and {} more\n", grants.size() - kGrantsShown)
             : text;
}

// The same call of two architectures is one name.
std::string names_of(std::span<const Candidate> alike) {
  std::vector<std::string> names;
  for (const Candidate& candidate : alike) {
    std::string name = plain(candidate.subject);
    if (std::ranges::find(names, name) == names.end()) {
      names.push_back(std::move(name));
    }
  }
  return fmt::format("{}", fmt::join(names, ", "));
}

// What nobody decided about, with what opens it.
std::string offers_of(std::span<const Candidate> alike) {
  std::vector<std::string> offers;
  for (const Offer& offer : nothing_new(alike)) {
    offers.push_back(
        fmt::format("{} ({})", plain(offer.subject), plain(offer.by)));
  }
  return offers.empty() ? "each of them is decided about"
                        : fmt::format("{}", fmt::join(offers, ", "));
}

std::string candidates_list(const std::vector<Candidate>& candidates) {
  std::string text;
  for (const auto& alike : by_rank(candidates)) {
    const Candidate& first = alike.front();
    if (first.rank > kCandidatesShown || first.granted) {
      break;
    }
    const bool nothing_new = !first.opened_by.empty();
    text += fmt::format(
        "{}. {}: {}\n", first.rank,
        nothing_new ? "open no more than what is granted" : names_of(alike),
        nothing_new ? offers_of(alike) : plain(first.why));
  }
  return text.empty()
             ? ""
             : "\n### Can be done and was not seen: what opens nothing "
               "new, then most likely first\n\n" +
                   text;
}

std::string counts(const Review& review) {
  std::string text;
  for (const std::string_view severity : {"high", "medium", "low", "info"}) {
    const auto count = review.summary.findings.find(std::string(severity));
    text += fmt::format(
        "{}{} {}", text.empty() ? "" : ", ",
        count == review.summary.findings.end() ? 0 : count->second, severity);
  }
  return text;
}

}  // namespace

std::string markdown(const Review& review,
                     const std::optional<Changes>& since) {
  std::string text = fmt::format(
      "## Review of {}\n\n{} grants, findings: {}.\n",
      plain(review.workload.id), review.grants.size(), counts(review));
  std::vector<policy::Finding> told;
  std::ranges::copy_if(since ? since->found : review.findings,
                       std::back_inserter(told), is_told);
  text += fmt::format("\n### {}: {}\n", since ? "New findings" : "Findings",
                      told.size());
  if (!told.empty()) {
    text += "\n" + findings_table(told);
  }
  if (since) {
    text += grants_list("Allowed now and not before", since->granted,
                        since->before);
    text += grants_list("No longer allowed", since->withdrawn, {});
    const auto gone = std::ranges::count_if(since->gone, is_told);
    if (gone > 0) {
      text += fmt::format("\n{} findings of before are gone.\n", gone);
    }
  }
  return text + candidates_list(review.candidates);
}

}  // namespace vambrace::review
