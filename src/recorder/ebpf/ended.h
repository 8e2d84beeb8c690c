#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <set>
#include <utility>

namespace vambrace::recorder::ebpf {

// Scopes whose first process ended, and when to look at what they left. A look
// reads all that was recorded; a workload that is started a thousand times
// would have it read a thousand times.
class Ended {
 public:
  using Time = std::chrono::steady_clock::time_point;

  // Perhaps not for the first time.
  void add(std::uint32_t scope) { waiting_.insert(scope); }

  // A scope that ended for the first time is due at once, and all others with
  // it; else all are due when ten times as long has passed as the last look
  // took.
  bool is_due(Time now) const {
    return !std::ranges::includes(seen_, waiting_) ||
           (!waiting_.empty() && now >= next_);
  }

  // Those that wait; none does after it.
  std::set<std::uint32_t> take() {
    seen_.insert(waiting_.begin(), waiting_.end());
    return std::exchange(waiting_, {});
  }

  void looked(Time start, Time end) {
    constexpr int kTimesAsLong = 10;
    next_ = end + kTimesAsLong * (end - start);
  }

 private:
  std::set<std::uint32_t> waiting_;
  std::set<std::uint32_t> seen_;
  Time next_;
};

}  // namespace vambrace::recorder::ebpf
