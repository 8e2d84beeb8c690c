#include "elf/site_values.h"

#include <algorithm>

namespace vambrace::elf {
namespace {

// Wrappers around wrappers; more are not believed to be ones.
constexpr std::size_t kMaxAsked = 4096;

}  // namespace

const std::vector<Moment>& SiteValues::moments(std::uint32_t node) {
  const auto known = moments_.find(node);
  if (known != moments_.end()) {
    return known->second;
  }
  return moments_
      .emplace(node, find_moments(process_.object_of(node).image,
                                  process_.function_of(node).bounds))
      .first->second;
}

Answer SiteValues::resolve(std::uint32_t node, std::uint64_t address,
                           const Value& value) {
  Answer answer;
  Asked asked;
  follow(node, address, value, asked, answer);
  return answer;
}

void SiteValues::follow(std::uint32_t node, std::uint64_t address,
                        const Value& value, Asked& asked, Answer& answer) {
  if (value.kind == Value::Kind::Constants) {
    answer.numbers.insert(value.constants.begin(), value.constants.end());
    return;
  }
  if (value.kind != Value::Kind::Register && value.kind != Value::Kind::Stack) {
    answer.lost.insert({node, address, "computed"});
    return;
  }
  const std::pair what(static_cast<int>(value.kind), value.number);
  if (!asked.insert({node, what}).second) {
    return;
  }
  if (asked.size() > kMaxAsked) {
    answer.lost.insert({node, address, "handed on too often"});
    return;
  }
  follow_callers(node, value, asked, answer);
}

void SiteValues::follow_callers(std::uint32_t node, const Value& parameter,
                                Asked& asked, Answer& answer) {
  const Visit& visit = walk_.visits[node];
  const std::uint64_t begin = process_.function_of(node).bounds.begin;
  if (visit.pointed_to || visit.link == Link::Start ||
      visit.link == Link::Initializer) {
    answer.lost.insert({node, begin,
                        "a parameter of a function that is called "
                        "through a pointer"});
  }
  for (const std::uint32_t caller : walk_.callers_of(node)) {
    const Object& object = process_.object_of(caller);
    bool found = false;
    for (const Moment& moment : moments(caller)) {
      if (moment.kernel || moment.target == 0) {
        continue;
      }
      std::optional<std::uint32_t> to;
      if (moment.through_slot) {
        if (const Pointer* pointer = object.image.pointer_at(moment.target)) {
          to = slot_target(process_, object, *pointer);
        }
      } else {
        to = call_target(process_, object, moment.target);
      }
      if (to != node) {
        continue;
      }
      found = true;
      if (parameter.kind == Value::Kind::Register) {
        follow(caller, moment.address,
               moment.registers[static_cast<std::size_t>(parameter.number)],
               asked, answer);
      } else {
        const auto slot = moment.stack.find(parameter.number);
        follow(caller, moment.address,
               slot == moment.stack.end() ? Value{} : slot->second, asked,
               answer);
      }
    }
    if (!found) {
      answer.lost.insert({caller, process_.function_of(caller).bounds.begin,
                          "falls into the function that takes it"});
    }
  }
}

}  // namespace vambrace::elf
