#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "report/html.h"
#include "review/review.h"

// The parts of the page, each a piece of markup from the review. For this room
// alone.
namespace vambrace::report {

// summary.cc
Html title_part(const review::Review& review);
Html figures_part(const review::Review& review);
Html origins_part(const review::Review& review);
Html facts_part(const review::Review& review);

// grants.cc, candidates.cc
Html grants_part(const review::Review& review);
Html candidates_part(const review::Review& review);

// coverage.cc
Html coverage_part(const review::Review& review);

// remarks.cc
Html findings_part(const review::Review& review);
Html gaps_part(const review::Review& review);
Html decisions_part(const review::Review& review);
Html advisories_part(const review::Review& review);

// Small pieces, pieces.cc.

// "1 call", "2 calls".
std::string counted(std::uint64_t number, std::string_view noun);
// "62%", "unknown".
std::string percent(const review::Ratio& ratio);
// "61 of 98", "61 of unknown".
std::string share(const review::Ratio& ratio);
// The class as a word with its mark.
Html risk_mark(review::RiskClass risk);
// "syscall ptrace" with its first word set back.
Html subject_words(std::string_view subject);
// A bar of which a part is filled. Empty if nothing is known.
Html ratio_bar(const review::Ratio& ratio);
// What a risk exposes, with sources and advisories, in a definition list.
void add_risk(Html& out, const review::Risk& risk);
// A link if it is an address, which a reader may follow.
Html source_line(const std::string& source);
// "Nothing ...", as a paragraph that stands for an empty list.
Html nothing(std::string_view sentence);
// One line of a definition list; nothing for an empty text.
void define(Html& out, std::string_view term, std::string_view text);
// Texts with ", " between.
template <class Texts>
std::string listed(const Texts& texts) {
  std::string out;
  for (const auto& text : texts) {
    out += out.empty() ? "" : ", ";
    out += text;
  }
  return out;
}

// Every role, class and layer, in the order in which they are shown.
constexpr review::RiskClass kRisks[] = {
    review::RiskClass::High, review::RiskClass::Unknown,
    review::RiskClass::Medium, review::RiskClass::Low};

}  // namespace vambrace::report
