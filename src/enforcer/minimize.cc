#include "enforcer/minimize.h"

namespace vambrace::enforcer {
namespace {

std::string what_went_wrong(const Judgement& judgement) {
  if (!judgement.failures.empty()) {
    return judgement.failures.front();
  }
  if (!judgement.unexpected.empty()) {
    return describe(judgement.unexpected.front());
  }
  if (judgement.status != 0) {
    return fmt::format("the command ended with {}", judgement.status);
  }
  return judgement.losses.empty() ? "nothing ran under the policy"
                                  : judgement.losses.front();
}

}  // namespace

Result<Minimum> minimize(const std::set<std::uint32_t>& granted,
                         const TryWith& try_with) {
  Minimum minimum;
  for (const std::uint32_t number : granted) {
    std::set<std::uint32_t> rest = granted;
    rest.erase(number);
    TRY_ASSIGN(const Judgement judgement, try_with(rest));
    const bool missed = !judgement.holds();
    minimum.omissions.push_back(
        {.number = number,
         .missed = missed,
         .why = missed ? what_went_wrong(judgement) : ""});
    if (missed) {
      minimum.capabilities.insert(number);
    }
  }
  TRY_ASSIGN(minimum.whole, try_with(minimum.capabilities));
  return minimum;
}

}  // namespace vambrace::enforcer
