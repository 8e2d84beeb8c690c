#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "evidence/evidence.h"
#include "policy/policy.h"

// How often what a policy grants was used, by those that count for a policy.
namespace vambrace::review {

// Who used it: origin, file and script.
using User = std::tuple<evidence::Origin, std::string, std::string>;

struct Use {
  std::uint64_t count = 0;
  std::map<std::string, std::uint64_t> phases;
  std::set<evidence::RecordingId> recordings;
  struct Part {
    std::uint64_t count = 0;
    std::set<std::string> phases;
  };
  std::map<User, Part> by;

  void add(const evidence::ProcessKey& key, const evidence::By& facts);
};

// All uses in the evidence, ready to be asked.
class Uses {
 public:
  explicit Uses(const evidence::Evidence& evidence);

  // Of calls that were let through.
  const std::map<kernel::Syscall, Use>& calls() const { return calls_; }

  // An empty use: the evidence shows none.
  Use of(kernel::Syscall syscall) const;
  Use of(const policy::CapabilityRule& rule) const;
  Use of(const policy::FileRule& rule) const;
  Use of(const policy::SocketRule& rule) const;
  Use of(const policy::SignalRule& rule) const;
  Use of(const policy::MountRule& rule) const;
  Use of(const policy::TraceRule& rule) const;

 private:
  struct Access {
    std::string access;
    const evidence::Process* process = nullptr;
    const evidence::By* by = nullptr;
  };

  void add(const evidence::Process& process, const std::string& program);
  void add_others(const evidence::Process& process, const std::string& program);

  std::map<kernel::Syscall, Use> calls_;
  std::map<std::uint32_t, Use> capabilities_;
  Use low_ports_;  // binds to them
  // By program, then by path.
  std::map<std::string, std::map<std::string, std::vector<Access>, std::less<>>>
      files_;
  std::map<std::tuple<std::string, std::string, std::string>, Use> sockets_;
  std::map<std::pair<std::string, std::string>, Use> signals_;
  std::map<policy::MountRule, Use> mounts_;
  std::map<policy::TraceRule, Use> traces_;
};

}  // namespace vambrace::review
