#include "cli/diff_words.h"

#include "cli/bundle_words.h"
#include "kernel/capabilities.h"

namespace vambrace::cli {
namespace {

using policy::Permit;

std::string lines(std::string_view sign, const std::vector<Permit>& permits) {
  std::string text;
  std::size_t unnamed = 0;
  for (const Permit& permit : permits) {
    if (!permit.named) {
      ++unnamed;
      continue;
    }
    text += fmt::format("{} {}", sign, permit.call);
    if (sign == "~") {
      text += fmt::format(": {}, then {}", outcome_text(permit.here),
                          outcome_text(permit.there));
    } else if (permit.when.empty()) {
      text += ": any arguments";
    }
    text += "\n";
    for (const std::string& when : permit.when) {
      text += fmt::format("    if {}\n", when);
    }
  }
  return unnamed == 0 ? text
                      : text + fmt::format("{} {} numbers without a name\n",
                                           sign, unnamed);
}

std::string lines(std::string_view sign,
                  const std::set<std::uint32_t>& capabilities) {
  std::string text;
  for (const std::uint32_t number : capabilities) {
    text += fmt::format("{} capability {}\n", sign,
                        *kernel::capability_name(number));
  }
  return text;
}

std::string line(const policy::FilePermit& permit) {
  return fmt::format("file {}{} {}{}{}", permit.owner ? "owner " : "",
                     json::quote_bytes(permit.pattern), permit.access,
                     permit.program.empty() ? "" : " in " + permit.program,
                     permit.example == permit.pattern || permit.example.empty()
                         ? ""
                         : ": such as " + json::quote_bytes(permit.example));
}

std::string line(const policy::RulePermit& permit) {
  return fmt::format("{}{}", json::quote_bytes(permit.rule),
                     permit.program.empty() ? "" : " in " + permit.program);
}

// Where the other side refuses nothing it permits this, too.
template <class PermitOfRule>
std::string lines(std::string_view sign, std::string_view side,
                  const std::vector<PermitOfRule>& permits,
                  bool other_refuses_nothing) {
  std::string text;
  for (const PermitOfRule& permit : permits) {
    text += other_refuses_nothing
                ? fmt::format("~ {}: in the rules of {} alone\n", line(permit),
                              side)
                : fmt::format("{} {}\n", sign, line(permit));
  }
  return text;
}

std::string what(const policy::Setting& setting) {
  return setting.name.empty() ? setting.kind
                              : fmt::format("{} {}", setting.kind,
                                            json::quote_bytes(setting.name));
}

std::string lines(std::string_view sign,
                  const std::vector<policy::Setting>& settings) {
  std::string text;
  for (const policy::Setting& setting : settings) {
    const std::string_view own = setting.right.empty()  ? "-"
                                 : setting.left.empty() ? "+"
                                                        : "~";
    if (own == sign) {
      text += fmt::format("{} {}: {}{}{}\n", sign, what(setting), setting.left,
                          sign == "~" ? ", then " : "", setting.right);
    }
  }
  return text;
}

json::Value json_of(const std::vector<policy::RulePermit>& permits) {
  json::Value list = json::Value::array();
  for (const policy::RulePermit& permit : permits) {
    list.push_back({{"program", permit.program},
                    {"rule", json::quote_bytes(permit.rule)}});
  }
  return list;
}

json::Value json_of(const std::vector<policy::FilePermit>& permits) {
  json::Value list = json::Value::array();
  for (const policy::FilePermit& permit : permits) {
    list.push_back({{"program", permit.program},
                    {"pattern", json::quote_bytes(permit.pattern)},
                    {"access", permit.access},
                    {"owner", permit.owner},
                    {"example", json::quote_bytes(permit.example)}});
  }
  return list;
}

json::Value json_of(const std::vector<Permit>& permits) {
  json::Value list = json::Value::array();
  for (const Permit& permit : permits) {
    json::Value example = json::Value::array();
    for (const std::uint64_t value : permit.example) {
      example.push_back(fmt::format("{:#x}", value));
    }
    list.push_back({{"call", permit.call},
                    {"nr", permit.nr},
                    {"named", permit.named},
                    {"when", permit.when},
                    {"example", example},
                    {"here", policy::seccomp::to_string(permit.here)},
                    {"there", policy::seccomp::to_string(permit.there)}});
  }
  return list;
}

json::Value json_of(const std::set<std::uint32_t>& capabilities) {
  json::Value list = json::Value::array();
  for (const std::uint32_t number : capabilities) {
    list.push_back(std::string(*kernel::capability_name(number)));
  }
  return list;
}

json::Value json_of(const std::vector<policy::Setting>& settings) {
  json::Value list = json::Value::array();
  for (const policy::Setting& setting : settings) {
    list.push_back({{"kind", setting.kind},
                    {"name", json::quote_bytes(setting.name)},
                    {"a", setting.left},
                    {"b", setting.right}});
  }
  return list;
}

// What the two permit alike.
std::string same(const Compared& compared) {
  std::string what = compared.container ? "the same" : "the same system calls";
  if (!compared.container) {
    what += "; nothing else was compared: not both are bundles";
  }
  return fmt::format("{} and {} permit {}\n", compared.left, compared.right,
                     what);
}

}  // namespace

std::string text_of(const policy::Difference& found, const Compared& compared) {
  std::string text;
  for (const Compared::Finding& finding : compared.findings) {
    text += fmt::format("finding: {}\n  {}\n", finding.message, finding.hint);
  }
  if (found.none()) {
    return text + (compared.findings.empty()
                       ? same(compared)
                       : "what was compared permits the same\n");
  }
  const std::string& left = compared.left;
  const std::string& right = compared.right;
  const bool left_open = compared.left_refuses_nothing;
  const bool right_open = compared.right_refuses_nothing;
  return text +
         fmt::format("- only {} permits it, + only {} does\n", left, right) +
         lines("-", found.only_left) + lines("-", found.capabilities_left) +
         lines("-", found.settings) +
         lines("-", left, found.files_left, right_open) +
         lines("-", left, found.rules_left, right_open) +
         lines("+", found.only_right) + lines("+", found.capabilities_right) +
         lines("+", found.settings) +
         lines("+", right, found.files_right, left_open) +
         lines("+", right, found.rules_right, left_open) +
         lines("~", found.otherwise) + lines("~", found.settings);
}

json::Value json_of(const policy::Difference& found, const Compared& compared) {
  json::Value findings = json::Value::array();
  for (const Compared::Finding& finding : compared.findings) {
    findings.push_back(finding.message);
  }
  return {{"schema", "vambrace.diff/v1"},
          {"only_a", json_of(found.only_left)},
          {"only_b", json_of(found.only_right)},
          {"otherwise", json_of(found.otherwise)},
          {"capabilities_compared", compared.capabilities},
          {"capabilities_only_a", json_of(found.capabilities_left)},
          {"capabilities_only_b", json_of(found.capabilities_right)},
          {"files_compared", compared.files},
          {"files_only_a", json_of(found.files_left)},
          {"files_only_b", json_of(found.files_right)},
          {"rules_only_a", json_of(found.rules_left)},
          {"rules_only_b", json_of(found.rules_right)},
          {"refuses_nothing_a", compared.left_refuses_nothing},
          {"refuses_nothing_b", compared.right_refuses_nothing},
          {"container_compared", compared.container},
          {"container", json_of(found.settings)},
          {"findings", findings}};
}

}  // namespace vambrace::cli
