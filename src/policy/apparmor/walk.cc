#include "policy/apparmor/walk.h"

#include <algorithm>
#include <set>
#include <unordered_map>

#include "policy/apparmor/sensitive.h"
#include "policy/unnamed.h"

namespace vambrace::policy::apparmor {

// One name in a directory, and the paths that go on from there.
struct Walk::Entry {
  std::string_view name;
  std::span<std::uint32_t> paths;
  std::optional<Form> form;
  std::optional<Form> drawn;  // see drawn_form_of
  bool taken = false;
};

// The names that are followed as one.
struct Walk::Group {
  Segment segment;
  std::vector<std::uint32_t> paths;

  void take(Entry& entry) {
    entry.taken = true;
    ++segment.seen;
    if (segment.examples.size() < kMaxExamples) {
      segment.examples.emplace_back(entry.name);
    }
    paths.insert(paths.end(), entry.paths.begin(), entry.paths.end());
  }
};

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

// Which of many shapes matches a name. Those that begin with the same fixed
// bytes are found by these, so that a directory with thousands of groups does
// not compare each name with each of them.
class ShapeIndex {
 public:
  explicit ShapeIndex(std::vector<const Shape*> shapes)
      : shapes_(std::move(shapes)) {
    for (std::size_t i = 0; i < shapes_.size(); ++i) {
      std::string start = fixed_start(shapes_[i]->pieces);
      lengths_.insert(start.size());
      by_start_[std::move(start)].push_back(i);
    }
  }

  // The first one's place; nullopt: none does.
  std::optional<std::size_t> first_that_matches(std::string_view name) const {
    std::optional<std::size_t> first;
    for (const std::size_t length : lengths_) {
      if (length > name.size()) {
        break;
      }
      const auto found = by_start_.find(std::string(name.substr(0, length)));
      if (found == by_start_.end()) {
        continue;
      }
      for (const std::size_t at : found->second) {
        if ((!first || at < *first) && matches(shapes_[at]->pieces, name)) {
          first = at;
          break;
        }
      }
    }
    return first;
  }

 private:
  std::vector<const Shape*> shapes_;
  std::set<std::size_t> lengths_;
  std::unordered_map<std::string, std::vector<std::size_t>> by_start_;
};

}  // namespace

