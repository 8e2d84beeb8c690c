#include "policy/replay_profile.h"

#include <algorithm>

#include <tuple>

#include "kernel/errnos.h"
#include "policy/apparmor/children.h"
#include "policy/apparmor/judge.h"
#include "policy/apparmor/render.h"
#include "policy/files.h"
#include "policy/mounts.h"
#include "policy/reasons.h"
#include "policy/sockets.h"

namespace vambrace::policy {
namespace {

template <class Set, class Word>
bool empty_or_has(const Set& set, const Word& word) {
  return set.empty() || set.contains(word);
}

bool empty_or_is(const std::string& wanted, const std::string& word) {
  return wanted.empty() || wanted == word;
}

// A family that is not known is allowed by a rule for any alone.
bool allows(const apparmor::Rules& rules, const SocketKind& kind) {
  const auto network = [&](const apparmor::NetworkRule& rule) {
    return empty_or_is(rule.family, kind.family) &&
           empty_or_is(rule.type, kind.type);
  };
  const auto unix_socket = [&](const apparmor::UnixRule& rule) {
    return kind.family == "unix" && empty_or_is(rule.type, kind.type) &&
           empty_or_has(rule.access, "create");
  };
  return std::ranges::any_of(rules.network, network) ||
         std::ranges::any_of(rules.unix_sockets, unix_socket);
}

bool speaks_of(const apparmor::SignalRule& rule, const std::string& access,
               const std::string& signal) {
  return empty_or_has(rule.access, access) &&
         empty_or_has(rule.signals, signal);
}

bool fits_pattern(const std::string& pattern, const std::string& text) {
  const auto read = apparmor::Pattern::parse(pattern);
  return read && read->matches(text);
}

bool allows(const apparmor::MountRule& rule, const evidence::MountFact& fact) {
  std::set<std::string> options(fact.options.begin(), fact.options.end());
  if (fact.operation == "move") {
    options.insert("move");
  }
  return rule.kind == apparmor::mount_kind(fact.operation) &&
         empty_or_is(rule.fstype, fact.fstype) &&
         (rule.options.empty() || rule.options == options) &&
         (!rule.source || fits_pattern(*rule.source, *fact.source)) &&
         fits_pattern(rule.target, *fact.target);
}

// A label has two slashes before the name of a child, which a pattern, being
// for files, takes for one.
bool permits(const apparmor::Rules& rules, const std::string& access,
             std::string label) {
  if (const auto at = label.find("//"); at != std::string::npos) {
    label.erase(at, 1);
  }
  return std::ranges::any_of(rules.ptrace, [&](const auto& rule) {
    return empty_or_has(rule.access, access) &&
           (rule.peer.empty() || fits_pattern(rule.peer, label));
  });
}

std::string text_of(const SocketKind& kind) {
  if (kind.family.empty()) {
    return "any";
  }
  return kind.type.empty() ? kind.family : kind.family + " " + kind.type;
}

class ProfilePlayer {
 public:
  ProfilePlayer(const Rendering& rendering, const apparmor::Profile& profile,
                Replay& replay)
      : profile_(profile), replay_(replay), rendering_(rendering) {}

  Result<> play(const evidence::Evidence& evidence) {
    TRY_ASSIGN(const Judge main, judge_of(profile_.rules));
    std::map<std::string, Judge> children;
    for (const auto& [name, rules] : profile_.children) {
      TRY_ASSIGN(Judge child, judge_of(rules));
      children.emplace(name, std::move(child));
    }
    names_ = apparmor::child_names(rendering_.policy);
    linked_ = linkable(evidence);
    for (const evidence::Process& process : evidence.processes) {
      if (!counts(process.key.origin)) {
        continue;
      }
      const auto child = children.find(child_of(process.key.exe));
      play(child == children.end() ? main : child->second, process);
    }
    std::ranges::sort(replay_.denials);
    std::ranges::sort(replay_.unknown);
    return {};
  }

 private:
  struct Judge {
    const apparmor::Rules* rules = nullptr;
    apparmor::FileJudge files;
  };

  Result<Judge> judge_of(const apparmor::Rules& rules) const {
    TRY_ASSIGN(apparmor::FileJudge files,
               apparmor::FileJudge::of(rules, profile_.variables));
    return Judge{.rules = &rules, .files = std::move(files)};
  }

