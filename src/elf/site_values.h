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
  // The same with the function in whose code it stands, and how it comes from
  // there: functions from the one that was asked about to that one.
  std::map<std::pair<std::uint64_t, std::uint32_t>, std::vector<std::uint32_t>>
      places;
  std::set<Lost> lost;  // empty: the numbers are all there are
};

// The process must outlive it, and each walk its use. Remembers what it has
// computed, also from one walk to the next.
class SiteValues {
 public:
  explicit SiteValues(const Process& process) : process_(process) {}

  // What follows is about this walk.
  void use(const Walk& walk);

  const std::vector<Moment>& moments(std::uint32_t node);

  // A value of that function, which may be a parameter of it.
  Answer resolve(std::uint32_t node, std::uint64_t address, const Value& value);

  // The function that a call of an object goes to.
  std::optional<std::uint32_t> called(const Object& object,
                                      std::uint64_t target,
                                      bool through_slot) const;

 private:
  using Asked = std::set<std::pair<std::uint32_t, Origin>>;
  // What is being resolved: where from, what was asked, what was found.
  struct Question {
    Asked asked;
    std::vector<std::uint32_t> way;
    Answer answer;
  };
  void follow(std::uint32_t node, std::uint64_t address, const Value& value,
              Question& question);
  void follow_callers(std::uint32_t node, const Origin& origin,
                      Question& question);
  bool is_handed_over(std::uint32_t node) const;
  bool jumps_to(std::uint32_t caller, std::uint32_t node,
                std::uint64_t entry) const;
  bool leads_to(const Object& object, const Moment& moment, std::uint32_t node,
                std::uint64_t entry) const;

  const Process& process_;
  const Walk* walk_ = nullptr;
  std::vector<bool> returning_;
  std::vector<bool> again_;  // those that return more than once
  Effort effort_;
  std::unordered_map<std::uint32_t, Moments> moments_;
};

}  // namespace vambrace::elf
