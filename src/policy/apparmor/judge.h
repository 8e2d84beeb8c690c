#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "policy/apparmor/profile.h"

namespace vambrace::policy::apparmor {

// What the file rules of one profile, or of one child, say about paths.
class FileJudge {
 public:
  // InvalidInput for a pattern that AppArmor cannot read. The rules must
  // outlive the judge.
  static Result<FileJudge> of(const Rules& rules, const Variables& variables);

  // The rules that match the path, in no order.
  std::vector<const FileRule*> matching(std::string_view path) const;

  // Which letters of an evidence's access the rules do not allow. `owner`: the
  // file belongs to the process's user; nullopt: not known, then a rule for
  // owners does not help.
  std::string refused(std::string_view path, std::string_view access,
                      std::optional<bool> owner) const;

 private:
  struct Wide {
    const FileRule* rule = nullptr;
    std::string start;  // every match begins so
    Pattern pattern;
  };

  std::unordered_map<std::string, std::vector<const FileRule*>> literal_;
  std::vector<Wide> wide_;
};

// Does the rule let through what the letter of an evidence's access stands for?
// Of a rule that denies: does it refuse that?
bool allows(const FileRule& rule, char letter);

}  // namespace vambrace::policy::apparmor
