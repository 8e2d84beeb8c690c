#include "policy/seccomp/render.h"

#include <algorithm>
#include <map>

#include "kernel/errnos.h"
#include "policy/arguments.h"
#include "policy/risk.h"
#include "policy/seccomp/fallback.h"
#include "runtime/model.h"

namespace vambrace::policy::seccomp {
namespace {

using kernel::kEnosys;
using kernel::kEperm;

// crun 1.8.1 reads no more conditions of one entry.
constexpr std::size_t kMaxConditions = 6;

// Which argument rules go first when a profile is over its budget: those whose
// loss opens least.
constexpr std::string_view kWidenOrder[] = {
    "prctl",  "ioctl", "seccomp", "socketpair", "personality", "keyctl",
    "ptrace", "setns", "bpf",     "socket",     "unshare",     "clone",
};

// Tuples by name; an empty set allows any arguments.
using Grants = std::map<std::string, std::set<ArgTuple>>;

Finding finding(std::string id, std::string severity, std::string name,
                std::string message) {
  return {std::move(id), std::move(severity), "seccomp: " + std::move(name),
          std::move(message), ""};
}

class Renderer {
 public:
  Renderer(const Policy& policy, const runtime::Target& target, Stage stage,
           const RenderOptions& options)
      : policy_(policy), target_(target), stage_(stage), options_(options) {
    arches_ = policy.arches;
    // The runtime itself runs under the filter.
    arches_.insert(target.arch);
    // On runc numbers above the named ones get ENOSYS anyway.
    default_error_ =
        runtime::seccomp_model(target).enosys_stub ? kEperm : kEnosys;
  }

  Result<Rendered> run() {
    grant_policy();
    grant_layer();
    while (true) {
      Rendered rendered{.profile = profile(), .findings = {}};
      const std::size_t bytes = print(rendered.profile).size();
      if (rendered.profile.entries.size() <= kMaxEntries &&
          bytes <= kMaxBytes) {
        std::ranges::sort(findings_);
        rendered.findings = findings_;
        return rendered;
      }
      if (!widen()) {
        return fail(ErrorCode::Denied,
                    "the seccomp profile has {} entries and {} bytes, more "
                    "than {} and {}",
                    rendered.profile.entries.size(), bytes, kMaxEntries,
                    kMaxBytes);
      }
    }
  }

 private:
  void grant(const std::string& name, const std::set<ArgTuple>& args) {
    const auto [it, fresh] = grants_.try_emplace(name, args);
    if (fresh) {
      return;
    }
    if (it->second.empty() || args.empty()) {
      it->second.clear();
    } else {
      it->second.insert(args.begin(), args.end());
    }
  }

  void grant_policy() {
    for (const SyscallRule& rule : policy_.syscalls) {
      if (const auto name = kernel::syscall_name(rule.syscall)) {
        grant(std::string(*name), rule.args);
        note_if_unknown(rule.syscall);
      } else {
        findings_.push_back(finding(
            "syscall-unknown", "high", kernel::syscall_label(rule.syscall),
            "cannot be written into a profile, which has only names"));
      }
    }
    note_shared_names();
  }

  // The same name on another architecture may be known.
  void note_if_unknown(kernel::Syscall syscall) {
    if (!runtime::libseccomp_knows(target_, syscall)) {
      findings_.push_back(
          finding("syscall-unknown", "high", kernel::syscall_label(syscall),
                  fmt::format("libseccomp {} does not know it: the rule has no "
                              "effect",
                              runtime::to_string(target_.libseccomp))));
    }
  }

  // Names that one architecture's rules grant and another's do not.
  void note_shared_names() {
    std::size_t shared = 0;
    for (const auto& [name, args] : grants_) {
      shared += std::ranges::any_of(arches_, [&](kernel::Arch arch) {
        const auto nr = kernel::syscall_number(arch, name);
        return nr && find_rule(policy_, {arch, *nr}) == nullptr;
      });
    }
    if (arches_.size() > 1 && shared > 0) {
      findings_.push_back(
          {"arch-shared", "low", "seccomp",
           fmt::format("{} calls are granted on every architecture of the "
                       "profile, because one of them needs them",
                       shared),
           ""});
    }
  }