  void play(const Judge& judge, const evidence::Process& process) {
    for (const evidence::FileFact& fact : process.files) {
      judge_file(judge.files, process.key, fact);
    }
    for (const evidence::SyscallFact& fact : process.syscalls) {
      judge_sockets(*judge.rules, process.key, fact);
    }
    for (const evidence::NetworkFact& fact : process.network) {
      judge_sockets(*judge.rules, process.key, fact);
    }
    for (const evidence::SignalFact& fact : process.signals) {
      judge_signal(*judge.rules, process.key, fact);
    }
    const bool mounted = has_mounted(process);
    for (const evidence::MountFact& fact : process.mounts) {
      judge_mount(*judge.rules, process.key, fact, mounted);
    }
    for (const evidence::TraceFact& fact : process.traces) {
      judge_trace(*judge.rules, process.key, fact);
    }
  }

  // Empty: the main program's profile.
  std::string child_of(const std::string& exe) const {
    const auto name = names_.find(exe);
    return name != names_.end() && profile_.children.contains(name->second)
               ? name->second
               : "";
  }

  std::string label_of(const std::string& exe) const {
    const std::string child = child_of(exe);
    return child.empty() ? profile_.name : profile_.name + "//" + child;
  }

  // The files that were seen and may be what a new name was made for: evidence
  // tells the new name alone.
  static std::set<std::string> linkable(const evidence::Evidence& evidence) {
    std::set<std::string> seen;
    std::set<std::string> made;
    for (const evidence::Process& process : evidence.processes) {
      for (const evidence::FileFact& fact : process.files) {
        if (counts(process.key.origin) && fact.path.starts_with('/') &&
            !fact.path.ends_with('/')) {
          (fact.access.contains('l') ? made : seen).insert(fact.path);
        }
      }
    }
    std::erase_if(seen, [&](const std::string& path) {
      return made.contains(path) || path.starts_with("/dev/") ||
             path.starts_with("/proc/") || path.starts_with("/sys/");
    });
    return seen;
  }

  enum class Link : std::uint8_t { Allowed, Unknown, Refused };

  // Whether a file may have `path` as another name with all that it may do: the
  // kernel refuses a link that would give a file more
  // (security/apparmor/file.c, profile_path_link). Refused where no file that
  // was seen may do as much; which one it was is not told.
  Link linked(const apparmor::FileJudge& rules, const std::string& path,
              std::optional<bool> owner) {
    constexpr std::string_view kCompared = "akmrwx";
    const std::string lacks = rules.refused(path, kCompared, owner);
    std::string rights(kCompared);
    std::erase_if(rights, [&](char one) { return lacks.contains(one); });
    if (rights.empty()) {
      return Link::Allowed;
    }
    const auto [found, fresh] =
        linkable_.try_emplace({&rules, rights, owner}, false);
    if (fresh) {
      found->second = std::ranges::any_of(linked_, [&](const auto& other) {
        return rules.refused(other, rights, owner).empty();
      });
    }
    return found->second ? Link::Unknown : Link::Refused;
  }

  void judge_file(const apparmor::FileJudge& rules,
                  const evidence::ProcessKey& key,
                  const evidence::FileFact& fact) {
    const evidence::Share share = evidence::total(fact.by);
    const auto path = mediated_path(fact);
    if (share.count == 0 || !path) {
      return;
    }
    ++replay_.facts;
    const std::string refused = rules.refused(*path, fact.access, fact.owner);
    const bool lost = fact.path[0] != '/' && !profile_.attach_disconnected;
    const Link link = refused.empty() && fact.access.contains('l')
                          ? linked(rules, *path, fact.owner)
                          : Link::Allowed;
    const bool more = link == Link::Refused;
    if (link == Link::Unknown) {
      WouldBeDenial unknown = denial_of(key, share);
      unknown.path = fact.path;
      unknown.access = "l";
      unknown.doubt =
          "refused if the file may do less by its old name, which was not "
          "recorded";
      replay_.unknown.push_back(std::move(unknown));
    }
    if (refused.empty() && !lost && !more) {
      return;
    }
    WouldBeDenial denial = denial_of(key, share);
    denial.path = fact.path;
    denial.access = lost ? fact.access : more ? "l" : refused;
    if (!fact.owner && rules.refused(*path, fact.access, true) != refused) {
      denial.doubt = "whether the file was its own was not recorded";
    }
    if (more) {
      denial.doubt =
          "which file got this name was not recorded; none that was may be "
          "used in all the ways that the name may";
    }
    replay_.denials.push_back(std::move(denial));
  }

  // By a call that made it, or by how it was given.
  template <class Fact>
  void judge_sockets(const apparmor::Rules& rules,
                     const evidence::ProcessKey& key, const Fact& fact) {
    for (const SocketKind& kind : sockets_of(fact)) {
      ++replay_.facts;
      if (allows(rules, kind)) {
        continue;
      }
      WouldBeDenial denial = denial_of(key, evidence::total(fact.by));
      denial.socket = text_of(kind);
      if (kind.family.empty()) {
        denial.doubt = "its family was not recorded";
      }
      replay_.denials.push_back(std::move(denial));
    }
  }

