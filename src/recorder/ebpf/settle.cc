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

}  // namespace

void settle(Raw& raw) {
  count_open_calls(raw);
  std::map<Call, std::uint64_t> unsure;
  for (const auto& [key, tally] : raw.errnos) {
    if (key.denied == VMB_UNSURE) {
      unsure[call_of(key)] += tally.count;
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
    if (made[call] <= failed && image < raw.images.size()) {
      raw.unsure.push_back({image, {static_cast<kernel::Arch>(arch & 3), nr}});
    }
  }
}

}  // namespace vambrace::recorder::ebpf
