#include "elf/followed.h"

#include <algorithm>

namespace vambrace::elf {

bool Followed::holds(const Known& known, const Returns& returns,
                     const Effort& effort) {
  return known.moments != nullptr && known.steps < effort.left &&
         std::ranges::all_of(
             known.returns,
             [&](const auto& call) {
               const auto& [target, through_slot] = call.first;
               return returns(target, through_slot) == call.second;
             });
}

Moments Followed::moments(const Image& image, const Code& code,
                          std::uint32_t function, const Returns& returns,
                          Effort& effort) {
  Known& known = known_[function];
  if (holds(known, returns, effort)) {
    effort.spend(known.steps);
    return known.moments;
  }
  Known fresh;
  const Returns noted = [&](std::uint64_t target, bool through_slot) {
    const Back back = returns(target, through_slot);
    fresh.returns.insert_or_assign({target, through_slot}, back);
    return back;
  };
  const Function& followed = code.functions[function];
  const std::uint64_t before = effort.left;
  fresh.moments = std::make_shared<const std::vector<Moment>>(
      find_moments(image, followed.bounds, code.entries_of(followed), noted,
                   choices_, effort));
  fresh.steps = before - effort.left;
  // With more effort it may say more.
  known = effort.left == 0 ? Known{} : fresh;
  return fresh.moments;
}

}  // namespace vambrace::elf
