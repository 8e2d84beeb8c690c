#include <algorithm>

#include "report/parts.h"

namespace vambrace::report {
namespace {

using review::Review;
using review::RiskClass;
using review::Role;

constexpr Role kRoles[] = {Role::App,     Role::Helper,  Role::Probe,
                           Role::Runtime, Role::Closure, Role::Always,
                           Role::Decision};

// A tile: what it is about, the figure, and a line that explains it.
Html figure(std::string_view label, std::string_view value,
            std::string_view note, std::string_view tone) {
  Html out;
  out.open("div", {{"class", "figure " + std::string(tone)}});
  out.leaf("dt", label);
  out.open("dd").leaf("strong", value).leaf("span", note).close();
  return out.close();
}

Html findings_figure(const Review& review) {
  const std::size_t high =
      std::ranges::count(review.findings, "high", &policy::Finding::severity);
  return figure(
      "Findings",
      high == 0 ? counted(review.findings.size(), "finding")
                : fmt::format("{} high", high),
      high == 0 ? "none of high severity"
                : fmt::format("of {}; {} the review", review.findings.size(),
                              high == 1 ? "it fails" : "they fail"),
      high > 0                  ? "bad"
      : review.findings.empty() ? "good"
                                : "neutral");
}

bool decided(const review::Grant& grant) {
  return grant.decision || (grant.waiver && grant.waiver->state != "expired");
}

Html grants_figure(const Review& review) {
  std::size_t high = 0;
  std::size_t open = 0;
  std::size_t unknown = 0;
  for (const review::Grant& grant : review.grants) {
    unknown += grant.risk.level == RiskClass::Unknown ? 1 : 0;
    if (grant.risk.level == RiskClass::High) {
      ++high;
      open += decided(grant) ? 0 : 1;
    }
  }
  std::string note =
      high == 0
          ? "none of high risk"
          : fmt::format("{} of high risk, {} of them undecided", high, open);
  if (unknown > 0) {
    note += fmt::format("; {} of unknown risk", unknown);
  }
  return figure("Granted", counted(review.grants.size(), "rule"), note,
                open > 0      ? "bad"
                : unknown > 0 ? "neutral"
                              : "good");
}

Html evidence_figure(const Review& review) {
  const std::size_t gaps =
      std::ranges::count(review.gaps, "evidence", &review::Gap::side);
  const bool complete =
      review.summary.evidence_state == evidence::State::Complete;
  return figure(
      "Evidence", evidence::to_string(review.summary.evidence_state),
      fmt::format("{}, {}", counted(review.summary.recordings, "recording"),
                  gaps == 0 ? "no known gap" : counted(gaps, "gap")),
      complete ? "good" : "bad");
}

Html coverage_figure(const Review& review) {
  const review::Ratio& calls = review.coverage.calls;
  const bool known = calls.reachable.has_value();
  return figure("Coverage", percent(calls),
                known ? share(calls) + " reachable calls were seen"
                      : "no analysis tells what else the programs could do",
                known ? "neutral" : "bad");
}

using Counts = std::map<RiskClass, std::uint64_t>;

// Grants by who needs them: each stands with the first of its roles.
std::vector<std::pair<Role, Counts>> by_origin(const Review& review) {
  std::vector<std::pair<Role, Counts>> out;
  std::map<Role, Counts> counts;
  for (const review::Grant& grant : review.grants) {
    const auto first = std::ranges::find_if(kRoles, [&](Role role) {
      return std::ranges::count(grant.needs, role, &review::Need::role) > 0;
    });
    // What nobody is known to need, a person has added.
    const Role role = first == std::end(kRoles) ? Role::Decision : *first;
    ++counts[role][grant.risk.level];
  }
  for (const Role role : kRoles) {
    if (const auto found = counts.find(role); found != counts.end()) {
      out.emplace_back(role, found->second);
    }
  }
  return out;
}

std::uint64_t total(const Counts& counts) {
  std::uint64_t sum = 0;
  for (const auto& [risk, count] : counts) {
    sum += count;
  }
  return sum;
}

std::uint64_t at(const Counts& counts, RiskClass risk) {
  const auto found = counts.find(risk);
  return found == counts.end() ? 0 : found->second;
}

// A bar of one segment per class; `most` is as wide as the place.
Html stacked_bar(const Counts& counts, std::uint64_t most) {
  Html out;
  out.open("svg", {{"class", "stack"}});
  std::uint64_t before = 0;
  for (const RiskClass risk : kRisks) {
    const std::uint64_t count = at(counts, risk);
    if (count == 0) {
      continue;
    }
    const auto width = [&](std::uint64_t part) {
      return fmt::format("{:.2f}%", 100.0 * static_cast<double>(part) /
                                        static_cast<double>(most));
    };
    out.leaf("rect",
             {{"class", "risk-" + std::string(review::to_string(risk))},
              {"x", width(before)},
              {"width", width(count)},
              {"height", "100%"}},
             "");
    before += count;
  }
  return out.close();
}

// What a role stands for, in few words.
std::string_view explained(Role role) {
  switch (role) {
    case Role::App:
      return "the main program";
    case Role::Helper:
      return "programs that it runs";
    case Role::Probe:
      return "declared health checks";
    case Role::Runtime:
      return "the container runtime";
    case Role::Closure:
      return "a widening that was asked for";
    case Role::Always:
      return "what every program may need";
    case Role::Decision:
      return "a person";
  }
  return {};
}

Html legend(const Review& review) {
  Html out;
  Counts all;
  for (const review::Grant& grant : review.grants) {
    ++all[grant.risk.level];
  }
  out.open("ul", {{"class", "legend"}});
  for (const RiskClass risk : kRisks) {
    out.open("li").add(risk_mark(risk));
    out.text(fmt::format(" {}", at(all, risk))).close();
  }
  return out.close();
}

Html origins_table(const std::vector<std::pair<Role, Counts>>& rows) {
  Html out;
  out.open("table");
  out.leaf("caption", "Granted rules by origin and risk");
  out.open("thead").open("tr").leaf("th", {{"scope", "col"}}, "origin");
  for (const RiskClass risk : kRisks) {
    out.leaf("th", {{"scope", "col"}, {"class", "number"}},
             review::to_string(risk));
  }
  out.close().close().open("tbody");
  for (const auto& [role, counts] : rows) {
    out.open("tr").leaf("th", {{"scope", "row"}}, review::to_string(role));
    for (const RiskClass risk : kRisks) {
      out.leaf("td", {{"class", "number"}}, std::to_string(at(counts, risk)));
    }
    out.close();
  }
  return out.close().close();
}

// From which day to which.
std::string recorded(const review::Summary& summary) {
  const std::string first = summary.first.substr(0, 10);
  const std::string last = summary.last.substr(0, 10);
  return first.empty()   ? "unknown"
         : first == last ? first
                         : first + " to " + last;
}

}  // namespace

Html title_part(const Review& review) {
  const std::string& id = review.workload.id;
  const std::size_t slash = id.rfind('/');
  Html out;
  out.open("p", {{"class", "eyebrow"}})
      .text("Vambrace review, " + review.day)
      .close();
  out.leaf("h1", id.substr(slash == std::string::npos ? 0 : slash + 1));
  out.open("p", {{"class", "identity"}}).leaf("code", id);
  if (!review.workload.owner.empty()) {
    out.text(", owned by " + review.workload.owner);
  }
  return out.close();
}

Html figures_part(const Review& review) {
  Html out;
  return out.open("dl", {{"class", "figures"}})
      .add(findings_figure(review))
      .add(grants_figure(review))
      .add(evidence_figure(review))
      .add(coverage_figure(review))
      .close();
}

Html origins_part(const Review& review) {
  const auto rows = by_origin(review);
  std::uint64_t most = 1;
  std::string told;
  for (const auto& [role, counts] : rows) {
    most = std::max(most, total(counts));
    told += fmt::format("{}{}: {}, {} of high risk", told.empty() ? "" : "; ",
                        review::to_string(role), total(counts),
                        at(counts, RiskClass::High));
  }
  Html out;
  out.add(legend(review));
  out.open("div", {{"class", "bars"}, {"role", "img"}, {"aria-label", told}});
  for (const auto& [role, counts] : rows) {
    out.open("div", {{"class", "bar"}});
    out.open("span", {{"class", "name"}}).leaf("b", review::to_string(role));
    out.leaf("small", explained(role)).close();
    out.add(stacked_bar(counts, most));
    out.leaf("span", {{"class", "number"}}, std::to_string(total(counts)));
    out.close();
  }
  out.close();
  out.open("details", {{"class", "plain"}}).leaf("summary", "As a table");
  out.open("div", {{"class", "wide"}}).add(origins_table(rows)).close();
  out.leaf("p", {{"class", "note"}},
           "A rule that several need stands with the first of them, in the "
           "order of this table.");
  return out.close();
}

Html facts_part(const Review& review) {
  const review::Summary& summary = review.summary;
  Html out;
  out.open("dl", {{"class", "facts"}});
  define(out, "stage", policy::to_string(summary.stage));
  define(out, "target", summary.target);
  define(out, "container", review.workload.container);
  define(out, "recorded", recorded(summary));
  define(out, "kernels", listed(summary.kernels));
  define(out, "programs", listed(summary.programs));
  define(out, "analyzed",
         summary.analyzed.empty() ? "none" : listed(summary.analyzed));
  define(out, "risk table", summary.risk_table);
  return out.close();
}

}  // namespace vambrace::report
