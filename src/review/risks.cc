#include "review/risks.h"

#include <algorithm>
#include <cctype>

#include "policy/apparmor/lint.h"
#include "policy/apparmor/variables.h"

namespace vambrace::review {
namespace {

using policy::apparmor::Pattern;

Risk made_of(const policy::Risk* risk) {
  if (risk == nullptr) {
    return {};
  }
  return {
      .level = risk->level, .exposes = risk->exposes, .sources = risk->sources};
}

// The worse one of two; what the first says where they are alike.
void worsen(Risk& risk, const Risk& other) {
  if (other.level > risk.level || risk.exposes.empty()) {
    risk = other;
  }
}

std::string_view fixed_start(std::string_view pattern) {
  return pattern.substr(0, pattern.find_first_of("*?[{@\\"));
}

std::optional<Pattern> pattern_of(const policy::FileRule& rule) {
  policy::apparmor::Variables variables;
  for (const std::string& name : policy::apparmor::variables_in(rule.pattern)) {
    variables[name] = {policy::apparmor::variable_value(name)};
  }
  auto pattern = Pattern::parse(rule.pattern, variables);
  return pattern ? std::optional(std::move(*pattern)) : std::nullopt;
}

// The kinds of RiskTable::accesses that a file rule is.
std::vector<std::string_view> kinds_of(const policy::FileRule& rule,
                                       const Pattern* pattern) {
  const auto has = [&](std::string_view letters) {
    return rule.access.find_first_of(letters) != std::string::npos;
  };
  const bool broad =
      pattern != nullptr && !policy::apparmor::whole_folder(*pattern).empty();
  const bool writes = has("acdopw");
  std::vector<std::string_view> kinds;
  if (has("klmr")) {
    kinds.emplace_back(broad ? "file-broad-read" : "file-read");
  }
  if (writes) {
    kinds.emplace_back(broad ? "file-broad-write" : "file-write");
  }
  if (has("x")) {
    kinds.emplace_back("file-execute");
  }
  if (has("l")) {
    kinds.emplace_back("file-link");
  }
  if (writes && has("mx")) {
    kinds.emplace_back("file-write-exec");
  }
  return kinds;
}

// "AF_INET" for "inet", as the table names values of socket().
std::string value_of(std::string_view family) {
  std::string name = "AF_";
  for (const char c : family) {
    name += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  }
  return name;
}

}  // namespace

Risks::Risks(const policy::RiskTable& table) : table_(table) {
  for (const auto& [path, risk] : table.paths) {
    // Itself and all that is below it.
    if (auto pattern = Pattern::parse(path + "{,/**}")) {
      places_.push_back(
          {std::string(fixed_start(path)), std::move(*pattern), &risk});
    }
  }
}

Risk Risks::of_call(std::string_view name,
                    const std::set<policy::ArgTuple>& args) const {
  const policy::GrantRisk grant = policy::risk_of_grant(table_, name, args);
  Risk risk = made_of(grant.risk);
  risk.level = grant.level;
  for (const policy::Advisory* advisory : policy::advisories_by(table_, name)) {
    risk.advisories.push_back(advisory->id);
  }
  return risk;
}

Risk Risks::of_capability(std::uint32_t number) const {
  return made_of(policy::risk_of_capability(table_, number));
}

Risk Risks::of_kind(std::string_view kind) const {
  return made_of(policy::risk_of_access(table_, kind));
}

Risk Risks::of(const policy::FileRule& rule) const {
  const auto pattern = pattern_of(rule);
  Risk risk;
  bool known = false;
  const auto add = [&](const Risk& other) {
    risk = known ? risk : other;
    worsen(risk, other);
    known = true;
  };
  const std::string_view start = fixed_start(rule.pattern);
  if (start.size() == rule.pattern.size()) {
    // One path: the nearest place that the table tells of stands for it.
    if (const auto* place = policy::risk_of_path(table_, rule.pattern)) {
      add(made_of(place));
    }
  } else if (pattern) {
    for (const Place& place : places_) {
      const bool may_meet =
          start.starts_with(place.fixed) || place.fixed.starts_with(start);
      if (may_meet && policy::apparmor::overlap(*pattern, place.pattern)) {
        add(made_of(place.risk));
      }
    }
  }
  Risk writing;
  for (const std::string_view kind :
       kinds_of(rule, pattern ? &*pattern : nullptr)) {
    add(of_kind(kind));
    if (kind.ends_with("write")) {
      writing = of_kind(kind);
    }
  }
  // A worse risk that is not of writing must not hide that it writes.
  if (!writing.exposes.empty() &&
      risk.exposes.find(writing.exposes) == std::string::npos) {
    risk.exposes += "; " + writing.exposes;
  }
  return risk;
}

Risk Risks::of(const policy::SocketRule& rule) const {
  if (rule.family.empty()) {
    return of_kind("network-any");
  }
  const policy::ArgumentRisk* value =
      policy::risk_of_value(table_, "socket", value_of(rule.family));
  Risk risk = made_of(value == nullptr ? nullptr : &value->risk);
  if (rule.type == "raw" || rule.type.empty()) {
    worsen(risk, of_kind("network-raw"));
  }
  return risk;
}

// A rule does not tell to which of the workload's processes.
Risk Risks::of(const policy::SignalRule& /*rule*/) const {
  return of_kind("signal-other");
}

Risk Risks::of(const policy::MountRule& rule) const {
  return of_kind(rule.operation);
}

Risk Risks::of(const policy::TraceRule& rule) const {
  return of_kind(rule.access == "trace" ? "trace" : "trace-read");
}

bool Risks::leads_further(std::string_view name,
                          const policy::Grants& grants) const {
  return policy::needs_met_by(table_, name, grants) > 0;
}

std::vector<Advisory> Risks::advisories(const policy::Grants& grants) const {
  std::vector<Advisory> made;
  for (const policy::Advisory& advisory : table_.advisories) {
    const policy::AdvisoryStanding standing =
        policy::standing(table_, advisory, grants);
    made.push_back(
        {.id = advisory.id,
         .about = fmt::format("{}: {}", advisory.subsystem, advisory.what),
         .exposure = std::string(policy::to_string(standing.exposure)),
         .granted = standing.granted,
         .refused = standing.refused,
         .sources = advisory.sources});
  }
  return made;
}

}  // namespace vambrace::review
