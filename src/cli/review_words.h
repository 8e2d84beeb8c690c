#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/command.h"
#include "policy/decision.h"
#include "review/changes.h"
#include "review/review.h"

// How `vambrace review` speaks, and what it writes down.
namespace vambrace::cli {

// For a terminal: what blocks first, what is most likely missed, what is
// riskiest. `all`: every finding and candidate, not the first few.
std::string review_text(const review::Review& review,
                        const std::optional<review::Changes>& since,
                        const std::string& directory, bool all, bool color);

// A decision as it was typed.
struct DecisionWords {
  std::string choice;             // "keep", "drop", "add", "waive", "forget"
  std::vector<std::string> what;  // "syscall ptrace"; one but with "add"
  std::optional<std::string> why;
  std::optional<std::string> until;
  std::optional<std::string> who;
};

// InvalidInput where the reason, the name or the last day is missing or makes
// no sense, whatever the decision is about.
Result<> check_decision_words(const Environment& environment,
                              const DecisionWords& words);

// Writes it into bundle.yaml, in the place of what was decided before about the
// same things, and says what comes next. Without a name, that of git is taken.
// InvalidInput, and the file as it was, for what cannot be decided.
Result<> write_decision(Environment& environment, const std::string& directory,
                        const DecisionWords& words);

}  // namespace vambrace::cli
