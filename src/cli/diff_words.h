#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "policy/difference.h"

// How `diff` speaks of a difference.
namespace vambrace::cli {

struct Compared {
  std::string left;  // as it was typed
  std::string right;
  bool capabilities = false;
  bool files = false;  // rules of AppArmor's, those about files and others
  bool container = false;
  // What a side lacks in AppArmor's rules is not refused there.
  bool left_refuses_nothing = false;
  bool right_refuses_nothing = false;
  // Files that are not what their policy renders to, and what to do about it.
  struct Finding {
    std::string message;
    std::string hint;
    auto operator<=>(const Finding&) const = default;
  };
  std::vector<Finding> findings;
};

std::string text_of(const policy::Difference& found, const Compared& compared);
json::Value json_of(const policy::Difference& found, const Compared& compared);

}  // namespace vambrace::cli