  void grant_layer() {
    const runtime::RuntimeLayer& layer =
        options_.layer != nullptr ? *options_.layer : runtime_layer(target_);
    for (const auto* calls : {&layer.start, &layer.exec, &layer.closure}) {
      for (const runtime::LayerCall& call : *calls) {
        grant_layer_call(call);
      }
    }
  }

  void grant_layer_call(const runtime::LayerCall& call) {
    const auto nr = kernel::syscall_number(target_.arch, call.name);
    if (!nr) {
      return;
    }
    std::set<ArgTuple> args;
    for (const PinnedArgument& argument :
         pinned_arguments({target_.arch, *nr})) {
      for (const std::uint64_t value : call.values) {
        if (argument.index == call.index) {
          args.insert({{argument.index, argument.mask, value & argument.mask}});
        }
      }
    }
    grant(call.name, args);
  }

  // Takes the argument rules of one call away; false if none are left.
  bool widen() {
    for (const std::string_view name : kWidenOrder) {
      const auto it = grants_.find(std::string(name));
      if (it != grants_.end() && !it->second.empty()) {
        it->second.clear();
        findings_.push_back(
            finding("args-widened", "medium", std::string(name),
                    "any arguments are granted to keep the profile within "
                    "its budget"));
        return true;
      }
    }
    const auto it = std::ranges::find_if(
        grants_, [](const auto& grant) { return !grant.second.empty(); });
    if (it == grants_.end()) {
      return false;
    }
    it->second.clear();
    findings_.push_back(finding("args-widened", "medium", it->first,
                                "any arguments are granted to keep the "
                                "profile within its budget"));
    return true;
  }

  Profile profile() const {
    Profile out;
    for (const kernel::Arch arch : arches_) {
      out.architectures.emplace_back(kernel::scmp_arch(arch));
    }
    add_allowed(out);
    if (stage_ == Stage::Harden) {
      out.default_action = Action::Errno;
      if (default_error_ != kEperm) {
        out.default_errno_ret = default_error_;
      }
      add_refused(out);
    } else {
      out.default_action = Action::Log;
      if (stage_ == Stage::Allow) {
        add_risky(out);
      }
    }
    return out;
  }

  void add_allowed(Profile& out) const {
    Entry any{.names = {}, .action = Action::Allow};
    for (const auto& [name, args] : grants_) {
      if (args.empty()) {
        any.names.push_back(name);
      }
    }
    if (!any.names.empty()) {
      out.entries.push_back(std::move(any));
    }
    // Calls with the same tuples share their entries.
    std::map<std::set<ArgTuple>, std::vector<std::string>> pinned;
    for (const auto& [name, args] : grants_) {
      if (!args.empty()) {
        pinned[args].push_back(name);
      }
    }
    std::vector<Entry> entries;
    for (const auto& [tuples, names] : pinned) {
      add_tuples(entries, tuples, names);
    }
    std::ranges::sort(entries);
    out.entries.insert(out.entries.end(), entries.begin(), entries.end());
  }

  // Tuples of one condition on the same argument are alternatives of one entry;
  // others need an entry each.
  static void add_tuples(std::vector<Entry>& entries,
                         const std::set<ArgTuple>& tuples,
                         const std::vector<std::string>& names) {
    std::map<std::uint8_t, std::vector<Condition>> single;
    for (const ArgTuple& tuple : tuples) {
      std::vector<Condition> conditions;
      for (const ArgMatch& match : tuple) {
        conditions.push_back(condition(match));
      }
      if (conditions.size() == 1) {
        single[tuple[0].index].push_back(conditions[0]);
      } else {
        entries.push_back({.names = names,
                           .action = Action::Allow,
                           .args = std::move(conditions)});
      }
    }
    for (const auto& [index, conditions] : single) {
      for (std::size_t at = 0; at < conditions.size(); at += kMaxConditions) {
        const auto begin = conditions.begin() + static_cast<std::ptrdiff_t>(at);
        const auto count = std::min(kMaxConditions, conditions.size() - at);
        entries.push_back(
            {.names = names,
             .action = Action::Allow,
             .args = {begin, begin + static_cast<std::ptrdiff_t>(count)}});
      }
    }
  }

  static Condition condition(const ArgMatch& match) {
    if (match.mask == ~std::uint64_t{0}) {
      return {match.index, Compare::Eq, match.value, 0};
    }
    return {match.index, Compare::MaskedEq, match.mask, match.value};
  }

