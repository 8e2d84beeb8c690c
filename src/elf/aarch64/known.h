#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "elf/aarch64/words.h"

namespace vambrace::elf::aarch64 {

// What registers and slots of the frame may hold of known addresses, at one
// place of the code.
class Known {
 public:
  // How an address came about.
  enum class Made : std::uint8_t {
    Page,     // ADRP, or a part of a number
    Whole,    // a page and the rest, or all at once
    Derived,  // by adding to a whole one what is only a part
  };
  struct Item {
    std::uint32_t holder = 0;
    Made made = Made::Page;
    std::uint64_t address = 0;
    auto operator<=>(const Item&) const = default;
  };

  // A slot of the frame as a holder, by its base (x29 or the stack pointer).
  static std::uint32_t slot(unsigned base, std::int64_t offset) {
    return (base == kFramePointer ? kFrameSlot : kStackSlot) |
           static_cast<std::uint32_t>(offset & 0xffffff);
  }

  bool holds(std::uint32_t holder) const {
    return (mask_ & bit_of(holder)) != 0;
  }
  bool empty() const { return items_.empty(); }
  std::size_t size() const { return items_.size(); }
  const std::vector<Item>& items() const { return items_; }

  void add(const Item& item) {
    const auto at = std::ranges::lower_bound(items_, item);
    if (at != items_.end() && *at == item) {
      return;
    }
    items_.insert(at, item);
    mask_ |= bit_of(item.holder);
  }

  // Of these registers nothing is known any more.
  void forget(RegisterSet registers) {
    if ((mask_ & registers) != 0) {
      erase([&](const Item& item) {
        return item.holder < kStackPointer &&
               (registers >> item.holder & 1) != 0;
      });
    }
  }
  // Nor of the slots over this base.
  void forget_slots(unsigned base) {
    const std::uint32_t kind = slot(base, 0);
    if ((mask_ & bit_of(kind)) != 0) {
      erase([&](const Item& item) {
        return (item.holder & (kFrameSlot | kStackSlot)) == kind;
      });
    }
  }
  void forget_slot(std::uint32_t holder) {
    if (holds(holder)) {
      erase([&](const Item& item) { return item.holder == holder; });
    }
  }

  // What of the other is in slots or in these registers. True if that is more
  // than before.
  bool join(const Known& other, RegisterSet registers) {
    std::vector<Item> all;
    all.reserve(items_.size() + other.items_.size());
    const auto counts = [&](const Item& item) {
      return item.holder > kStackPointer || (registers >> item.holder & 1) != 0;
    };
    auto mine = items_.begin();
    for (const Item& item : other.items_) {
      if (!counts(item)) {
        continue;
      }
      while (mine != items_.end() && *mine < item) {
        all.push_back(*mine++);
      }
      if (mine == items_.end() || *mine != item) {
        all.push_back(item);
        mask_ |= bit_of(item.holder);
      }
    }
    all.insert(all.end(), mine, items_.end());
    const bool more = all.size() > items_.size();
    items_ = std::move(all);
    return more;
  }

 private:
  static constexpr std::uint32_t kStackSlot = 1U << 30;
  static constexpr std::uint32_t kFrameSlot = 1U << 31;

  static std::uint64_t bit_of(std::uint32_t holder) {
    return holder < kStackPointer       ? std::uint64_t{1} << holder
           : (holder & kFrameSlot) != 0 ? std::uint64_t{1} << 63
                                        : std::uint64_t{1} << 62;
  }

  template <class Of>
  void erase(Of of) {
    std::erase_if(items_, of);
    mask_ = 0;
    for (const Item& item : items_) {
      mask_ |= bit_of(item.holder);
    }
  }

  std::vector<Item> items_;  // sorted
  std::uint64_t mask_ = 0;   // which holders have any
};

}  // namespace vambrace::elf::aarch64
