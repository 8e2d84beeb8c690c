#include "elf/askers.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "elf/chain.h"

namespace vambrace::elf {
namespace {

// Callers, one function further away with each step, but never on from a file
// other than the one that makes the call.
class Backwards {
 public:
  Backwards(const Process& process, const Walk& walk)
      : process_(process), walk_(walk) {}

  std::vector<Asker> from(std::span<const std::uint32_t> nodes) {
    std::vector<std::uint32_t> here(nodes.begin(), nodes.end());
    seen_.insert(here.begin(), here.end());
    for (const std::uint32_t node : here) {
      note(node, 0);
    }
    for (std::uint32_t inside = 1; inside <= kMaxInside; ++inside) {
      std::vector<std::uint32_t> next;
      for (const std::uint32_t node : here) {
        const Object* object = &process_.object_of(node);
        for (const std::uint32_t caller : walk_.callers.of(node)) {
          if (&process_.object_of(caller) != object) {
            note(caller, inside);
          } else if (seen_.insert(caller).second) {
            next.push_back(caller);
          }
        }
      }
      here = std::move(next);
    }
    return described();
  }

 private:
  void note(std::uint32_t node, std::uint32_t inside) {
    const auto asks = std::pair(inside, node);
    const auto [it, fresh] =
        nearest_.try_emplace(&process_.object_of(node), asks);
    it->second = std::min(it->second, asks);
  }

  std::vector<Asker> described() const {
    std::vector<Asker> askers;
    for (const auto& [object, asks] : nearest_) {
      const auto [inside, node] = asks;
      askers.push_back({object->path,
                        function_name(*object, process_.function_of(node)),
                        inside});
    }
    std::ranges::sort(askers, {}, [](const Asker& asker) {
      return std::tie(asker.inside, asker.object);
    });
    return askers;
  }

  const Process& process_;
  const Walk& walk_;
  std::set<std::uint32_t> seen_;
  // How near the nearest function of each file is, and which one.
  std::map<const Object*, std::pair<std::uint32_t, std::uint32_t>> nearest_;
};

}  // namespace

std::vector<Asker> askers_of(const Process& process, const Walk& walk,
                             std::span<const std::uint32_t> nodes) {
  return Backwards(process, walk).from(nodes);
}

}  // namespace vambrace::elf
