#include "recorder/calibrate/observed.h"

#include <algorithm>
#include <optional>
#include <string_view>

#include "kernel/syscalls.h"

namespace vambrace::recorder {
namespace {

using runtime::LayerCall;

// Which argument of a call says what it does, if one does.
std::optional<std::uint8_t> telling_argument(std::string_view name) {
  if (name == "prctl" || name == "clone") {
    return 0;
  }
  if (name == "ioctl") {
    return 1;
  }
  return std::nullopt;
}

// The namespaces of clone; its other flags are no matter of a policy.
constexpr std::uint64_t kNamespaces = 0x7e020000;

LayerCall layer_call(const evidence::SyscallFact& fact, std::string name) {
  LayerCall call{.name = std::move(name)};
  const auto index = telling_argument(call.name);
  // One value per tuple: these calls have one argument that is watched.
  if (!index || !fact.args || fact.args->unbounded) {
    return call;
  }
  call.index = *index;
  for (const auto& tuple : fact.args->tuples) {
    if (!tuple.empty()) {
      call.values.push_back(call.name == "clone" ? tuple.front() & kNamespaces
                                                 : tuple.front());
    }
  }
  std::ranges::sort(call.values);
  call.values.erase(std::unique(call.values.begin(), call.values.end()),
                    call.values.end());
  return call;
}

auto find_call(auto& calls, const std::string& name) {
  return std::ranges::find(calls, name, &LayerCall::name);
}

}  // namespace

ObservedLayer observed_layer(const evidence::Evidence& evidence) {
  ObservedLayer seen;
  for (const evidence::Process& process : evidence.processes) {
    const bool start = process.key.script == evidence::kAfterFilter;
    const bool exec = process.key.script == evidence::kExecAfterFilter;
    if (process.key.origin != evidence::Origin::Runtime || (!start && !exec)) {
      continue;
    }
    std::vector<LayerCall> calls;
    for (const evidence::SyscallFact& fact : process.syscalls) {
      if (const auto name = kernel::syscall_name(fact.syscall)) {
        calls.push_back(layer_call(fact, std::string(*name)));
      }
    }
    unite(start ? seen.start : seen.exec, calls);
  }
  return seen;
}

void unite(std::vector<LayerCall>& into, const std::vector<LayerCall>& more) {
  for (const LayerCall& call : more) {
    const auto known = find_call(into, call.name);
    if (known == into.end()) {
      into.push_back(call);
    } else if (known->values.empty() || call.values.empty()) {
      known->values.clear();  // any
      known->index = 0;
    } else {
      std::vector<std::uint64_t> values;
      std::ranges::set_union(known->values, call.values,
                             std::back_inserter(values));
      known->values = std::move(values);
    }
  }
  std::ranges::sort(into);
}

std::vector<LayerCall> beyond(const std::vector<LayerCall>& calls,
                              const std::vector<LayerCall>& allowed) {
  std::vector<LayerCall> rest;
  for (const LayerCall& call : calls) {
    const auto known = find_call(allowed, call.name);
    if (known == allowed.end()) {
      rest.push_back(call);
    } else if (!known->values.empty()) {
      LayerCall more{.name = call.name, .index = call.index};
      std::ranges::set_difference(call.values, known->values,
                                  std::back_inserter(more.values));
      if (!more.values.empty() || call.values.empty()) {
        rest.push_back(std::move(more));
      }
    }
  }
  return rest;
}

}  // namespace vambrace::recorder