  // Every name that some architecture of the profile has and the target's
  // libseccomp knows.
  std::set<std::string> known_names() const {
    std::set<std::string> names;
    for (const kernel::Arch arch : arches_) {
      for (const std::uint32_t nr : kernel::syscall_numbers(arch)) {
        if (runtime::libseccomp_knows(target_, {arch, nr})) {
          names.emplace(*kernel::syscall_name({arch, nr}));
        }
      }
    }
    return names;
  }

  // The errno that a call without a rule should give, by name.
  std::uint32_t refusal(const std::string& name) const {
    for (const kernel::Arch arch : arches_) {
      const auto nr = kernel::syscall_number(arch, name);
      const ExpectedDenial* expected =
          nr ? find_expected(policy_, {arch, *nr}) : nullptr;
      if (expected != nullptr) {
        return expected->error;
      }
    }
    return has_fallback(name) ? kEnosys : kEperm;
  }

  void add_refused(Profile& out) const {
    std::map<std::uint32_t, std::vector<std::string>> by_error;
    Entry killed{.names = {}, .action = Action::KillProcess};
    for (const std::string& name : known_names()) {
      if (grants_.contains(name)) {
        continue;
      }
      const Risk* risk = syscall_risk(name);
      const std::uint32_t error = refusal(name);
      if (options_.kill_never_legitimate && risk != nullptr &&
          risk->never_legitimate) {
        killed.names.push_back(name);
      } else if (error != default_error_) {
        by_error[error].push_back(name);
      }
    }
    if (!killed.names.empty()) {
      out.entries.push_back(std::move(killed));
    }
    add_errors(out, by_error);
  }

  void add_risky(Profile& out) const {
    std::map<std::uint32_t, std::vector<std::string>> by_error;
    for (const std::string& name : known_names()) {
      if (!grants_.contains(name) && syscall_risk(name) != nullptr) {
        by_error[refusal(name)].push_back(name);
      }
    }
    add_errors(out, by_error);
    add_risky_values(out);
  }

  // Calls that are harmless but for some values, of which none was recorded.
  void add_risky_values(Profile& out) const {
    for (const RiskyValues& risk : risky_values()) {
      const auto it = grants_.find(std::string(risk.call));
      const bool granted = it != grants_.end();
      // Any argument is granted, or none: decided above.
      if ((granted && it->second.empty()) ||
          (!granted && syscall_risk(risk.call) != nullptr) ||
          !known_names().contains(std::string(risk.call))) {
        continue;
      }
      std::vector<Condition> conditions;
      for (const ArgMatch& match : risk.values) {
        if (!granted || !may_pass(it->second, match)) {
          conditions.push_back(condition(match));
        }
      }
      for (std::size_t at = 0; at < conditions.size(); at += kMaxConditions) {
        const auto begin = conditions.begin() + static_cast<std::ptrdiff_t>(at);
        const auto count = std::min(kMaxConditions, conditions.size() - at);
        out.entries.push_back(
            {.names = {std::string(risk.call)},
             .action = Action::Errno,
             .errno_ret = default_error_,
             .args = {begin, begin + static_cast<std::ptrdiff_t>(count)}});
      }
    }
  }

  // Does some tuple let a value through that the match describes?
  static bool may_pass(const std::set<ArgTuple>& tuples,
                       const ArgMatch& wanted) {
    return std::ranges::any_of(tuples, [&](const ArgTuple& tuple) {
      return std::ranges::none_of(tuple, [&](const ArgMatch& match) {
        const std::uint64_t both = match.mask & wanted.mask;
        return match.index == wanted.index &&
               (match.value & both) != (wanted.value & both);
      });
    });
  }

  static void add_errors(
      Profile& out,
      const std::map<std::uint32_t, std::vector<std::string>>& by_error) {
    for (const auto& [error, names] : by_error) {
      out.entries.push_back(
          {.names = names, .action = Action::Errno, .errno_ret = error});
    }
  }

  const Policy& policy_;
  const runtime::Target& target_;
  const Stage stage_;
  const RenderOptions& options_;
  std::set<kernel::Arch> arches_;
  std::uint32_t default_error_ = kEperm;
  Grants grants_;
  std::vector<Finding> findings_;
};

}  // namespace

Result<Rendered> render(const Policy& policy, const runtime::Target& target,
                        Stage stage, const RenderOptions& options) {
  return Renderer(policy, target, stage, options).run();
}

}  // namespace vambrace::policy::seccomp