  void judge_signal(const apparmor::Rules& rules,
                    const evidence::ProcessKey& key,
                    const evidence::SignalFact& fact) {
    const evidence::Share share = evidence::total(fact.by);
    const std::string signal = signal_of(fact);
    if (signal.empty() || share.count == 0) {
      return;
    }
    ++replay_.facts;
    const bool outside = fact.other == evidence::Side::Outside;
    const bool sent = std::ranges::any_of(rules.signals, [&](const auto& rule) {
      return speaks_of(rule, "send", signal) &&
             (outside ? empty_or_is(rule.peer, "unconfined")
                      : is_received(rule, signal));
    });
    if (sent) {
      return;
    }
    WouldBeDenial denial = denial_of(key, share);
    denial.signal = signal;
    denial.outside = outside;
    denial.doubt = fact.other == evidence::Side::Unknown
                       ? "to whom it was sent was not recorded"
                       : "";
    replay_.denials.push_back(std::move(denial));
  }

  // Both sides are asked. Rules within the workload name the same peer: all of
  // its profiles.
  bool is_received(const apparmor::SignalRule& sent,
                   const std::string& signal) const {
    const auto receives = [&](const apparmor::Rules& rules) {
      return std::ranges::any_of(rules.signals, [&](const auto& rule) {
        return speaks_of(rule, "receive", signal) &&
               empty_or_is(rule.peer, sent.peer);
      });
    };
    return receives(profile_.rules) ||
           std::ranges::any_of(profile_.children, [&](const auto& child) {
             return receives(child.second);
           });
  }

  void judge_mount(const apparmor::Rules& rules,
                   const evidence::ProcessKey& key,
                   const evidence::MountFact& fact, bool mounted) {
    const evidence::Share share = evidence::total(fact.by);
    if (share.count == 0) {
      return;
    }
    ++replay_.facts;
    const bool known = fact.source && fact.target;
    if (known && std::ranges::any_of(rules.mounts, [&](const auto& rule) {
          return allows(rule, fact);
        })) {
      return;
    }
    WouldBeDenial denial = denial_of(key, share);
    denial.mount = describe(fact);
    denial.doubt = !mounted ? "the kernel refused it when it was recorded"
                   : known  ? ""
                            : "its place was not recorded";
    replay_.denials.push_back(std::move(denial));
  }

  // Both sides are asked.
  void judge_trace(const apparmor::Rules& rules,
                   const evidence::ProcessKey& key,
                   const evidence::TraceFact& fact) {
    const evidence::Share share = evidence::total(fact.by);
    if (share.count == 0) {
      return;
    }
    ++replay_.facts;
    const bool outside = fact.other == evidence::Side::Outside;
    const std::string other = outside ? "unconfined" : label_of(fact.exe);
    const auto child = profile_.children.find(child_of(fact.exe));
    const apparmor::Rules& others =
        child == profile_.children.end() ? profile_.rules : child->second;
    if (permits(rules, fact.access, other) &&
        (outside ||
         permits(others, fact.access == "read" ? "readby" : "tracedby",
                 label_of(key.exe)))) {
      return;
    }
    WouldBeDenial denial = denial_of(key, share);
    denial.trace = describe(fact);
    denial.doubt = fact.other == evidence::Side::Unknown
                       ? "whom it looked into was not recorded"
                       : "";
    replay_.denials.push_back(std::move(denial));
  }

  WouldBeDenial denial_of(const evidence::ProcessKey& key,
                          const evidence::Share& share) const {
    WouldBeDenial denial{.syscall = std::nullopt,
                         .process = key,
                         .count = share.count,
                         .outcome = {profile_.mode == apparmor::Mode::Enforce
                                         ? seccomp::Action::Errno
                                         : seccomp::Action::Log,
                                     kernel::kEacces}};
    for (const auto& [phase, count] : share.phases) {
      denial.phases.insert(phase);
    }
    return denial;
  }

  const apparmor::Profile& profile_;
  std::map<std::string, std::string> names_;  // of children, by program
  std::set<std::string> linked_;              // see linkable()
  std::map<
      std::tuple<const apparmor::FileJudge*, std::string, std::optional<bool>>,
      bool>
      linkable_;
  Replay& replay_;
  const Rendering& rendering_;
};

}  // namespace

Result<> replay_profile(const evidence::Evidence& evidence,
                        const Rendering& rendering, Replay& replay) {
  TRY_ASSIGN(const apparmor::Rendered rendered,
             apparmor::render(rendering.policy, rendering.target,
                              rendering.stage, rendering.capabilities));
  return rendered.profile ? ProfilePlayer(rendering, *rendered.profile, replay)
                                .play(evidence)
                          : Result<>{};
}

}  // namespace vambrace::policy
