#include "base/json.h"
#include "cli/bundle_words.h"
#include "cli/commands.h"
#include "cli/options.h"
#include "cli/profile_file.h"
#include "kernel/capabilities.h"
#include "policy/apparmor/render.h"
#include "policy/difference.h"

namespace vambrace::cli {
namespace {

using policy::Permit;

struct Read {
  policy::seccomp::Evaluator evaluator;
  std::optional<std::set<std::uint32_t>> capabilities;
  std::optional<policy::apparmor::Profile> files;
};

Result<Read> read_side(const Files& files, const std::string& path,
                       const std::string& target) {
  if (files.exists(path + "/bundle.yaml")) {
    TRY_ASSIGN(Loaded bundle, load(files, path));
    TRY_ASSIGN(policy::seccomp::Evaluator evaluator,
               during(path, policy::seccomp::Evaluator::of(
                                bundle.profile, bundle.manifest.target)));
    TRY_ASSIGN(policy::apparmor::Rendered rendered,
               during(path, policy::apparmor::render(
                                bundle.policy, bundle.manifest.target,
                                bundle.manifest.stage, bundle.granted)));
    return Read{std::move(evaluator), std::move(bundle.granted),
                std::move(rendered.profile)};
  }
  TRY_ASSIGN(const ProfileFile file, read_profile(files, path, target));
  TRY_ASSIGN(policy::seccomp::Evaluator evaluator,
             during(file.path,
                    policy::seccomp::Evaluator::of(file.profile, file.target)));
  return Read{std::move(evaluator), std::nullopt, std::nullopt};
}

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

std::string lines(std::string_view sign,
                  const std::vector<policy::FilePermit>& permits) {
  std::string text;
  for (const policy::FilePermit& permit : permits) {
    text +=
        fmt::format("{} file {}{} {}{}{}\n", sign, permit.owner ? "owner " : "",
                    json::quote_bytes(permit.pattern), permit.access,
                    permit.program.empty() ? "" : " in " + permit.program,
                    permit.example == permit.pattern || permit.example.empty()
                        ? ""
                        : ": such as " + json::quote_bytes(permit.example));
  }
  return text;
}

std::string lines(std::string_view sign,
                  const std::vector<policy::RulePermit>& permits) {
  std::string text;
  for (const policy::RulePermit& permit : permits) {
    text += fmt::format("{} {}{}\n", sign, json::quote_bytes(permit.rule),
                        permit.program.empty() ? "" : " in " + permit.program);
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

}  // namespace

Result<Exit> diff(Environment& environment, Words words) {
  std::string left_path;
  std::string right_path;
  std::string target = "docker";
  bool as_json = false;
  Options options;
  options.word("A", left_path, "a bundle folder or a seccomp profile");
  options.word("B", right_path, "another one");
  options.choice("--target", runtime::target_names(), target,
                 "what a plain profile is for (docker)");
  options.json(as_json);
  TRY(options.parse(environment, words));

  TRY_ASSIGN(const Read left, read_side(environment.files, left_path, target));
  TRY_ASSIGN(const Read right,
             read_side(environment.files, right_path, target));
  static const std::set<std::uint32_t> kNone;
  const bool with_capabilities = left.capabilities && right.capabilities;
  TRY_ASSIGN(
      const policy::Difference found,
      policy::difference(
          {left.evaluator, with_capabilities ? *left.capabilities : kNone,
           left.files ? &*left.files : nullptr},
          {right.evaluator, with_capabilities ? *right.capabilities : kNone,
           right.files ? &*right.files : nullptr}));
  if (as_json) {
    environment.output.out(
        json::print({{"schema", "vambrace.diff/v1"},
                     {"only_a", json_of(found.only_left)},
                     {"only_b", json_of(found.only_right)},
                     {"otherwise", json_of(found.otherwise)},
                     {"capabilities_compared", with_capabilities},
                     {"capabilities_only_a", json_of(found.capabilities_left)},
                     {"capabilities_only_b", json_of(found.capabilities_right)},
                     {"files_compared", left.files && right.files},
                     {"files_only_a", json_of(found.files_left)},
                     {"files_only_b", json_of(found.files_right)},
                     {"rules_only_a", json_of(found.rules_left)},
                     {"rules_only_b", json_of(found.rules_right)}}));
  } else if (found.none()) {
    environment.output.out(
        fmt::format("{} and {} permit the same\n", left_path, right_path));
  } else {
    environment.output.out(
        fmt::format("- only {} permits it, + only {} does\n", left_path,
                    right_path) +
        lines("-", found.only_left) + lines("-", found.capabilities_left) +
        lines("-", found.files_left) + lines("-", found.rules_left) +
        lines("+", found.only_right) + lines("+", found.capabilities_right) +
        lines("+", found.files_right) + lines("+", found.rules_right) +
        lines("~", found.otherwise));
  }
  return found.none() ? Exit::Clean : Exit::Findings;
}

}  // namespace vambrace::cli
