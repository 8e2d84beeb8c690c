#include "elf/chain.h"

#include <algorithm>

namespace vambrace::elf {

std::string function_name(const Object& object, const Function& function) {
  return std::string(
      object.binary->names.at(object.image, function.bounds.begin));
}

Step step_of(const Process& process, std::uint32_t node, Link link) {
  const Object& object = process.object_of(node);
  const Function& function = process.function_of(node);
  return {object.path, function_name(object, function), function.bounds.begin,
          link};
}

std::vector<Step> chain_to(const Process& process,
                           const std::vector<Visit>& visits,
                           std::uint32_t node) {
  std::vector<Step> chain;
  for (std::uint32_t at = node; at != kNobody; at = visits[at].from) {
    chain.push_back(step_of(process, at, visits[at].link));
  }
  std::ranges::reverse(chain);
  return chain;
}

}  // namespace vambrace::elf