Walk::Walk(const SeenPaths& paths) : paths_(paths) {
  for (std::size_t i = 0; i < paths.size(); ++i) {
    const Path& path = paths[i];
    if (path.made) {
      made_.insert(path.bytes.ends_with('/')
                       ? path.bytes.substr(0, path.bytes.size() - 1)
                       : path.bytes);
    }
  }
}

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
  std::vector<Entry> all =
      entries({going_on.begin(), going_on.end()}, directory);
  const auto follow_all = [&](std::vector<Group> alike) {
    for (Group& group : alike) {
      std::ranges::sort(group.paths);
      descend(segments_.emplace_back(std::move(group.segment)), group.paths,
              directory);
    }
  };
  follow_all(groups(all, &Entry::drawn));
  follow_all(groups(all, &Entry::form));
  for (const Entry& entry : all) {
    if (!entry.taken) {
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

// What the directory holds, sorted by name.
std::vector<Walk::Entry> Walk::entries(std::span<std::uint32_t> paths,
                                       std::string_view directory) const {
  const std::size_t depth = trail_.size();
  const auto name_of = [&](std::uint32_t index) {
    return paths_[index].names[depth];
  };
  // Sorted by all their bytes, most are already.
  if (!std::ranges::is_sorted(paths, {}, name_of)) {
    std::ranges::stable_sort(paths, {}, name_of);
  }
  std::vector<Entry> out;
  for (std::size_t first = 0; first < paths.size();) {
    const std::string_view name = name_of(paths[first]);
    std::size_t end = first + 1;
    while (end < paths.size() && name_of(paths[end]) == name) {
      ++end;
    }
    const auto its = paths.subspan(first, end - first);
    const Place place{.directory = directory,
                      .purpose = purpose_,
                      .made = is_made(its),
                      .python = is_file_of_python(its),
                      .file = is_file(its)};
    out.push_back({.name = name,
                   .paths = its,
                   .form = form_of(name, place),
                   .drawn = drawn_form_of(name, place)});
    first = end;
  }
  return out;
}

// Did the workload make and remove one of the files or directories with that
// name, at this depth of the paths?
bool Walk::is_made(std::span<const std::uint32_t> paths) const {
  const std::size_t depth = trail_.size();
  std::string_view last;
  return !made_.empty() && std::ranges::any_of(paths, [&](std::uint32_t index) {
    const Path& path = paths_[index];
    const std::string_view name = path.names[depth];
    const std::string_view whole(path.bytes.begin(), name.end());
    return whole != std::exchange(last, whole) && made_.contains(whole);
  });
}

// Does one of the paths end with the name?
bool Walk::is_file(std::span<const std::uint32_t> paths) const {
  return std::ranges::any_of(paths, [&](std::uint32_t index) {
    return paths_[index].names.size() == trail_.size() + 1;
  });
}

// Is it the name of files, not of directories, that Python alone used?
bool Walk::is_file_of_python(std::span<const std::uint32_t> paths) const {
  return std::ranges::all_of(paths, [&](std::uint32_t index) {
    return paths_[index].python &&
           paths_[index].names.size() == trail_.size() + 1;
  });
}

// The names that are left, by one of their forms.
std::vector<Walk::Group> Walk::groups(
    std::vector<Entry>& entries, std::optional<Form> Entry::* which) const {
  std::map<std::string_view, std::vector<Entry*>> alike;
  for (Entry& entry : entries) {
    if (const auto& form = entry.*which; form && !entry.taken) {
      alike[form->shape.text].push_back(&entry);
    }
  }
  std::vector<Group> out;
  for (const auto& [text, members] : alike) {
    // One text may come from several readings of a name; the surest counts.
    const Form& form =
        *(std::ranges::min(members, {}, [&](const Entry* member) {
            return (member->*which)->needed;
          })->*which);
    if (is_enough(members, form.needed) &&
        (which == &Entry::form || !is_told_better(members))) {
      Group& group = out.emplace_back();
      group.segment = {.text = std::string(text), .name = {}, .form = form};
      for (Entry* member : members) {
        group.take(*member);
      }
    }
  }
  if (out.empty()) {
    return out;
  }
  std::vector<const Shape*> shapes;
  for (const Group& group : out) {
    shapes.push_back(&group.segment.form->shape);
  }
  const ShapeIndex index(std::move(shapes));
  for (Entry& entry : entries) {
    const bool sure = entry.form && entry.form->needed == 1;
    if (entry.taken || entry.name.empty() || sure) {
      continue;
    }
    if (const auto wide = index.first_that_matches(entry.name)) {
      out[*wide].take(entry);
    }
  }
  return out;
}

// Do these names, which could be drawn by lot, say more surely what they are:
// all numbers, or all hexadecimal?
bool Walk::is_told_better(const std::vector<Entry*>& members) {
  const auto& first = members.front()->form;
  return first && first->kind != Kind::TempName &&
         std::ranges::all_of(members, [&](const Entry* member) {
           return member->form && member->form->shape.text == first->shape.text;
         });
}

bool Walk::is_enough(const std::vector<Entry*>& members,
                     std::size_t needed) const {
  return members.size() >= needed ||
         (members.size() >= 2 && took_turns(members));
}

// Are there two of which each has a recording that the other has not?
bool Walk::took_turns(const std::vector<Entry*>& members) const {
  std::set<std::vector<std::string_view>> all;
  for (const Entry* entry : members) {
    std::set<std::uint32_t> sets;
    for (const std::uint32_t index : entry->paths) {
      sets.insert(paths_[index].recordings);
    }
    std::set<std::string_view> words;
    for (const std::uint32_t set : sets) {
      words.insert(paths_.words(set).begin(), paths_.words(set).end());
    }
    all.emplace(words.begin(), words.end());
  }
  // Unless two took turns, each larger set holds the smaller ones.
  std::vector<std::vector<std::string_view>> by_size(all.begin(), all.end());
  std::ranges::stable_sort(by_size, {},
                           [](const auto& set) { return set.size(); });
  return std::ranges::adjacent_find(by_size, [](const auto& a, const auto& b) {
           return !std::ranges::includes(b, a);
         }) != by_size.end();
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
