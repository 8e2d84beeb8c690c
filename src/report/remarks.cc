#include "report/parts.h"

namespace vambrace::report {
namespace {

using review::Review;

Html finding_item(const policy::Finding& finding) {
  Html out;
  out.open("li",
           {{"class", "item finding"}, {"data-severity", finding.severity}});
  out.leaf("span", {{"class", "mark risk-" + finding.severity}},
           finding.severity);
  out.open("div").open("p").leaf("code", finding.place);
  out.text(": ").leaf("b", finding.message).close();
  out.open("p", {{"class", "note"}}).text(finding.hint);
  out.text(" ").leaf("span", {{"class", "id"}}, finding.id);
  return out.close().close().close();
}

Html gap_item(const review::Gap& gap) {
  Html out;
  out.open("li", {{"class", "item finding"}});
  out.leaf("span", {{"class", "mark word"}}, gap.side);
  out.open("div").open("p").leaf("b", gap.kind);
  if (!gap.place.empty()) {
    out.text(" at ").leaf("code", gap.place);
  }
  out.text(gap.detail.empty() ? "" : ": ").text(gap.detail).close();
  if (!gap.advice.empty()) {
    out.leaf("p", {{"class", "note"}}, gap.advice);
  }
  return out.close().close();
}

Html advisory_item(const review::Advisory& advisory) {
  Html out;
  out.open("li", {{"class", "item finding"}});
  out.leaf("span", {{"class", "mark exposure-" + advisory.exposure}},
           advisory.exposure);
  out.open("div").open("p").leaf("b", advisory.id).text(" ");
  out.text(advisory.about).close().open("dl", {{"class", "facts"}});
  define(out, "granted", listed(advisory.granted));
  define(out, "refused", listed(advisory.refused));
  out.close();
  if (!advisory.sources.empty()) {
    out.open("p", {{"class", "note"}});
    for (const std::string& source : advisory.sources) {
      out.add(source_line(source)).text(" ");
    }
    out.close();
  }
  return out.close().close();
}

Html decision_item(const review::DecisionState& state) {
  Html out;
  out.open("li", {{"class", "item finding"}});
  out.leaf("span", {{"class", "mark word"}}, state.decision.choice);
  out.open("div").open("p").add(subject_words(state.decision.what));
  out.text(" ").leaf("span", {{"class", "state-" + state.state}}, state.state);
  out.close().open("p", {{"class", "note"}});
  out.text(state.decision.who + ": " + state.decision.why);
  if (!state.because.empty()) {
    out.close().open("p").text(state.because);
  }
  return out.close().close().close();
}

Html waiver_item(const review::WaiverState& state) {
  Html out;
  out.open("li", {{"class", "item finding"}});
  out.leaf("span", {{"class", "mark waiver-" + state.state}}, state.state);
  out.open("div").open("p").add(subject_words(state.waiver.what));
  out.text(" until " + state.waiver.until);
  if (state.days_left >= 0) {
    out.text(fmt::format(", {} left", counted(state.days_left, "day")));
  }
  out.close().open("p", {{"class", "note"}});
  out.text(state.waiver.who + ": " + state.waiver.why);
  return out.close().close().close();
}

template <class Items, class Show>
Html list_of(const Items& items, std::string_view none, Show show) {
  if (items.empty()) {
    return nothing(none);
  }
  Html out;
  out.open("ul", {{"class", "remarks"}});
  for (const auto& item : items) {
    out.add(show(item));
  }
  return out.close();
}

}  // namespace

Html findings_part(const Review& review) {
  return list_of(review.findings, "Nothing was found.", finding_item);
}

Html gaps_part(const Review& review) {
  return list_of(review.gaps, "No gap is known.", gap_item);
}

Html decisions_part(const Review& review) {
  Html out;
  if (review.decisions.empty() && review.waivers.empty()) {
    return nothing("Nobody has decided anything yet.");
  }
  if (!review.waivers.empty()) {
    out.add(list_of(review.waivers, "", waiver_item));
  }
  if (!review.decisions.empty()) {
    out.add(list_of(review.decisions, "", decision_item));
  }
  return out;
}

Html advisories_part(const Review& review) {
  if (review.advisories.empty()) {
    return nothing("The table of risks names no advisory.");
  }
  std::vector<review::Advisory> near;
  std::vector<review::Advisory> far;
  for (const review::Advisory& advisory : review.advisories) {
    (advisory.within_reach() ? near : far).push_back(advisory);
  }
  Html out;
  out.add(list_of(near, "None of them is in reach.", advisory_item));
  if (!far.empty()) {
    out.open("details", {{"class", "plain fold"}});
    out.leaf("summary", fmt::format("{} closed, or with no known way by a call",
                                    far.size()));
    out.add(list_of(far, "", advisory_item)).close();
  }
  return out;
}

}  // namespace vambrace::report
