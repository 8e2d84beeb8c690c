#include <algorithm>
#include <iterator>

#include "cli/bundle_words.h"
#include "cli/commands.h"
#include "cli/diff_words.h"
#include "cli/enforcement.h"
#include "cli/options.h"
#include "cli/profile_file.h"
#include "evidence/time.h"
#include "policy/container_difference.h"
#include "policy/difference.h"
#include "repository/compose.h"

namespace vambrace::cli {
namespace {

// What a bundle has beside its seccomp profile.
struct Rest {
  std::set<std::uint32_t> capabilities;
  std::optional<policy::apparmor::Profile> files;
  policy::securitycontext::SecurityContext context;
  repository::Manifest manifest;
  std::vector<Compared::Finding> findings;

  policy::Surroundings around() const {
    return {context, manifest.volumes, manifest.target.apparmor};
  }
};

struct Read {
  policy::seccomp::Evaluator evaluator;
  std::optional<Rest> rest;  // nullopt: a profile alone
};

Result<Rest> rest_of(const std::string& directory, Loaded bundle,
                     const std::string& day) {
  TRY_ASSIGN(repository::Layers layers, repository::own_layers(bundle, day));
  Rest rest;
  for (std::string& note :
       edited_notes(directory, repository::edited_layers(bundle, layers))) {
    rest.findings.push_back({std::move(note), edited_hint(bundle)});
  }
  rest.context = repository::security_context(
      bundle.policy, bundle.manifest, layers.capabilities.add, layers.apparmor);
  rest.files = std::move(layers.apparmor.profile);
  rest.capabilities = std::move(bundle.granted);
  rest.manifest = std::move(bundle.manifest);
  return rest;
}

Result<Read> read_side(const Files& files, const std::string& path,
                       const std::string& target, const std::string& day) {
  if (files.exists(path + "/bundle.yaml")) {
    TRY_ASSIGN(Loaded bundle, load(files, path));
    TRY_ASSIGN(policy::seccomp::Evaluator evaluator,
               during(path, policy::seccomp::Evaluator::of(
                                bundle.profile, bundle.manifest.target)));
    TRY_ASSIGN(Rest rest, rest_of(path, std::move(bundle), day));
    return Read{std::move(evaluator), std::move(rest)};
  }
  TRY_ASSIGN(const ProfileFile file, read_profile(files, path, target));
  TRY_ASSIGN(policy::seccomp::Evaluator evaluator,
             during(file.path,
                    policy::seccomp::Evaluator::of(file.profile, file.target)));
  return Read{std::move(evaluator), std::nullopt};
}

// Those of both sides; of a bundle that is compared with itself once.
std::vector<Compared::Finding> findings_of(const Read& left,
                                           const Read& right) {
  std::vector<Compared::Finding> all;
  for (const Read* side : {&left, &right}) {
    if (side->rest) {
      std::ranges::copy(side->rest->findings, std::back_inserter(all));
    }
  }
  std::ranges::sort(all);
  const auto again = std::ranges::unique(all);
  all.erase(again.begin(), again.end());
  return all;
}

struct Comparison {
  policy::Difference found;
  Compared compared;
};

Result<Comparison> compare(const Read& left, const Read& right) {
  static const std::set<std::uint32_t> kNone;
  Comparison answer;
  answer.compared.findings = findings_of(left, right);
  if (!left.rest || !right.rest) {
    TRY_ASSIGN(answer.found, policy::difference({left.evaluator, kNone},
                                                {right.evaluator, kNone}));
    return answer;
  }
  const policy::Surroundings one = left.rest->around();
  const policy::Surroundings other = right.rest->around();
  const auto profile = [](const Rest& rest) {
    return rest.files ? &*rest.files : nullptr;
  };
  const policy::Side a{left.evaluator, left.rest->capabilities,
                       profile(*left.rest), &one};
  const policy::Side b{right.evaluator, right.rest->capabilities,
                       profile(*right.rest), &other};
  TRY_ASSIGN(answer.found, policy::difference(a, b));
  answer.compared.capabilities = true;
  answer.compared.container = true;
  answer.compared.files = a.files != nullptr && b.files != nullptr;
  answer.compared.left_refuses_nothing = policy::refuses_nothing(a);
  answer.compared.right_refuses_nothing = policy::refuses_nothing(b);
  return answer;
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

  const std::string day =
      evidence::format_time(environment.now()).substr(0, 10);
  TRY_ASSIGN(const Read left,
             read_side(environment.files, left_path, target, day));
  TRY_ASSIGN(const Read right,
             read_side(environment.files, right_path, target, day));
  TRY_ASSIGN(Comparison answer, compare(left, right));
  answer.compared.left = left_path;
  answer.compared.right = right_path;
  environment.output.out(
      as_json ? json::print(json_of(answer.found, answer.compared))
              : text_of(answer.found, answer.compared));
  return answer.found.none() && answer.compared.findings.empty()
             ? Exit::Clean
             : Exit::Findings;
}

}  // namespace vambrace::cli
