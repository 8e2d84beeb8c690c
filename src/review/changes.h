#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "review/review.h"

// What one review says that another, of before, did not.
namespace vambrace::review {

struct Changes {
  std::vector<policy::Finding> found;  // in the new one alone
  std::vector<policy::Finding> gone;   // in the old one alone
  std::vector<Grant> granted;          // in the order of the new one
  std::vector<Grant> withdrawn;
  // Of calls in these that both reviews grant, with other arguments: the old
  // ones' limits, by subject.
  std::map<std::string, std::string> before;
};

// A finding is the same if its id, place and severity are, the hash in an
// AppArmor profile's name aside: counts and days in its message may differ. An
// edited file is found anew each time: the edit may be another one. A grant is
// the same if its layer, subject and program are. Of a call the arguments
// count, too: with more of them it is granted, with fewer withdrawn, with
// others both.
Changes changes(const Review& old, const Review& now);

// From which findings on a review fails.
struct FailOn {
  int rank = 3;           // severity_rank()
  bool only_new = false;  // those that the other review did not have
  bool never = false;
};

// "none", "high", "new-medium", ... InvalidInput for other words.
Result<FailOn> parse_fail_on(std::string_view word);

// Those that fail it. An expired waiver does, new or not, unless nothing does:
// a day that passes is a change, too. Without a review to compare with, every
// finding is new.
std::vector<policy::Finding> failing(const Review& now,
                                     const std::optional<Changes>& since,
                                     const FailOn& fail_on);

}  // namespace vambrace::review
