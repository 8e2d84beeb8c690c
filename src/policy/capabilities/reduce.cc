#include "policy/capabilities/reduce.h"

#include <algorithm>
#include <map>

#include "base/json.h"
#include "kernel/capabilities.h"
#include "policy/capabilities/noise.h"
#include "policy/reasons.h"
#include "policy/risk.h"

namespace vambrace::policy::capabilities {
namespace {

constexpr std::uint32_t kNetBindService = 10;
constexpr std::uint32_t kFirstOpenPort = 1024;
constexpr std::string_view kLowPort = "bind (inet_bind)";
constexpr std::string_view kAskedInContainer =
    "a network whose low ports are not free";

// Functions that stand between a caller and its check in every stack, so that
// naming them says nothing (kernel/capability.c, security/).
constexpr std::string_view kWrappers[] = {
    "cap_capable",      "capable",          "capable_wrt_inode_uidgid",
    "file_ns_capable",  "ns_capable",       "ns_capable_common",
    "ns_capable_setid", "security_capable",
};

std::string use_of(const evidence::CapabilityFact& fact) {
  std::string use =
      fact.during ? kernel::syscall_label(*fact.during) : "kernel";
  const auto function =
      std::ranges::find_if(fact.functions, [](const std::string& name) {
        return std::ranges::find(kWrappers, name) == std::end(kWrappers);
      });
  if (function != fact.functions.end()) {
    use += " (" + json::quote_bytes(*function) + ")";
  }
  return use;
}

bool is_internet(const std::string& family) {
  return family == "inet" || family == "inet6";
}

struct Need {
  std::set<std::string> uses;
  Reasons reasons;
};

// A container whose kernel asked at a bind is in a network where low ports are
// not free to all. On a host that says nothing of a container's network.
bool is_asked_in_container(const evidence::CapabilityFact& fact,
                           const evidence::Evidence& evidence) {
  return fact.number == kNetBindService && fact.during &&
         kernel::syscall_label(*fact.during) == "bind" &&
         std::ranges::any_of(evidence.recordings,
                             [&](const evidence::Recording& recording) {
                               return recording.runtime != "process" &&
                                      fact.by.contains(recording.id);
                             });
}

void add_checks(const evidence::Evidence& evidence,
                const evidence::Process& process, bool heal,
                std::map<std::uint32_t, Need>& needs,
                std::set<CapabilityNoise>& noises) {
  for (const evidence::CapabilityFact& fact : process.capabilities) {
    const evidence::Share share = evidence::total(fact.by);
    const bool granted = share.count > 0;
    if (!granted && !(heal && share.denied > 0)) {
      continue;
    }
    // A newer kernel's: no policy can name it, nor can this one be read back.
    if (fact.number > kernel::kLastCapability) {
      continue;
    }
    if (const std::string_view why = noise(fact); !why.empty()) {
      noises.insert({fact.number, std::string(why)});
      continue;
    }
    Need& need = needs[fact.number];
    need.uses.insert(use_of(fact));
    if (is_asked_in_container(fact, evidence)) {
      need.uses.emplace(kAskedInContainer);
    }
    need.reasons.add(granted ? Cause::Observed : Cause::Denied, process.key,
                     share);
  }
}

// A bind that the kernel refused has bound nothing: the check says so.
bool was_refused(const evidence::Process& process, std::uint32_t number) {
  std::uint64_t granted = 0;
  std::uint64_t denied = 0;
  for (const evidence::CapabilityFact& fact : process.capabilities) {
    if (fact.number == number) {
      const evidence::Share share = evidence::total(fact.by);
      granted += share.count;
      denied += share.denied;
    }
  }
  return denied > 0 && granted == 0;
}

void add_low_ports(const evidence::Process& process, bool heal,
                   std::map<std::uint32_t, Need>& needs) {
  if (!heal && was_refused(process, kNetBindService)) {
    return;
  }
  for (const evidence::NetworkFact& fact : process.network) {
    const evidence::Share share = evidence::total(fact.by);
    if (fact.operation == "bind" && is_internet(fact.family) && share.count &&
        fact.port > 0 && fact.port < kFirstOpenPort) {
      Need& need = needs[kNetBindService];
      need.uses.insert(std::string(kLowPort));
      need.reasons.add(Cause::Observed, process.key, share);
    }
  }
}

}  // namespace

Reduced reduce(const evidence::Evidence& evidence, bool heal) {
  std::map<std::uint32_t, Need> needs;
  std::set<CapabilityNoise> noises;
  for (const evidence::Process& process : evidence.processes) {
    if (counts(process.key.origin)) {
      add_checks(evidence, process, heal, needs, noises);
      add_low_ports(process, heal, needs);
    }
  }
  Reduced reduced;
  for (auto& [number, need] : needs) {
    reduced.rules.push_back(
        {number, std::move(need.uses), need.reasons.sorted()});
  }
  reduced.noise.assign(noises.begin(), noises.end());
  return reduced;
}

bool asks_again(std::uint32_t number, std::string_view call) {
  constexpr std::uint32_t kDacReadSearch = 2;
  return number == kDacReadSearch && !call.starts_with("open_by_handle_at");
}

bool needed_on(const CapabilityRule& rule, const runtime::Target& target) {
  // moby since 20.10 sets net.ipv4.ip_unprivileged_port_start=0 in each
  // container's network namespace (daemon/oci_linux.go); Podman does not.
  const bool open_ports = target.engine == runtime::Engine::Docker &&
                          target.engine_version >= runtime::Version{20, 10, 0};
  if (rule.number != kNetBindService || !open_ports) {
    return true;
  }
  const bool by_hand = std::ranges::any_of(
      rule.reasons,
      [](const Reason& reason) { return reason.cause == Cause::Decision; });
  return by_hand || std::ranges::any_of(rule.uses, [](const std::string& use) {
           return !use.starts_with("bind (");
         });
}

Grant render(const Policy& policy, const runtime::Target& target, Stage stage,
             const std::set<std::uint32_t>& waived) {
  Grant grant{.target = target.name, .stage = stage};
  for (const CapabilityRule& rule : policy.capabilities) {
    if (!needed_on(rule, target)) {
      continue;
    }
    const bool risky = capability_risk(rule.number) != nullptr;
    if (stage == Stage::Harden && risky && !waived.contains(rule.number)) {
      grant.refused.insert(rule.number);
    } else {
      grant.add.insert(rule.number);
    }
  }
  return grant;
}

std::string print(const Grant& grant) {
  const auto names = [](const std::set<std::uint32_t>& numbers) {
    json::Value list = json::Value::array();
    for (const std::uint32_t number : numbers) {
      list.push_back(std::string(*kernel::capability_name(number)));
    }
    return list;
  };
  return json::print({{"schema", std::string(kSchema)},
                      {"target", grant.target},
                      {"stage", std::string(to_string(grant.stage))},
                      {"drop", {"ALL"}},
                      {"add", names(grant.add)},
                      {"refused", names(grant.refused)}});
}

namespace {

Result<std::set<std::uint32_t>> read_numbers(json::Reader& reader,
                                             const char* key) {
  TRY_ASSIGN(const std::vector<std::string> names, reader.texts(key));
  std::set<std::uint32_t> numbers;
  for (const std::string& name : names) {
    const auto number = kernel::capability_number(name);
    if (!number || !numbers.insert(*number).second) {
      return fail(ErrorCode::InvalidInput,
                  "{}: an unknown or double capability \"{}\"", key,
                  json::quote_bytes(name));
    }
  }
  return numbers;
}

}  // namespace

Result<Grant> parse(std::string_view text) {
  TRY_ASSIGN(const json::Value document,
             json::parse(text, {.bytes = 1U << 20, .depth = 8}));
  TRY_ASSIGN(json::Reader reader, json::Reader::of(document, ""));
  TRY_ASSIGN(const std::string schema, reader.text("schema"));
  TRY_ASSIGN(const std::string stage_name, reader.text("stage"));
  TRY_ASSIGN(const std::vector<std::string> drop, reader.texts("drop"));
  const auto stage = stage_from(stage_name);
  if (schema != kSchema || !stage || drop != std::vector<std::string>{"ALL"}) {
    return fail(ErrorCode::InvalidInput,
                "not {} with a known stage that drops ALL", kSchema);
  }
  Grant grant{.stage = *stage};
  TRY_ASSIGN(grant.target, reader.text("target"));
  TRY_ASSIGN(grant.add, read_numbers(reader, "add"));
  TRY_ASSIGN(grant.refused, read_numbers(reader, "refused"));
  TRY(reader.finish());
  return grant;
}

}  // namespace vambrace::policy::capabilities
