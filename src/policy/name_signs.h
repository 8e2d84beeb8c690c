#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "evidence/evidence.h"

namespace vambrace::policy {

// What shows that a name is one of this run alone.
struct NameSign {
  std::string_view what;  // "the date of the recording", "a hash"
  bool certain = false;   // it is of the recording, and no guess
};

// Signs of a run in names: a date or time of the evidence's recordings, the
// number of one of its processes; numbers, hashes and letters drawn by lot,
// which are guesses. The evidence must outlive it.
class NameSigns {
 public:
  explicit NameSigns(const evidence::Evidence& evidence);

  // `directory` has a slash at its end. The surest sign; nullopt: none.
  std::optional<NameSign> of(std::string_view name,
                             std::string_view directory) const;

 private:
  std::optional<NameSign> of_digits(std::string_view name,
                                    std::string_view directory) const;
  std::optional<NameSign> of_number(std::string_view digits, bool whole,
                                    std::string_view name,
                                    std::string_view directory) const;
  bool has_day(std::string_view date) const;
  bool has_time(std::string_view digits) const;
  bool has_process(std::string_view digits) const;
  bool has_port(std::string_view digits) const;

  const std::vector<evidence::Recording>& recordings_;
  std::unordered_set<std::string_view> processes_;
  std::set<std::uint64_t> ports_;
};

}  // namespace vambrace::policy
