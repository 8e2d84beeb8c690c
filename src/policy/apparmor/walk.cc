#include "policy/apparmor/walk.h"

#include <algorithm>

#include "policy/apparmor/sensitive.h"
#include "policy/apparmor/siblings.h"
#include "policy/unnamed.h"

namespace vambrace::policy::apparmor {
namespace {

// The letters of an access that belong to one purpose. Executing is of none.
std::string letters_for(Purpose purpose, std::string_view access) {
  std::string out;
  for (const char letter : access) {
    const Purpose its = letter == 'r'   ? Purpose::Read
                        : letter == 'm' ? Purpose::Map
                                        : Purpose::Write;
    if (its == purpose && letter != 'x') {
      out += letter;
    }
  }
  return out;
}

}  // namespace

Walk::Walk(const SeenPaths& paths) : paths_(paths), stores_(paths) {}

void Walk::follow(Purpose purpose) {
  purpose_ = purpose;
  std::vector<std::uint32_t> all;
  for (std::uint32_t i = 0; i < paths_.size(); ++i) {
    if (!paths_[i].names.empty() &&
        !letters_for(purpose, paths_[i].access).empty()) {
      all.push_back(i);
    }
  }
  std::string directory = "/";
  enter(all, directory);
}

void Walk::keep(std::uint32_t index) {
  Draft draft = literal_draft(index);
  draft.access = paths_[index].access;
  if (draft.access.contains('x') && is_unnamed(draft.segments.back()->name)) {
    kept_.emplace(paths_[index].bytes, "what is executed keeps its name");
  }
  put(drafts_, std::move(draft));
}

// All these paths share the pattern of `directory`, which trail_ spells. They
// are put in another order.
void Walk::enter(std::span<std::uint32_t> paths, std::string& directory) {
  const std::size_t depth = trail_.size();
  const auto going_on = std::ranges::stable_partition(
      paths,
      [&](std::uint32_t index) { return paths_[index].names.size() == depth; });
  const auto ending = paths.first(paths.size() - going_on.size());
  if (!ending.empty()) {
    leave(ending);
  }
  if (going_on.empty()) {
    return;
  }
  Siblings siblings(paths_, stores_, purpose_, directory, depth,
                    {going_on.begin(), going_on.end()});
  for (Alike& group : siblings.groups()) {
    descend(segments_.emplace_back(std::move(group.segment)), group.paths,
            directory);
  }
  for (const Sibling& entry : siblings.entries()) {
    if (!entry.paths.empty()) {
      if (entry.apart) {
        apart_[directory].emplace(entry.name);
      }
      descend(segments_.emplace_back(literal_segment(entry.name)), entry.paths,
              directory);
    }
  }
}

void Walk::descend(const Segment& segment, std::span<std::uint32_t> paths,
                   std::string& directory) {
  const std::size_t length = directory.size();
  const std::size_t pattern = segment.form ? 1 : 0;
  trail_.push_back(&segment);
  patterns_ += pattern;
  directory += segment.text;
  directory += '/';
  enter(paths, directory);
  directory.resize(length);
  patterns_ -= pattern;
  trail_.pop_back();
}

// A file that nobody named hides no secret of others: no path leads to it.
bool Walk::ends_unnamed() const {
  return !trail_.empty() && trail_.back()->form &&
         trail_.back()->form->kind == Kind::Unnamed;
}

// That a folder has many files, or more tomorrow, makes none of their names one
// of this run.
bool Walk::names_a_run() const {
  return std::ranges::any_of(trail_, [](const Segment* segment) {
    return segment->form && segment->form->kind != Kind::Siblings &&
           segment->form->kind != Kind::Subtree;
  });
}

// The pattern that trail_ spells stands for these paths.
void Walk::leave(std::span<const std::uint32_t> paths) {
  Draft draft{.segments = trail_};
  const Sensitive* sensitive =
      patterns_ == (ends_unnamed() ? 1 : 0) ? nullptr : touched(draft);
  for (const std::uint32_t index : paths) {
    if (sensitive != nullptr) {
      if (names_a_run()) {
        kept_.emplace(paths_[index].bytes, sensitive->reason);
      }
      Draft one = literal_draft(index);
      one.access = letters_for(purpose_, paths_[index].access);
      put(drafts_, std::move(one));
      continue;
    }
    draft.access =
        both(draft.access, letters_for(purpose_, paths_[index].access));
    draft.owner = draft.owner && paths_[index].owner;
  }
  if (sensitive == nullptr) {
    draft.paths.assign(paths.begin(), paths.end());
    std::ranges::sort(draft.paths);
    put(drafts_, std::move(draft));
  }
}

Draft Walk::literal_draft(std::uint32_t index) {
  Draft out{.owner = paths_[index].owner, .paths = {index}};
  for (const std::string_view name : paths_[index].names) {
    out.segments.push_back(&segments_.emplace_back(literal_segment(name)));
  }
  return out;
}

}  // namespace vambrace::policy::apparmor
