#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "elf/image.h"

// The symbols of a file that others may find.
namespace vambrace::elf {

// A name that many files are asked for: its hash is computed once.
struct HashedName {
  explicit HashedName(std::string_view name)
      : text(name), hash(std::hash<std::string_view>()(name)) {}
  std::string_view text;
  std::size_t hash = 0;
  bool operator==(const HashedName& other) const { return text == other.text; }
};

// Names point into the image.
class Exports {
 public:
  explicit Exports(const std::vector<Symbol>& symbols = {});

  // Indices of the symbols with that name, in their order; empty if none.
  std::span<const std::uint32_t> find(const HashedName& name) const;
  bool empty() const { return by_name_.empty(); }

  // Pairs of a HashedName and indices.
  auto begin() const { return by_name_.begin(); }
  auto end() const { return by_name_.end(); }

 private:
  struct Hash {
    std::size_t operator()(const HashedName& name) const { return name.hash; }
  };
  std::unordered_map<HashedName, std::vector<std::uint32_t>, Hash> by_name_;
  // Most files do not have what they are asked for. A bit tells, by the lowest
  // bits of the hash: as many words as a power of two, or none.
  std::vector<std::uint64_t> marks_;
};

}  // namespace vambrace::elf
