#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <unordered_map>
#include <utility>
#include <vector>

#include "elf/process.h"
#include "elf/values.h"
#include "elf/walk.h"

// What a value is where the kernel is entered, over all callers.
namespace vambrace::elf {

// A place where a value could not be followed further.
struct Lost {
  std::uint32_t node = 0;
  std::uint64_t address = 0;
  std::string why;
  auto operator<=>(const Lost&) const = default;
};

struct Answer {
  std::set<std::uint64_t> numbers;
  // The same with the file in whose code it stands, whose address it may be.
  std::set<std::pair<std::uint64_t, const Object*>> places;
  std::set<Lost> lost;  // empty: the numbers are all there are
};

// The process must outlive it, and each walk its use. Remembers what it has
// computed, also from one walk to the next.
class SiteValues {
 public:
  explicit SiteValues(const Process& process) : process_(process) {}

  // What follows is about this walk.
  void use(const Walk& walk) {
    walk_ = &walk;
    returning_ = find_returning(process_);
  }

  const std::vector<Moment>& moments(std::uint32_t node);

  // A value of that function, which may be a parameter of it.
  Answer resolve(std::uint32_t node, std::uint64_t address, const Value& value);

  // The function that a call of an object goes to.
  std::optional<std::uint32_t> called(const Object& object,
                                      std::uint64_t target,
                                      bool through_slot) const;

 private:
  using Asked = std::set<std::pair<std::uint32_t, Origin>>;
  void follow(std::uint32_t node, std::uint64_t address, const Value& value,
              Asked& asked, Answer& answer);
  void follow_callers(std::uint32_t node, const Origin& origin, Asked& asked,
                      Answer& answer);
  bool leads_to(const Object& object, const Moment& moment, std::uint32_t node,
                std::uint64_t entry) const;

  const Process& process_;
  const Walk* walk_ = nullptr;
  std::vector<bool> returning_;
  Choices choices_;
  std::unordered_map<std::uint32_t, std::vector<Moment>> moments_;
};

}  // namespace vambrace::elf
