#include "elf/exports.h"

#include <bit>

namespace vambrace::elf {
namespace {

constexpr std::size_t kWordBits = 64;

std::size_t word_of(std::size_t hash, std::size_t words) {
  return hash / kWordBits % words;
}

std::uint64_t bit_of(std::size_t hash) {
  return std::uint64_t{1} << (hash % kWordBits);
}

}  // namespace

Exports::Exports(const std::vector<Symbol>& symbols) {
  for (std::uint32_t i = 0; i < symbols.size(); ++i) {
    if (symbols[i].defined && !symbols[i].local) {
      by_name_[HashedName(symbols[i].name)].push_back(i);
    }
  }
  if (by_name_.empty()) {
    return;
  }
  marks_.resize(std::bit_ceil(by_name_.size() / 4 + 1));
  for (const auto& [name, indices] : by_name_) {
    marks_[word_of(name.hash, marks_.size())] |= bit_of(name.hash);
  }
}

std::span<const std::uint32_t> Exports::find(const HashedName& name) const {
  if (marks_.empty() ||
      (marks_[word_of(name.hash, marks_.size())] & bit_of(name.hash)) == 0) {
    return {};
  }
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? std::span<const std::uint32_t>()
                                 : std::span(found->second);
}

}  // namespace vambrace::elf
