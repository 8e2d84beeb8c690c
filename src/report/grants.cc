#include <algorithm>

#include "report/parts.h"

namespace vambrace::report {
namespace {

using review::Grant;
using review::Need;
using review::Trait;

std::string roles(const Grant& grant) {
  std::vector<std::string_view> names;
  for (const Need& need : grant.needs) {
    const std::string_view name = review::to_string(need.role);
    if (!std::ranges::count(names, name)) {
      names.push_back(name);
    }
  }
  return listed(names);
}

std::string traits(const Grant& grant) {
  std::vector<std::string_view> names;
  for (const Trait trait : grant.traits) {
    names.push_back(review::to_string(trait));
  }
  return listed(names);
}

// Where a person's choice stands: the word that the filter reads.
std::string standing(const Grant& grant) {
  if (grant.waiver) {
    return grant.waiver->state == "expired" ? "expired" : "waived";
  }
  return grant.decision ? grant.decision->choice : "";
}

Html grant_line(const Grant& grant) {
  Html out;
  out.open("summary").add(risk_mark(grant.risk.level));
  out.open("span", {{"class", "what"}}).add(subject_words(grant.subject));
  if (!grant.program.empty()) {
    out.leaf("small", {{"class", "in"}}, " in " + grant.program);
  }
  out.close();
  out.leaf("span", {{"class", "origin"}}, roles(grant));
  out.leaf("span", {{"class", "use"}}, traits(grant));
  out.leaf("span", {{"class", "times number"}},
           grant.count == 0 ? "" : fmt::format("{}×", grant.count));
  out.leaf("span", {{"class", "standing"}}, standing(grant));
  return out.close();
}

std::string phases_of(const Grant& grant) {
  std::vector<std::string> told;
  for (const auto& [phase, count] : grant.phases) {
    told.push_back(fmt::format("{} {}×", phase, count));
  }
  return listed(told);
}

Html needs_table(const Grant& grant) {
  Html out;
  if (grant.needs.empty()) {
    return out;
  }
  out.open("div", {{"class", "wide"}}).open("table");
  out.leaf("caption", "Who needs it").open("thead").open("tr");
  out.leaf("th", {{"scope", "col"}}, "origin");
  out.leaf("th", {{"scope", "col"}}, "name");
  out.leaf("th", {{"scope", "col"}}, "in");
  out.leaf("th", {{"scope", "col"}, {"class", "number"}}, "times");
  out.close().close().open("tbody");
  for (const Need& need : grant.needs) {
    out.open("tr").leaf("td", review::to_string(need.role));
    out.open("td").leaf("code", need.name);
    if (!need.script.empty()) {
      out.text(" running ").leaf("code", need.script);
    }
    out.close().leaf("td", listed(need.phases));
    out.leaf("td", {{"class", "number"}},
             need.count == 0 ? "" : std::to_string(need.count));
    out.close();
  }
  return out.close().close().close();
}

void define_choice(Html& out, const Grant& grant) {
  if (grant.decision) {
    const policy::Decision& decision = *grant.decision;
    define(out, "decision",
           fmt::format("{} by {}: {}", decision.choice, decision.who,
                       decision.why));
  }
  if (grant.waiver) {
    const review::WaiverState& state = *grant.waiver;
    define(out, "waiver",
           fmt::format("{} until {} by {}: {}", state.state, state.waiver.until,
                       state.waiver.who, state.waiver.why));
  }
}

std::string arches_of(const Grant& grant) {
  std::vector<std::string_view> names;
  for (const kernel::Arch arch : grant.arches) {
    names.push_back(kernel::to_string(arch));
  }
  return listed(names);
}

Html grant_more(const Grant& grant) {
  Html out;
  out.open("div", {{"class", "more"}}).open("dl", {{"class", "facts"}});
  add_risk(out, grant.risk);
  define(out, "narrowed to", grant.limits);
  define(out, "architectures", arches_of(grant));
  define(out, "seen",
         grant.count == 0
             ? "in no evidence that counts"
             : fmt::format("{} in {}", counted(grant.count, "time"),
                           counted(grant.recordings, "recording")));
  define(out, "phases", phases_of(grant));
  for (const policy::Reason& reason : grant.reasons) {
    define(out, "reason", policy::describe(reason));
  }
  define_choice(out, grant);
  out.close().add(needs_table(grant));
  return out.close();
}

Html grant_row(const Grant& grant, std::size_t index) {
  const bool seen =
      grant.count > 0 && !grant.traits.contains(Trait::Unobserved);
  const std::string choice = standing(grant);
  const bool decided = !choice.empty() && choice != "expired";
  Html out;
  out.open("li",
           {{"class", "item rule grant"},
            {"data-list", "grants"},
            {"data-index", std::to_string(index)},
            {"data-layer", std::string(review::to_string(grant.layer))},
            {"data-risk", std::string(review::to_string(grant.risk.level))},
            {"data-origin", roles(grant)},
            {"data-use", traits(grant)},
            {"data-seen", seen ? "observed" : "unobserved"},
            {"data-decided", decided ? "decided" : "undecided"}});
  out.open("details", {{"class", "line"}})
      .add(grant_line(grant))
      .add(grant_more(grant));
  return out.close().close();
}

}  // namespace

Html grants_part(const review::Review& review) {
  if (review.grants.empty()) {
    return nothing("The policy grants nothing.");
  }
  Html out;
  out.open("div", {{"class", "columns-head grant"}, {"aria-hidden", "true"}});
  for (const std::string_view head :
       {"risk", "rule", "needed by", "use", "times", "decision"}) {
    out.leaf("span", head);
  }
  out.close().open("ul", {{"class", "rows"}});
  for (std::size_t i = 0; i < review.grants.size(); ++i) {
    out.add(grant_row(review.grants[i], i));
  }
  return out.close();
}

}  // namespace vambrace::report
