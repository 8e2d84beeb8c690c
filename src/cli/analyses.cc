#include "cli/analyses.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <future>
#include <thread>
#include <utility>
#include <vector>

#include "elf/kept_root.h"

namespace vambrace::cli {
namespace {

constexpr unsigned kDefaultJobs = 8;

Analysis analyze_timed(const elf::Root& root, Memos& memos,
                       const elf::Request& request, elf::Binaries& binaries) {
  const auto begin = std::chrono::steady_clock::now();
  auto answered = memos.analyze(root, request, binaries);
  return {std::move(answered), std::chrono::steady_clock::now() - begin};
}

}  // namespace

unsigned default_jobs() {
  return std::clamp(std::thread::hardware_concurrency(), 1U, kDefaultJobs);
}

void analyze_each(const elf::Root& root, Memos& memos,
                  std::span<const elf::Request> requests, unsigned jobs,
                  const std::function<void(std::size_t, Analysis)>& tell) {
  std::vector<std::promise<Analysis>> promises(requests.size());
  std::atomic<std::size_t> next = 0;
  const auto work = [&](const std::stop_token& stopped) {
    const elf::KeptRoot kept(root);
    elf::Binaries binaries;
    for (std::size_t i = next++;
         i < requests.size() && !stopped.stop_requested(); i = next++) {
      try {
        promises[i].set_value(
            analyze_timed(kept, memos, requests[i], binaries));
      } catch (...) {
        promises[i].set_exception(std::current_exception());
      }
    }
  };
  std::vector<std::jthread> threads;
  for (std::size_t i = 0; i < std::min<std::size_t>(jobs, requests.size());
       ++i) {
    threads.emplace_back(work);
  }
  for (std::size_t i = 0; i < requests.size(); ++i) {
    tell(i, promises[i].get_future().get());
  }
}

}  // namespace vambrace::cli
