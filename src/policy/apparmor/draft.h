#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "policy/apparmor/generalize.h"
#include "policy/apparmor/sensitive.h"

// Rules while they are being made: between generalize.h and budget.h.
namespace vambrace::policy::apparmor {

// One name of a pattern. Those of one call are kept together until its end and
// pointed to; names without a form stand for themselves.
struct Segment {
  std::string text;
  std::string_view name;     // a literal's bytes
  std::optional<Form> form;  // a pattern
  std::vector<std::string> examples;
  std::size_t seen = 0;
};

struct Draft {
  std::vector<const Segment*> segments;
  // Where each segment starts in the text: the text up to there is the
  // directory's pattern, with its slash.
  std::vector<std::size_t> starts;
  std::string access;
  bool owner = true;
  std::vector<std::uint32_t> paths;  // indices, sorted
  std::optional<Generalization> widened;
};

// By pattern and owner.
using Drafts = std::map<std::pair<std::string, bool>, Draft>;

Segment literal_segment(std::string_view name);

// The first sensitive entry that has a path in common with the draft's pattern;
// null: none has.
const Sensitive* touched(const Draft& draft);

// A pattern's text, and the starts of its segments.
std::string join(Draft& draft);

// Adds a draft to those with the same pattern and owner; where it went.
Drafts::iterator put(Drafts& drafts, Draft draft);

// The letters of both, sorted; `a` is sorted already.
std::string both(std::string_view a, std::string_view b);

}  // namespace vambrace::policy::apparmor
