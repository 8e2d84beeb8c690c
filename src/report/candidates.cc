#include "report/parts.h"

namespace vambrace::report {
namespace {

using review::Candidate;

// How a function of a chain is reached, for people.
std::string_view told(elf::Link link) {
  switch (link) {
    case elf::Link::Start:
      return "entry point";
    case elf::Link::Initializer:
      return "called on loading";
    case elf::Link::Call:
      return "called";
    case elf::Link::AddressTaken:
      return "address taken";
    case elf::Link::Data:
      return "address in data";
    case elf::Link::Lookup:
      return "found by name";
  }
  return {};
}

Html chain_list(const Candidate& candidate) {
  Html out;
  out.open("div").leaf("h4", "Call chain");
  out.open("ol", {{"class", "chain"}});
  for (const elf::Step& step : candidate.chain) {
    out.open("li").leaf("small", {{"class", "link"}}, told(step.link));
    out.leaf("code", step.function.empty() ? fmt::format("{:#x}", step.address)
                                           : step.function);
    out.leaf("small", {{"class", "object"}}, step.object).close();
  }
  out.open("li", {{"class", "call"}});
  out.leaf("small", {{"class", "link"}}, "which makes");
  return out.add(subject_words(candidate.subject)).close().close().close();
}

Html terms_table(const Candidate& candidate) {
  Html out;
  if (candidate.terms.empty()) {
    return out;
  }
  out.open("div", {{"class", "wide"}}).open("table");
  out.leaf("caption", fmt::format("Why it has {} points", candidate.score));
  out.open("tbody");
  for (const review::Term& term : candidate.terms) {
    out.open("tr").leaf("th", {{"scope", "row"}}, term.name);
    out.leaf("td", term.why);
    out.leaf("td", {{"class", "number"}}, fmt::format("{:+}", term.points));
    out.close();
  }
  return out.close().close().close();
}

Html candidate_line(const Candidate& candidate) {
  Html out;
  out.open("summary").add(risk_mark(candidate.risk.level));
  out.leaf("span", {{"class", "rank number"}}, std::to_string(candidate.rank));
  out.open("span", {{"class", "what"}}).add(subject_words(candidate.subject));
  out.close().leaf("span", {{"class", "why"}}, candidate.why);
  out.leaf("span", {{"class", "standing"}},
           candidate.decision  ? candidate.decision->choice
           : candidate.granted ? "granted"
                               : "");
  return out.close();
}

std::vector<std::string> others(const Candidate& candidate,
                                std::span<const Candidate> alike) {
  std::vector<std::string> out;
  for (const Candidate& one : alike) {
    if (&one != &candidate) {
      out.push_back(one.subject);
    }
  }
  return out;
}

// `alike`: it and those that open the same.
Html candidate_more(const Candidate& candidate,
                    std::span<const Candidate> alike) {
  Html out;
  out.open("div", {{"class", "more"}}).add(chain_list(candidate));
  out.open("dl", {{"class", "facts"}});
  define(out, "confidence",
         candidate.confidence == elf::Confidence::Direct
             ? "direct: calls alone lead there"
             : "indirect: over a pointer to a function, which is not followed");
  define(out, "program", candidate.program);
  define(out, "also in", listed(candidate.also_in));
  define(out, "made in", listed(candidate.objects));
  add_risk(out, candidate.risk);
  if (candidate.opened_by.empty()) {
    define(out, "opens the same", listed(others(candidate, alike)));
  } else {
    define(out, "opened already by", listed(candidate.opened_by));
  }
  if (candidate.granted) {
    define(out, "granted", "all the same: a runtime, a closure or a person");
  }
  if (candidate.decision) {
    define(out, "decision",
           fmt::format("{} by {}: {}", candidate.decision->choice,
                       candidate.decision->who, candidate.decision->why));
  }
  out.close().add(terms_table(candidate));
  return out.close();
}

Html candidate_row(const Candidate& candidate, std::size_t index,
                   std::span<const Candidate> alike) {
  const std::string risk(review::to_string(candidate.risk.level));
  Html out;
  out.open(
      "li",
      {{"class", &candidate == &alike.front() ? "item rule candidate"
                                              : "item rule candidate alike"},
       {"data-list", "candidates"},
       {"data-index", std::to_string(index)},
       {"data-layer", "seccomp"},
       {"data-rank", std::to_string(candidate.rank)},
       {"data-risk", risk},
       {"data-origin", ""},
       {"data-use", ""},
       {"data-seen", "unobserved"},
       {"data-decided", candidate.decision ? "decided" : "undecided"}});
  out.open("details", {{"class", "line"}});
  out.add(candidate_line(candidate)).add(candidate_more(candidate, alike));
  return out.close().close();
}

}  // namespace

Html candidates_part(const review::Review& review) {
  if (review.candidates.empty()) {
    return nothing(review.summary.analyzed.empty()
                       ? "Unknown: no program was analyzed. vambrace analyze "
                         "PROGRAM --json > FILE tells what it could do, and "
                         "vambrace review --reach FILE shows that here."
                       : "Every call that the binaries can make was seen.");
  }
  Html out;
  out.open("div",
           {{"class", "columns-head candidate"}, {"aria-hidden", "true"}});
  for (const std::string_view head :
       {"risk", "rank", "call", "why it may be needed", "decision"}) {
    out.leaf("span", head);
  }
  out.close().open("ul", {{"class", "rows"}});
  std::size_t index = 0;
  for (const auto& alike : review::by_rank(review.candidates)) {
    for (const Candidate& candidate : alike) {
      out.add(candidate_row(candidate, index++, alike));
    }
  }
  return out.close();
}

}  // namespace vambrace::report
