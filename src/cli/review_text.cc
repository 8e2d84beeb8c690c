#include <algorithm>

#include "base/json.h"
#include "base/printable.h"
#include "cli/columns.h"
#include "cli/review_words.h"
#include "review/remarks.h"

namespace vambrace::cli {
namespace {

using review::Review;

constexpr std::size_t kFindingsShown = 20;
constexpr std::size_t kCandidatesShown = 10;
constexpr std::size_t kGrantsShown = 10;

std::string ratio_text(const review::Ratio& ratio) {
  return ratio.reachable
             ? fmt::format("{} seen of {} that can be made", ratio.observed,
                           *ratio.reachable)
             : fmt::format("{} seen; how many can be made is unknown",
                           ratio.observed);
}

std::string risks_text(const Review& review) {
  std::string text;
  for (auto level = policy::RiskClass::High;;
       level = static_cast<policy::RiskClass>(static_cast<int>(level) - 1)) {
    const auto count = review.summary.risks.find(level);
    if (count != review.summary.risks.end()) {
      text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count->second,
                          policy::to_string(level));
    }
    if (level == policy::RiskClass::Low) {
      return text.empty() ? "none" : text;
    }
  }
}

std::string summary_text(const Review& review, const std::string& directory) {
  const review::Summary& summary = review.summary;
  std::string text = fmt::format(
      "{}: {} at stage {} for {}\n"
      "  grants        {}, by risk: {}\n"
      "  evidence      {} in {}{}\n",
      directory, json::quote_bytes(review.workload.id),
      policy::to_string(summary.stage), json::quote_bytes(summary.target),
      review.grants.size(), risks_text(review),
      evidence::to_string(summary.evidence_state),
      counted(summary.recordings, "recording"),
      summary.last.empty() ? ""
                           : ", the last of " + summary.last.substr(0, 10));
  text +=
      fmt::format("  system calls  {}\n", ratio_text(review.coverage.calls));
  for (const review::ProgramCoverage& program : review.coverage.programs) {
    if (program.calls.reachable && review.coverage.programs.size() > 1) {
      text +=
          fmt::format("                {} in {}\n", ratio_text(program.calls),
                      json::quote_bytes(program.program));
    }
  }
  text += fmt::format("  another run   {}: {}\n", review.coverage.outlook.worth,
                      printable(review.coverage.outlook.why));
  const auto open = std::ranges::count_if(
      review.advisories,
      [](const review::Advisory& one) { return one.within_reach(); });
  if (!review.advisories.empty()) {
    text += fmt::format("  advisories    {} of {} within reach\n", open,
                        review.advisories.size());
  }
  return text;
}

std::string findings_text(const std::vector<policy::Finding>& findings,
                          bool all, bool color) {
  std::string text;
  std::size_t shown = 0;
  for (const policy::Finding& finding : findings) {
    if (!all && (shown == kFindingsShown || finding.severity == "info")) {
      break;
    }
    ++shown;
    text += fmt::format("  {:<6} {}: {} [{}]\n",
                        finding.severity == "high" ? bold("high", color) + "  "
                                                   : finding.severity,
                        printable(finding.place), printable(finding.message),
                        finding.id);
    if (!finding.hint.empty()) {
      text += fmt::format("         {}\n", printable(finding.hint));
    }
  }
  if (shown < findings.size()) {
    text += fmt::format("  ... and {} more; see them with --all\n",
                        findings.size() - shown);
  }
  return text;
}

std::string chain_text(const review::Candidate& candidate) {
  std::string text;
  for (const elf::Step& step : candidate.chain) {
    text +=
        fmt::format("{}{}", text.empty() ? "" : " > ",
                    step.function.empty() ? fmt::format("{:#x}", step.address)
                                          : json::quote_bytes(step.function));
  }
  return text;
}

// The same call of two architectures is one name.
std::vector<std::string> names_of(std::span<const review::Candidate> alike) {
  std::vector<std::string> names;
  for (const review::Candidate& candidate : alike) {
    std::string name = kernel::syscall_label(candidate.syscall);
    if (std::ranges::find(names, name) == names.end()) {
      names.push_back(std::move(name));
    }
  }
  return names;
}

std::string each_text(std::span<const review::Candidate> candidates) {
  std::string text;
  for (const review::Candidate& candidate : candidates) {
    text += fmt::format("      {} ({}): {}\n        {}\n",
                        kernel::syscall_label(candidate.syscall),
                        elf::to_string(candidate.confidence), candidate.why,
                        chain_text(candidate));
  }
  return text;
}

std::string nothing_new_text(std::span<const review::Candidate> alike,
                             const std::string& directory, bool all) {
  std::vector<std::string> offers;
  for (const review::Offer& offer : review::nothing_new(alike)) {
    offers.push_back(fmt::format(
        "{} ({})", offer.subject.substr(offer.subject.find(' ') + 1),
        offer.by));
  }
  const std::string text =
      offers.empty()
          ? fmt::format(
                "{}: open no more than what is granted\n"
                "      each of them is decided about\n",
                fmt::join(names_of(alike), ", "))
          : fmt::format(
                "open no more than what is granted: {}\n"
                "      vambrace review {} add \"{}\" --why REASON, with "
                "the same --reach or --root\n",
                fmt::join(offers, ", "), directory, review::kNothingNew);
  return fmt::format("  {:>2}. {}{}", alike.front().rank, text,
                     all ? each_text(alike) : "");
}

// Those of one rank; the reasons and the chain are of the likeliest. `all`: of
// the others, too.
std::string candidate_text(std::span<const review::Candidate> alike, bool all) {
  const review::Candidate& first = alike.front();
  return fmt::format(
      "  {:>2}. {} ({}, {} risk{}{}): {}\n      {}\n{}", first.rank,
      fmt::join(names_of(alike), ", "), elf::to_string(first.confidence),
      policy::to_string(first.risk.level), alike.size() > 1 ? ": " : "",
      alike.size() > 1 ? printable(first.risk.exposes) : "", first.why,
      chain_text(first), all ? each_text(alike.subspan(1)) : "");
}

std::string candidates_text(const Review& review, const std::string& directory,
                            bool all) {
  std::string text;
  std::size_t shown = 0;
  std::size_t total = 0;
  for (const auto& alike : review::by_rank(review.candidates)) {
    if (alike.front().granted) {
      continue;
    }
    ++total;
    if (!all && shown == kCandidatesShown) {
      continue;
    }
    ++shown;
    text += alike.front().opened_by.empty()
                ? candidate_text(alike, all)
                : nothing_new_text(alike, directory, all);
  }
  if (shown < total) {
    text +=
        fmt::format("  ... and {} more; see them with --all\n", total - shown);
  }
  return text;
}

std::string needs_text(const review::Grant& grant) {
  std::vector<std::string> names;
  for (const review::Need& need : grant.needs) {
    names.push_back(need.name.empty()
                        ? std::string(review::to_string(need.role))
                        : fmt::format("{} ({})", json::quote_bytes(need.name),
                                      review::to_string(need.role)));
  }
  constexpr std::size_t kShown = 2;
  const std::size_t more = names.size() > kShown ? names.size() - kShown : 0;
  names.resize(names.size() - more);
  return fmt::format("{}{}", fmt::join(names, ", "),
                     more == 0 ? "" : fmt::format(" and {} more", more));
}

std::string grants_text(const Review& review, bool all) {
  Columns table({{"risk"},
                 {"grant"},
                 {"seen", Columns::Align::Right},
                 {"needed by"},
                 {"look at"}});
  std::size_t shown = 0;
  for (const review::Grant& grant : review.grants) {
    if (!all &&
        (shown == kGrantsShown || grant.risk.level < policy::RiskClass::High)) {
      break;
    }
    ++shown;
    std::vector<std::string_view> traits;
    for (const review::Trait trait : grant.traits) {
      traits.push_back(review::to_string(trait));
    }
    table.row({std::string(policy::to_string(grant.risk.level)),
               json::quote_bytes(grant.subject), fmt::format("{}", grant.count),
               needs_text(grant), fmt::format("{}", fmt::join(traits, ", "))});
  }
  return table.empty() ? "" : table.print();
}

std::string section(std::string_view title, const std::string& text,
                    bool color) {
  return text.empty() ? "" : fmt::format("\n{}\n{}", bold(title, color), text);
}

// What a person does next about it.
std::string next_step(const Review& review, const std::string& directory) {
  for (const review::Grant& grant : review.grants) {
    const bool decided =
        grant.decision || (grant.waiver && grant.waiver->state != "expired");
    if (grant.risk.level == policy::RiskClass::High && !decided &&
        !grant.traits.contains(review::Trait::RuntimeOnly)) {
      return fmt::format(
          "next: vambrace review {} drop \"{}\" --why REASON, or keep, or "
          "waive with --until DAY\n",
          directory, json::quote_bytes(grant.subject));
    }
  }
  return fmt::format("next: vambrace replay {}\n", directory);
}

// With the arguments of a call: it may be about them alone.
std::string changed_text(const review::Grant& grant) {
  const std::string subject = json::quote_bytes(grant.subject);
  return grant.layer == review::Layer::Seccomp && !grant.limits.empty()
             ? fmt::format("{} ({})", subject, json::quote_bytes(grant.limits))
             : subject;
}

}  // namespace

std::string review_text(const Review& review,
                        const std::optional<review::Changes>& since,
                        const std::string& directory, bool all, bool color) {
  std::string text = summary_text(review, directory);
  text += section(
      since ? "New findings" : "Findings",
      findings_text(since ? since->found : review.findings, all, color), color);
  if (since) {
    Columns table({{""}, {""}});
    for (const review::Grant& grant : since->granted) {
      table.row({"+", changed_text(grant)});
    }
    for (const review::Grant& grant : since->withdrawn) {
      table.row({"-", changed_text(grant)});
    }
    text +=
        section("Changed grants", table.empty() ? "" : table.print(), color);
  }
  text += section("Riskiest grants", grants_text(review, all), color);
  text += section(
      "Can be done and was not seen: what opens nothing new, then most likely "
      "first",
      candidates_text(review, directory, all), color);
  return text + "\n" + next_step(review, directory);
}

}  // namespace vambrace::cli
