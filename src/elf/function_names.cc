#include "elf/function_names.h"

#include <algorithm>

namespace vambrace::elf {

std::string_view FunctionNames::at(const Image& image, std::uint64_t address) {
  if (!ready_) {
    local_ = in_order(image.local_symbols);
    dynamic_ = in_order(image.symbols);
    ready_ = true;
  }
  const std::string_view name = find(local_, address);
  return name.empty() ? find(dynamic_, address) : name;
}

// The shortest first, and of those the first in the table.
std::vector<FunctionNames::Named> FunctionNames::in_order(
    const std::vector<Symbol>& symbols) {
  std::vector<Named> all;
  for (const Symbol& symbol : symbols) {
    if (symbol.defined && symbol.function && !symbol.name.empty()) {
      all.push_back({symbol.address, symbol.name});
    }
  }
  std::ranges::stable_sort(all, {}, [](const Named& named) {
    return std::pair(named.address, named.name.size());
  });
  return all;
}

std::string_view FunctionNames::find(const std::vector<Named>& all,
                                     std::uint64_t address) {
  const auto found =
      std::ranges::lower_bound(all, address, {}, &Named::address);
  return found == all.end() || found->address != address ? std::string_view()
                                                         : found->name;
}

}  // namespace vambrace::elf
