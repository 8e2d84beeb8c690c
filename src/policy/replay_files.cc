#include "policy/replay_files.h"

#include <algorithm>

#include "kernel/errnos.h"
#include "policy/apparmor/judge.h"
#include "policy/apparmor/render.h"
#include "policy/files.h"
#include "policy/reasons.h"

namespace vambrace::policy {
namespace {

class FilePlayer {
 public:
  FilePlayer(const Rendering& rendering, const apparmor::Profile& profile,
             Replay& replay)
      : profile_(profile), replay_(replay), rendering_(rendering) {}

  Result<> play(const evidence::Evidence& evidence) {
    TRY_ASSIGN(const apparmor::FileJudge main,
               apparmor::FileJudge::of(profile_.rules, profile_.variables));
    std::map<std::string, apparmor::FileJudge> children;
    for (const auto& [name, rules] : profile_.children) {
      TRY_ASSIGN(apparmor::FileJudge child,
                 apparmor::FileJudge::of(rules, profile_.variables));
      children.emplace(name, std::move(child));
    }
    const auto names = apparmor::child_names(rendering_.policy);
    for (const evidence::Process& process : evidence.processes) {
      if (!counts(process.key.origin)) {
        continue;
      }
      const auto name = names.find(process.key.exe);
      const auto child = children.find(name == names.end() ? "" : name->second);
      for (const evidence::FileFact& fact : process.files) {
        judge(child == children.end() ? main : child->second, process.key,
              fact);
      }
    }
    std::ranges::sort(replay_.denials);
    return {};
  }

 private:
  void judge(const apparmor::FileJudge& rules, const evidence::ProcessKey& key,
             const evidence::FileFact& fact) {
    const evidence::Share share = evidence::total(fact.by);
    const auto path = mediated_path(fact);
    if (share.count == 0 || !path) {
      return;
    }
    ++replay_.facts;
    const std::string refused = rules.refused(*path, fact.access, fact.owner);
    const bool lost = fact.path[0] != '/' && !profile_.attach_disconnected;
    if (refused.empty() && !lost) {
      return;
    }
    WouldBeDenial denial{.syscall = std::nullopt,
                         .path = fact.path,
                         .access = lost ? fact.access : refused,
                         .arguments = {},
                         .process = key,
                         .phases = {},
                         .count = share.count,
                         .outcome = {profile_.mode == apparmor::Mode::Enforce
                                         ? seccomp::Action::Errno
                                         : seccomp::Action::Log,
                                     kernel::kEacces},
                         .doubt = {}};
    if (!fact.owner && rules.refused(*path, fact.access, true) != refused) {
      denial.doubt = "whether the file was its own was not recorded";
    }
    for (const auto& [phase, count] : share.phases) {
      denial.phases.insert(phase);
    }
    replay_.denials.push_back(std::move(denial));
  }

  const apparmor::Profile& profile_;
  Replay& replay_;
  const Rendering& rendering_;
};

}  // namespace

Result<> replay_files(const evidence::Evidence& evidence,
                      const Rendering& rendering, Replay& replay) {
  TRY_ASSIGN(const apparmor::Rendered rendered,
             apparmor::render(rendering.policy, rendering.target,
                              rendering.stage, rendering.capabilities));
  return rendered.profile
             ? FilePlayer(rendering, *rendered.profile, replay).play(evidence)
             : Result<>{};
}

}  // namespace vambrace::policy
