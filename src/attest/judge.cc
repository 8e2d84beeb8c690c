#include "attest/judge.h"

#include <algorithm>

#include "base/json.h"
#include "enforcer/apparmor/labels.h"
#include "kernel/capabilities.h"

namespace vambrace::attest {
namespace {

class Judge {
 public:
  Judge(const ThreadState& thread, std::vector<Finding>& findings)
      : thread_(&thread), findings_(&findings) {}

  void say(std::string id, std::string message) {
    findings_->push_back({.id = std::move(id),
                          .pid = thread_->pid,
                          .tid = thread_->tid,
                          .thread = thread_->name,
                          .message = std::move(message)});
  }

  void at_most(std::string_view set, std::uint64_t held,
               std::uint64_t expected) {
    if (const std::uint64_t more = held & ~expected; more != 0) {
      say("capability-added", fmt::format("{} holds more than the policy: {}",
                                          set, capability_names(more)));
    }
  }

 private:
  const ThreadState* thread_;
  std::vector<Finding>* findings_;
};

void judge_capabilities(const ThreadState& thread, bool leader,
                        const Expectation& expected, Judge& judge) {
  judge.at_most("CapBnd", thread.bounding, expected.capabilities);
  judge.at_most("CapPrm", thread.permitted, expected.capabilities);
  judge.at_most("CapEff", thread.effective, expected.capabilities);
  judge.at_most("CapInh", thread.inheritable, expected.capabilities);
  judge.at_most("CapAmb", thread.ambient, expected.capabilities);
  if (const std::uint64_t less = expected.capabilities & ~thread.bounding;
      leader && less != 0) {
    judge.say("capability-missing",
              fmt::format("CapBnd lacks what the policy grants: {}",
                          capability_names(less)));
  }
}

void judge_filter(const ThreadState& thread, Judge& judge) {
  if (thread.seccomp_mode != 2) {
    judge.say("no-filter", fmt::format("no seccomp filter (Seccomp: {})",
                                       thread.seccomp_mode));
  } else if (thread.seccomp_filters > 1) {
    judge.say("later-filter",
              fmt::format("{} filters: the program added {} of its own",
                          thread.seccomp_filters, thread.seccomp_filters - 1));
  }
}

// In a stack each profile takes away, so the bundle's may be any of it.
bool is_under(const enforcer::apparmor::Confinement& confinement,
              const Expectation& expected) {
  return confinement.mode == expected.profile_mode &&
         std::ranges::any_of(confinement.profiles,
                             [&](const std::string& name) {
                               return name == expected.profile ||
                                      name.starts_with(expected.profile + "//");
                             });
}

void judge_label(const ThreadState& thread, const Expectation& expected,
                 Judge& judge) {
  if (expected.profile.empty() || !thread.label) {
    return;
  }
  const auto confinement = enforcer::apparmor::parse_current(*thread.label);
  if (!confinement || !is_under(*confinement, expected)) {
    std::string_view label = *thread.label;
    label = label.substr(
        0, label.find_last_not_of(std::string_view("\0\n", 2)) + 1);
    judge.say("apparmor", fmt::format("AppArmor: {}, the bundle says {} ({})",
                                      json::quote_bytes(label),
                                      expected.profile, expected.profile_mode));
  }
}

}  // namespace

std::optional<std::string> unread_label(const ThreadState& thread,
                                        const Expectation& expected) {
  if (expected.profile.empty() || thread.label) {
    return std::nullopt;
  }
  return fmt::format("thread {}: its AppArmor label cannot be read",
                     thread.tid);
}

std::string capability_names(std::uint64_t mask) {
  std::string names;
  for (std::uint32_t number = 0; number < 64; ++number) {
    if (((mask >> number) & 1U) == 0) {
      continue;
    }
    const auto name = kernel::capability_name(number);
    names += names.empty() ? "" : ", ";
    names += name ? std::string(*name) : fmt::format("capability {}", number);
  }
  return names;
}

std::optional<std::string> unread_filters(const ThreadState& thread,
                                          std::size_t read) {
  const std::size_t there = std::max<std::size_t>(thread.seccomp_filters, 1);
  if (thread.seccomp_mode != 2 || read >= there) {
    return std::nullopt;
  }
  return fmt::format("thread {}: {} of its {} filters could be read back",
                     thread.tid, read, there);
}

std::size_t unexplained(std::span<const ThreadState> look,
                        const std::set<int>& seen) {
  return static_cast<std::size_t>(
      std::ranges::count_if(look, [&](const ThreadState& thread) {
        return !seen.contains(thread.pid) && !seen.contains(thread.parent);
      }));
}

std::vector<Finding> judge(std::span<const ThreadState> threads, int leader,
                           const Expectation& expected) {
  std::vector<Finding> findings;
  for (const ThreadState& thread : threads) {
    Judge judge(thread, findings);
    judge_capabilities(thread, thread.pid == leader, expected, judge);
    if (expected.no_new_privs && !thread.no_new_privs) {
      judge.say("no-new-privs", "no_new_privs is not set");
    }
    if (expected.filter) {
      judge_filter(thread, judge);
    }
    judge_label(thread, expected, judge);
  }
  return findings;
}

}  // namespace vambrace::attest
