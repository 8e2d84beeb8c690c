#pragma once

#include <set>
#include <string>

#include "evidence/evidence.h"
#include "review/review.h"

namespace vambrace::review {

// What the evidence can tell grants apart by.
class Habits {
 public:
  explicit Habits(const evidence::Evidence& evidence);

  // What is worth a second look in how a grant was used. Nothing is said that
  // the evidence cannot tell: with one phase nothing is of the start alone.
  std::set<Trait> traits_of(const Grant& grant) const;

 private:
  bool began(const Grant& grant) const;
  bool is_rare(const Grant& grant) const;

  std::set<std::string> first_phases_;  // of recordings with several
  std::uint64_t phases_ = 0;            // in which something was seen
  std::uint64_t recordings_ = 0;
};

// Every program makes it when the loader and the C library start: that it was
// seen at the start alone, or once, says nothing.
bool is_of_every_start(std::string_view syscall);

}  // namespace vambrace::review
