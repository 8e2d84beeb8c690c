#include "policy/apparmor/siblings.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "policy/apparmor/shape_index.h"

namespace vambrace::policy::apparmor {
namespace {

// Do these names, which could be drawn by lot, say more surely what they are:
// all numbers, or all hexadecimal?
bool is_told_better(const std::vector<Sibling*>& members) {
  const auto& first = members.front()->form;
  return first && first->kind != Kind::TempName &&
         std::ranges::all_of(members, [&](const Sibling* member) {
           return member->form && member->form->shape.text == first->shape.text;
         });
}

// Numbers count something in any place; what they count, only what is in such
// folders tells.
bool counts_something(const Form& form) {
  return form.needed > 1 &&
         (form.kind == Kind::Number || form.kind == Kind::WorkerIndex);
}

}  // namespace

Siblings::Siblings(const SeenPaths& seen, Purpose purpose,
                   std::string_view directory, std::size_t depth,
                   std::span<std::uint32_t> paths)
    : seen_(seen), purpose_(purpose), directory_(directory), depth_(depth) {
  const auto name_of = [&](std::uint32_t index) {
    return seen_[index].names[depth_];
  };
  // Sorted by all their bytes, most are already.
  if (!std::ranges::is_sorted(paths, {}, name_of)) {
    std::ranges::stable_sort(paths, {}, name_of);
  }
  for (std::size_t first = 0; first < paths.size();) {
    const std::string_view name = name_of(paths[first]);
    std::size_t end = first + 1;
    while (end < paths.size() && name_of(paths[end]) == name) {
      ++end;
    }
    const auto its = paths.subspan(first, end - first);
    const Place place = place_of(its);
    entries_.push_back({.name = name,
                        .paths = its,
                        .form = form_of(name, place),
                        .drawn = drawn_form_of(name, place)});
    first = end;
  }
}

Place Siblings::place_of(std::span<const std::uint32_t> paths) const {
  return {.directory = directory_,
          .purpose = purpose_,
          .made = is_made(paths),
          .python = is_file_of_python(paths),
          .file = is_file(paths)};
}

// Did the workload make and remove one of the files or directories with that
// name, at this depth of the paths?
bool Siblings::is_made(std::span<const std::uint32_t> paths) const {
  std::string_view last;
  return seen_.any_made() &&
         std::ranges::any_of(paths, [&](std::uint32_t index) {
           const std::string_view whole = seen_[index].up_to(depth_);
           return whole != std::exchange(last, whole) && seen_.is_made(whole);
         });
}

// Does one of the paths end with the name?
bool Siblings::is_file(std::span<const std::uint32_t> paths) const {
  return std::ranges::any_of(paths, [&](std::uint32_t index) {
    return seen_[index].names.size() == depth_ + 1;
  });
}

// Is it the name of files, not of directories, that Python alone used?
bool Siblings::is_file_of_python(std::span<const std::uint32_t> paths) const {
  return std::ranges::all_of(paths, [&](std::uint32_t index) {
    return seen_[index].python && seen_[index].names.size() == depth_ + 1;
  });
}

std::vector<Alike> Siblings::groups() {
  std::vector<Alike> out;
  group_by(&Sibling::drawn, out);
  group_by(&Sibling::form, out);
  for (Alike& group : out) {
    std::ranges::sort(group.paths);
  }
  return out;
}

// Adds the names that are left, by one of their forms.
void Siblings::group_by(std::optional<Form> Sibling::* which,
                        std::vector<Alike>& out) {
  std::map<std::string_view, std::vector<Sibling*>> alike;
  for (Sibling& entry : entries_) {
    if (const auto& form = entry.*which; form && !entry.paths.empty()) {
      alike[form->shape.text].push_back(&entry);
    }
  }
  const std::size_t before = out.size();
  for (const auto& [text, members] : alike) {
    // One text may come from several readings of a name; the surest counts.
    const Form& form =
        *(std::ranges::min(members, {}, [&](const Sibling* member) {
            return (member->*which)->needed;
          })->*which);
    if (is_enough(members, form.needed) &&
        (which == &Sibling::form || !is_told_better(members))) {
      Alike& group = out.emplace_back();
      group.segment = {.text = std::string(text), .name = {}, .form = form};
      group.roles =
          counts_something(form) ? in_common(members, text) : Roles().set();
      for (Sibling* member : members) {
        take(group, *member);
        member->apart = !member->paths.empty();
      }
      if (group.paths.empty()) {
        out.pop_back();
      }
    }
  }
  if (out.size() == before) {
    return;
  }
  std::vector<const Shape*> shapes;
  for (std::size_t i = before; i < out.size(); ++i) {
    shapes.push_back(&out[i].segment.form->shape);
  }
  const ShapeIndex index(std::move(shapes));
  for (Sibling& entry : entries_) {
    const bool sure = entry.form && entry.form->needed == 1;
    if (entry.paths.empty() || entry.name.empty() || sure) {
      continue;
    }
    if (const auto wide = index.first_that_matches(entry.name)) {
      take(out[before + *wide], entry);
    }
  }
}

Role Siblings::role_of(std::uint32_t index) const {
  const std::span<const std::string_view> names = seen_[index].names;
  if (names.size() == depth_ + 1) {
    return Role::File;
  }
  return names.size() == depth_ + 2 && names.back().empty() ? Role::Folder
                                                            : Role::Below;
}

// How the path goes on below its name here, which the pattern is for, with each
// name by its form.
std::string Siblings::below(std::uint32_t index,
                            std::string_view pattern) const {
  const Path& path = seen_[index];
  std::string text(directory_);
  text += pattern;
  const std::size_t start = text.size();
  for (std::size_t i = depth_ + 1; i < path.names.size(); ++i) {
    text += '/';
    const bool last = i + 1 == path.names.size();
    const auto form =
        form_of(path.names[i], {.directory = text,
                                .purpose = purpose_,
                                .made = seen_.is_made(path.up_to(i)),
                                .python = path.python && last,
                                .file = last});
    text += form ? std::string_view(form->shape.text) : path.names[i];
  }
  return text.substr(start);
}

// The parts of which two of the members have one in common: each the file, each
// the folder, or the same file in both folders.
Roles Siblings::in_common(const std::vector<Sibling*>& members,
                          std::string_view pattern) const {
  Roles out;
  std::map<std::string, const Sibling*> owners;
  for (const Sibling* member : members) {
    for (const std::uint32_t index : member->paths) {
      const Role role = role_of(index);
      if (!out.test(static_cast<std::size_t>(role))) {
        const auto [at, fresh] =
            owners.try_emplace(below(index, pattern), member);
        out.set(static_cast<std::size_t>(role), !fresh && at->second != member);
      }
    }
  }
  return out;
}

// Moves the paths of the group's parts.
void Siblings::take(Alike& group, Sibling& entry) const {
  const auto rest =
      std::ranges::stable_partition(entry.paths, [&](std::uint32_t index) {
        return group.roles.all() ||
               group.roles.test(static_cast<std::size_t>(role_of(index)));
      });
  if (rest.size() == entry.paths.size()) {
    return;
  }
  group.paths.insert(group.paths.end(), entry.paths.begin(), rest.begin());
  entry.paths = {rest.begin(), rest.end()};
  ++group.segment.seen;
  if (group.segment.examples.size() < kMaxExamples) {
    group.segment.examples.emplace_back(entry.name);
  }
}

bool Siblings::is_enough(const std::vector<Sibling*>& members,
                         std::size_t needed) const {
  return members.size() >= needed ||
         (members.size() >= 2 && took_turns(members));
}

// Are there two of which each has a recording that the other has not?
bool Siblings::took_turns(const std::vector<Sibling*>& members) const {
  std::set<std::vector<std::string_view>> all;
  for (const Sibling* entry : members) {
    std::set<std::uint32_t> sets;
    for (const std::uint32_t index : entry->paths) {
      sets.insert(seen_[index].recordings);
    }
    std::set<std::string_view> words;
    for (const std::uint32_t set : sets) {
      words.insert(seen_.words(set).begin(), seen_.words(set).end());
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

}  // namespace vambrace::policy::apparmor
