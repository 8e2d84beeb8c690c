#include "recorder/ebpf/settle.h"

#include <algorithm>
#include <set>
#include <tuple>

namespace vambrace::recorder::ebpf {
namespace {

// A call in any phase.
using Call = std::tuple<std::uint32_t, std::uint32_t, std::uint32_t>;

template <class Key>
Call call_of(const Key& key) {
  return {key.image, key.arch, key.nr};
}

// A row without a count says that a call began.
void count_open_calls(Raw& raw) {
  using Row = std::tuple<Call, std::uint32_t>;
  const auto row_of = [](const vmb_fact_key& key) {
    return Row(call_of(key), key.phase);
  };
  std::set<Row> counted;
  for (const auto& [key, tally] : raw.facts) {
    if (tally.count != 0) {
      counted.insert(row_of(key));
    }
  }
  for (auto& [key, tally] : raw.facts) {
    if (tally.count == 0 && counted.insert(row_of(key)).second) {
      tally.count = 1;
    }
  }
}

// The failures are refusals, and the call was never made.
void refuse(Raw& raw, const Call& call) {
  std::erase_if(raw.facts,
                [&](const auto& row) { return call_of(row.first) == call; });
  for (auto& [key, tally] : raw.errnos) {
    if (call_of(key) == call && key.denied == 0) {
      key.denied = VMB_REFUSED;
      raw.counters.denied += tally.count;
    }
  }
  for (auto& [key, seen] : raw.tuples) {
    if (call_of(key) == call) {
      key.denied = 1;
    }
  }
  for (auto& [key, seen] : raw.tuple_counts) {
    if (call_of(key) == call) {
      key.denied = 1;
    }
  }
}

}  // namespace

void settle(Raw& raw) {
  count_open_calls(raw);
  std::map<Call, std::uint64_t> unsure;
  std::set<Call> refused;
  for (const auto& [key, tally] : raw.errnos) {
    if (key.denied == VMB_UNSURE) {
      unsure[call_of(key)] += tally.count;
    } else if (key.denied == VMB_REFUSED) {
      refused.insert(call_of(key));
    }
  }
  std::erase_if(raw.errnos,
                [](const auto& row) { return row.first.denied == VMB_UNSURE; });
  std::map<Call, std::uint64_t> made;
  for (const auto& [key, tally] : raw.facts) {
    if (unsure.contains(call_of(key))) {
      made[call_of(key)] += tally.count;
    }
  }
  for (const auto& [call, failed] : unsure) {
    const auto& [image, arch, nr] = call;
    if (made[call] > failed || image >= raw.images.size()) {
      continue;
    }
    if (refused.contains(call)) {
      refuse(raw, call);
    } else {
      raw.unsure.push_back({image, {static_cast<kernel::Arch>(arch & 3), nr}});
    }
  }
}

}  // namespace vambrace::recorder::ebpf
