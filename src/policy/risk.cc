#include "policy/risk.h"

#include <algorithm>

#include "policy/risk_json.h"

namespace vambrace {
const std::map<std::string_view, std::string_view>& embedded_risks();
}  // namespace vambrace

namespace vambrace::policy {
namespace {

RiskTable shipped_risks() {
  auto table = parse_risks(embedded_risks().at("risks"));
  CHECK(table.has_value());
  return std::move(*table);
}

template <class Map, class Key>
const Risk* look_up(const Map& map, const Key& key) {
  const auto found = map.find(key);
  return found == map.end() ? nullptr : &found->second;
}

const Risk* if_high(const Risk* risk) {
  return level_of(risk) == RiskClass::High ? risk : nullptr;
}

auto arguments_of(const RiskTable& table, std::string_view syscall) {
  return std::ranges::equal_range(table.arguments, syscall, {},
                                  &ArgumentRisk::call);
}

// Do some arguments that the tuple lets through have the value?
bool lets_through(const ArgTuple& tuple, const ArgMatch& value) {
  return std::ranges::none_of(tuple, [&](const ArgMatch& match) {
    const std::uint64_t both = match.mask & value.mask;
    return match.index == value.index &&
           (match.value & both) != (value.value & both);
  });
}

// Do all of them have it?
bool pins(const ArgTuple& tuple, const ArgMatch& value) {
  return std::ranges::any_of(tuple, [&](const ArgMatch& match) {
    return match.index == value.index &&
           (match.mask & value.mask) == value.mask &&
           (match.value & value.mask) == value.value;
  });
}

// Does the table tell what each tuple comes to, by the first argument of which
// it tells anything? That is the door; others only choose behind it.
bool told(const RiskTable& table, std::string_view syscall,
          const std::set<ArgTuple>& args) {
  const auto all = arguments_of(table, syscall);
  return !args.empty() && std::ranges::all_of(args, [&](const ArgTuple& tuple) {
    return std::ranges::any_of(all, [&](const ArgumentRisk& one) {
      return one.match.index == all.front().match.index &&
             pins(tuple, one.match);
    });
  });
}

// Does the whole path match the pattern, in which * is any name or part of one?
// Walks once, and goes back to the last * alone: the time is their product.
bool matches(std::string_view pattern, std::string_view path) {
  std::size_t at = 0;
  std::size_t in = 0;
  std::size_t star = std::string_view::npos;
  std::size_t retry = 0;
  while (in < path.size()) {
    if (at < pattern.size() && pattern[at] == '*') {
      star = at++;
      retry = in;
    } else if (at < pattern.size() && pattern[at] == path[in]) {
      ++at;
      ++in;
    } else if (star != std::string_view::npos && path[retry] != '/') {
      at = star + 1;
      in = ++retry;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', at) == std::string_view::npos;
}

// Does it match the path or a folder that the path is below?
bool reaches(std::string_view pattern, std::string_view path) {
  if (!path.starts_with('/')) {
    return false;
  }
  for (std::size_t end = path.size(); end != 0;
       end = path.substr(0, end).rfind('/')) {
    if (matches(pattern, path.substr(0, end))) {
      return true;
    }
  }
  return pattern == "/";
}

}  // namespace

std::string_view to_string(RiskClass level) {
  switch (level) {
    case RiskClass::Low:
      return "low";
    case RiskClass::Medium:
      return "medium";
    case RiskClass::Unknown:
      return "unknown";
    case RiskClass::High:
      return "high";
  }
  return "unknown";
}

std::optional<RiskClass> risk_class_from(std::string_view name) {
  for (const RiskClass level :
       {RiskClass::Low, RiskClass::Medium, RiskClass::High}) {
    if (to_string(level) == name) {
      return level;
    }
  }
  return std::nullopt;
}

RiskClass level_of(const Risk* risk) {
  return risk == nullptr ? RiskClass::Unknown : risk->level;
}

const RiskTable& builtin_risks() {
  static const RiskTable kTable = shipped_risks();
  return kTable;
}

const Risk* risk_of(const RiskTable& table, std::string_view syscall) {
  return look_up(table.syscalls, syscall);
}

const Risk* risk_of_capability(const RiskTable& table, std::uint32_t number) {
  return look_up(table.capabilities, number);
}

const Risk* risk_of_access(const RiskTable& table, std::string_view kind) {
  return look_up(table.accesses, kind);
}

std::span<const std::string> covering(const RiskTable& table,
                                      std::string_view syscall) {
  const auto it =
      std::ranges::lower_bound(table.covered, syscall, {}, &Equivalent::call);
  return it != table.covered.end() && it->call == syscall
             ? std::span<const std::string>(it->by)
             : std::span<const std::string>();
}

const Risk* risk_of_path(const RiskTable& table, std::string_view path) {
  const Risk* found = nullptr;
  std::size_t longest = 0;
  for (const auto& [pattern, risk] : table.paths) {
    if (pattern.size() > longest && reaches(pattern, path)) {
      found = &risk;
      longest = pattern.size();
    }
  }
  return found;
}

const ArgumentRisk* risk_of_value(const RiskTable& table,
                                  std::string_view syscall,
                                  std::string_view value) {
  const auto all = arguments_of(table, syscall);
  const auto found = std::ranges::find(all, value, &ArgumentRisk::name);
  return found == all.end() ? nullptr : &*found;
}

std::vector<const ArgumentRisk*> values_within(const RiskTable& table,
                                               std::string_view syscall,
                                               const std::set<ArgTuple>& args) {
  std::vector<const ArgumentRisk*> out;
  for (const ArgumentRisk& one : arguments_of(table, syscall)) {
    if (args.empty() || std::ranges::any_of(args, [&](const ArgTuple& tuple) {
          return lets_through(tuple, one.match);
        })) {
      out.push_back(&one);
    }
  }
  return out;
}

GrantRisk risk_of_grant(const RiskTable& table, std::string_view syscall,
                        const std::set<ArgTuple>& args) {
  GrantRisk out{.values = values_within(table, syscall, args)};
  std::ranges::stable_sort(
      out.values, std::ranges::greater(),
      [](const ArgumentRisk* one) { return one->risk.level; });
  if (!told(table, syscall, args)) {
    out.risk = risk_of(table, syscall);
    out.level = level_of(out.risk);
  } else {
    out.level = RiskClass::Low;
  }
  if (!out.values.empty()) {
    const Risk& highest = out.values.front()->risk;
    if (out.risk == nullptr ? highest.level >= out.level
                            : highest.level > out.level) {
      out.level = highest.level;
      out.risk = &highest;
    }
  }
  return out;
}

const Risk* syscall_risk(std::string_view name) {
  return if_high(risk_of(builtin_risks(), name));
}

const Risk* capability_risk(std::uint32_t number) {
  return if_high(risk_of_capability(builtin_risks(), number));
}

const std::vector<RiskyValues>& risky_values() {
  static const std::vector<RiskyValues> kValues = [] {
    std::vector<RiskyValues> out;
    for (const ArgumentRisk& one : builtin_risks().arguments) {
      if (one.risk.level != RiskClass::High) {
        continue;
      }
      if (out.empty() || out.back().call != one.call) {
        out.push_back({.call = one.call});
      }
      out.back().values.push_back(one.match);
    }
    return out;
  }();
  return kValues;
}

}  // namespace vambrace::policy
