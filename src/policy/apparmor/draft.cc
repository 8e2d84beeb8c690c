#include "policy/apparmor/draft.h"

#include <algorithm>

#include "policy/apparmor/quote.h"

namespace vambrace::policy::apparmor {
namespace {

// What the segments match, each with the slash before it.
std::vector<Piece> pieces_of(const Draft& draft) {
  Shape out;
  for (const Segment* segment : draft.segments) {
    out += literal("/");
    out += segment->form ? segment->form->shape : literal(segment->name);
  }
  return std::move(out.pieces);
}

// The bytes that every match starts with, as far as its first form.
std::string fixed_start(const Draft& draft) {
  std::string out;
  for (const Segment* segment : draft.segments) {
    out += '/';
    if (segment->form) {
      return out + fixed_start(segment->form->shape.pieces);
    }
    out += segment->name;
  }
  return out;
}

}  // namespace

Segment literal_segment(std::string_view name) {
  return {.text = pattern_of(name), .name = name};
}

const Sensitive* touched(const Draft& draft) {
  return may_touch(fixed_start(draft)) ? touched(pieces_of(draft)) : nullptr;
}

std::string join(Draft& draft) {
  std::size_t size = 0;
  for (const Segment* segment : draft.segments) {
    size += 1 + segment->text.size();
  }
  std::string out;
  out.reserve(size);
  draft.starts.clear();
  draft.starts.reserve(draft.segments.size());
  for (const Segment* segment : draft.segments) {
    out += '/';
    draft.starts.push_back(out.size());
    out += segment->text;
  }
  return out;
}

Drafts::iterator put(Drafts& drafts, Draft draft) {
  std::pair key{join(draft), draft.owner};
  // Most come in order.
  const std::size_t before = drafts.size();
  const auto at =
      drafts.try_emplace(drafts.end(), std::move(key), std::move(draft));
  if (drafts.size() > before) {
    return at;
  }
  Draft& there = at->second;
  there.access = both(there.access, draft.access);
  std::vector<std::uint32_t> paths;
  std::ranges::set_union(there.paths, draft.paths, std::back_inserter(paths));
  there.paths = std::move(paths);
  if (!there.widened) {
    there.widened = std::move(draft.widened);
  }
  return at;
}

std::string both(std::string_view a, std::string_view b) {
  if (b.find_first_not_of(a) == b.npos) {
    return std::string(a);
  }
  std::string out = std::string(a) + std::string(b);
  std::ranges::sort(out);
  out.erase(std::ranges::unique(out).begin(), out.end());
  return out;
}

}  // namespace vambrace::policy::apparmor
