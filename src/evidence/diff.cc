#include "evidence/diff.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>

#include "base/json.h"
#include "evidence/facts.h"
#include "evidence/json.h"

namespace vambrace::evidence {
namespace {

using Behavior = std::set<Difference>;

std::string label(const kernel::Syscall& syscall) {
  return fmt::format("{} {}", to_string(syscall.arch),
                     kernel::syscall_label(syscall));
}

class Collector {
 public:
  explicit Collector(ProcessKey process) : process_(std::move(process)) {
    process_.build_id.reset();
    add("process", json::quote_bytes(process_.exe));
  }

  void add(std::string kind, std::string what) {
    out.insert({false, process_, std::move(kind), std::move(what)});
  }

  void operator()(const SyscallFact& fact) {
    const Share sum = total(fact.by);
    const std::string name = label(fact.syscall);
    if (sum.count > 0) {
      add("syscall", name);
      arguments("argument", name, fact.args);
    }
    if (sum.denied > 0) {
      add("denied", name);
    }
  }
  void operator()(const FileFact& fact) {
    add("file",
        fmt::format("{} {}", json::quote_bytes(fact.path), fact.access));
  }
  void operator()(const CapabilityFact& fact) {
    const Share sum = total(fact.by);
    const std::string name = capability_label(fact.number);
    if (sum.count > 0) {
      add("capability", name + " granted");
    }
    if (sum.denied > 0) {
      add("capability", name + " refused");
    }
  }
  void operator()(const NetworkFact& fact) {
    add("network",
        json::quote_bytes(fmt::format("{} {} {} protocol {} {} port {}",
                                      fact.operation, fact.family, fact.type,
                                      fact.protocol, fact.address, fact.port)));
  }
  void operator()(const ExecFact& fact) {
    add("exec", json::quote_bytes(fact.path));
  }
  void operator()(const SignalFact& fact) {
    add("signal", fmt::format("signal {}{}", fact.signal,
                              fact.other == Side::Outside
                                  ? " to a process outside of the workload"
                                  : ""));
  }

  void operator()(const UserFact& fact) {
    add("user", fmt::format("started as {}:{}{}", fact.uid, fact.gid,
                            fact.raised ? ", raised by its file" : ""));
  }

  void operator()(const MountFact& fact) { add("mount", describe(fact)); }

  void operator()(const TraceFact& fact) { add("trace", describe(fact)); }

  Behavior out;

 private:
  void arguments(const char* kind, const std::string& name,
                 const std::optional<Arguments>& seen) {
    if (!seen) {
      return;
    }
    if (seen->unbounded) {
      add(kind, name + "(any)");
    }
    for (const std::vector<std::uint64_t>& tuple : seen->tuples) {
      add(kind, fmt::format("{}({:#x})", name, fmt::join(tuple, ", ")));
    }
  }

  ProcessKey process_;
};

Behavior behavior(const Evidence& evidence) {
  Behavior all;
  for (const Process& process : evidence.processes) {
    Collector collector(process.key);
    each_list(
        [&](const auto& list) {
          for (const auto& fact : list) {
            collector(fact);
          }
        },
        process);
    all.merge(collector.out);
  }
  return all;
}

}  // namespace

std::vector<Difference> diff(const Evidence& a, const Evidence& b) {
  const Behavior first = behavior(a);
  const Behavior second = behavior(b);
  std::vector<Difference> out;
  std::set_difference(first.begin(), first.end(), second.begin(), second.end(),
                      std::back_inserter(out));
  const std::size_t only_first = out.size();
  std::set_difference(second.begin(), second.end(), first.begin(), first.end(),
                      std::back_inserter(out));
  for (std::size_t i = only_first; i < out.size(); ++i) {
    out[i].in_second = true;
  }
  return out;
}

}  // namespace vambrace::evidence
