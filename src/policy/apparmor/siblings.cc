#include "policy/apparmor/siblings.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "policy/apparmor/letters.h"
#include "policy/apparmor/shape_index.h"
#include "policy/apparmor/variables.h"

namespace vambrace::policy::apparmor {
namespace {

// How many names below a number tell whether two hold the same: enough for any
// real tree, and few for one that is made to be slow.
constexpr std::size_t kCompared = 16;
// Below a directory with a longer pattern, names are only like themselves.
constexpr std::size_t kLongDirectory = 512;

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

// A stem, and then letters whose class changes more often than in userData or
// mp3tag.
bool is_no_word_behind_a_stem(std::string_view name, const Shape& shape) {
  const std::string stem = fixed_start(shape.pieces);
  return std::ranges::any_of(stem, is_alphanumeric) &&
         changes(leading(name.substr(stem.size()), alphanumerics())) > 2;
}

// Moves those of the entry's paths that belong to the group.
template <typename Belongs>
void move_to(Alike& group, Sibling& entry, Belongs belongs) {
  const auto rest = std::ranges::stable_partition(entry.paths, belongs);
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

// Did the member's group take this path as one of the level of a store?
bool is_level_of_store(const Sibling& member, std::uint32_t index) {
  return std::ranges::binary_search(member.stored, index);
}

// Levels of a store have names of one length. Numbers of several lengths count
// something, even if some of them look like levels.
bool are_of_one_length(const std::vector<Sibling*>& members) {
  return std::ranges::all_of(members, [&](const Sibling* member) {
    return member->name.size() == members.front()->name.size();
  });
}

}  // namespace

Siblings::Siblings(const SeenPaths& seen, const HashStores& stores,
                   Purpose purpose, std::string_view directory,
                   std::size_t depth, std::span<std::uint32_t> paths)
    : seen_(seen),
      stores_(stores),
      purpose_(purpose),
      directory_(directory),
      depth_(depth) {
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
                        .all = its,
                        .stored = {},
                        .form = form_of(name, place),
                        .drawn = drawn_form_of(name, place),
                        .made = place.made});
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
  group_levels(out);
  group_by(&Sibling::drawn, out);
  group_by(&Sibling::form, out);
  for (Alike& group : out) {
    std::ranges::sort(group.paths);
  }
  return out;
}

// Adds the levels of stores of hashes, by the length of their names.
void Siblings::group_levels(std::vector<Alike>& out) {
  if (purpose_ == Purpose::Map || is_static(directory_)) {
    return;
  }
  std::map<std::size_t, std::vector<Sibling*>> by_length;
  for (Sibling& entry : entries_) {
    const bool sure = entry.form && entry.form->needed == 1;
    if (is_level(entry.name) && !sure) {
      by_length[entry.name.size()].push_back(&entry);
    }
  }
  for (const auto& [length, members] : by_length) {
    if (!are_levels(members)) {
      continue;
    }
    const Form form{.shape = hex(static_cast<unsigned>(length)),
                    .kind = Kind::Hex};
    Alike& group = out.emplace_back();
    group.segment = {.text = form.shape.text, .name = {}, .form = form};
    for (Sibling* member : members) {
      move_to(group, *member,
              [&](std::uint32_t index) { return is_stored(index); });
      member->stored.assign(member->all.begin(), member->paths.begin());
      std::ranges::sort(member->stored);
    }
    if (group.paths.empty()) {
      out.pop_back();
    }
  }
}

// Do two of them hold hashes in one layout, and is a digit in one of their
// names? Folders may well be called "ad" and "de".
bool Siblings::are_levels(const std::vector<Sibling*>& members) const {
  std::map<std::uint32_t, std::size_t> levels;
  bool digit = false;
  for (const Sibling* member : members) {
    std::set<std::uint32_t> layouts;
    std::string_view last;
    for (const std::uint32_t index : member->all) {
      const std::string_view folder = seen_[index].up_to(depth_);
      if (folder != std::exchange(last, folder)) {
        const std::set<std::uint32_t>& below = stores_.layouts(folder);
        layouts.insert(below.begin(), below.end());
      }
    }
    for (const std::uint32_t layout : layouts) {
      ++levels[layout];
    }
    digit = digit ||
            (!layouts.empty() && member->name.find_first_of("0123456789") !=
                                     std::string_view::npos);
  }
  return digit && std::ranges::any_of(levels, [](const auto& level) {
           return level.second >= 2;
         });
}

// Is it a folder of the store, a hash in it or below it, or a file beside
// these that the workload made and removed?
bool Siblings::is_stored(std::uint32_t index) const {
  const Path& path = seen_[index];
  std::size_t at = depth_ + 1;
  const std::size_t end = std::min(path.names.size(), at + kMostLevels);
  while (at + 1 < end && is_level(path.names[at])) {
    ++at;
  }
  if (at >= path.names.size()) {
    return false;
  }
  const std::string_view name = path.names[at];
  const bool last = at + 1 == path.names.size();
  return name.empty() || is_hash(name) || (last && path.made);
}

// Adds the names that are left, by one of their forms.
void Siblings::group_by(std::optional<Form> Sibling::* which,
                        std::vector<Alike>& out) {
  std::map<std::string_view, std::vector<Sibling*>> alike;
  for (Sibling& entry : entries_) {
    if (const auto& form = entry.*which;
        form && !(entry.paths.empty() && entry.stored.empty())) {
      alike[form->shape.text].push_back(&entry);
    }
  }
  const std::size_t before = out.size();
  const std::set<std::string_view> witnessed =
      which == &Sibling::form ? with_witness() : std::set<std::string_view>();
  for (const auto& [text, members] : alike) {
    // One text may come from several readings of a name; the surest counts.
    const Form& form =
        *(std::ranges::min(members, {}, [&](const Sibling* member) {
            return (member->*which)->needed;
          })->*which);
    if ((is_enough(members, form.needed) || witnessed.contains(text)) &&
        (which == &Sibling::form || !is_told_better(members))) {
      Alike& group = out.emplace_back();
      group.segment = {.text = std::string(text), .name = {}, .form = form};
      if (counts_something(form)) {
        take_counted(group, members);
      } else {
        group.roles.set();
        for (Sibling* member : members) {
          take(group, *member);
        }
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

// Of names drawn by lot some have letters that a word could have, too: the
// shapes of a stem and letters drawn by lot that both a name that no word looks
// like and another one have, both made and removed.
std::set<std::string_view> Siblings::with_witness() const {
  const auto is_drawn = [](const Sibling& entry) {
    return entry.form && entry.form->kind == Kind::TempName;
  };
  std::map<std::string_view, const Shape*> shapes;  // by their text
  for (const Sibling& entry : entries_) {
    if (entry.made && is_drawn(entry) &&
        is_no_word_behind_a_stem(entry.name, entry.form->shape)) {
      shapes.emplace(entry.form->shape.text, &entry.form->shape);
    }
  }
  std::set<std::string_view> out;
  if (shapes.empty() || purpose_ == Purpose::Map) {
    return out;
  }
  std::vector<const Shape*> all;
  for (const auto& [text, shape] : shapes) {
    all.push_back(shape);
  }
  const ShapeIndex index(all);
  for (const Sibling& entry : entries_) {
    const bool sure = entry.form && entry.form->needed == 1;
    if (entry.made && !sure && !is_drawn(entry)) {
      if (const auto which = index.first_that_matches(entry.name)) {
        out.insert(all[*which]->text);
      }
    }
  }
  return out;
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
// name by its form. Of a long path the first names.
std::string Siblings::below(std::uint32_t index,
                            std::string_view pattern) const {
  const Path& path = seen_[index];
  const bool by_form = directory_.size() <= kLongDirectory;
  std::string text(by_form ? directory_ : "");
  text += pattern;
  const std::size_t start = text.size();
  const std::size_t end = std::min(path.names.size(), depth_ + 1 + kCompared);
  for (std::size_t i = depth_ + 1; i < end; ++i) {
    text += '/';
    const std::string_view name = path.names[i];
    const bool last = i + 1 == path.names.size();
    std::optional<Form> form;
    if (by_form && is_level(name) && !stores_.layouts(path.up_to(i)).empty()) {
      form = Form{.shape = hex(static_cast<unsigned>(name.size()))};
    } else if (by_form) {
      form = form_of(name, {.directory = text,
                            .purpose = purpose_,
                            .made = seen_.is_made(path.up_to(i)),
                            .python = path.python && last,
                            .file = last});
    }
    text += form ? std::string_view(form->shape.text) : name;
  }
  return text.substr(start);
}

// The parts of which two of the members have one in common: each the file, each
// the folder, or the same file in both folders. What levels of a store of one
// length have in common is no sign of a count.
Roles Siblings::in_common(const std::vector<Sibling*>& members,
                          std::string_view pattern) const {
  Roles out;
  std::map<std::string, const Sibling*> owners;
  const auto compare = [&](const Sibling* member, std::uint32_t index) {
    const auto role = static_cast<std::size_t>(role_of(index));
    if (!out.test(role)) {
      const auto [at, fresh] =
          owners.try_emplace(below(index, pattern), member);
      out.set(role, !fresh && at->second != member &&
                        (at->second->name.size() != member->name.size() ||
                         !is_level_of_store(*member, index)));
    }
  };
  // Most have it in their first.
  for (const Sibling* member : members) {
    if (!member->paths.empty()) {
      compare(member, member->paths.front());
    }
  }
  for (const Sibling* member : members) {
    for (const std::uint32_t index : member->paths) {
      compare(member, index);
    }
  }
  return out;
}

// Moves the paths of the group's parts.
void Siblings::take(Alike& group, Sibling& entry) const {
  move_to(group, entry, [&](std::uint32_t index) {
    return group.roles.all() ||
           group.roles.test(static_cast<std::size_t>(role_of(index)));
  });
}

bool Siblings::are_written(const std::vector<Sibling*>& members) const {
  return std::ranges::any_of(members, [&](const Sibling* member) {
    return std::ranges::any_of(member->all, [&](std::uint32_t index) {
      return role_of(index) == Role::Below &&
             seen_[index].access.find_first_of("acdw") != std::string::npos;
    });
  });
}

// Takes what numbers have in common; what is stored by hashes only where these
// numbers are no levels alone.
void Siblings::take_counted(Alike& group,
                            const std::vector<Sibling*>& members) const {
  const bool count = !are_of_one_length(members);
  for (Sibling* member : members) {
    if (count && !member->stored.empty()) {
      member->paths = member->all;
    }
  }
  group.roles = in_common(members, group.segment.text);
  const bool written =
      !group.roles.test(static_cast<std::size_t>(Role::Below)) &&
      are_written(members);
  for (Sibling* member : members) {
    take(group, *member);
    const auto rest = std::ranges::stable_partition(
        member->paths,
        [&](std::uint32_t index) { return is_level_of_store(*member, index); });
    member->paths = {rest.begin(), rest.end()};
    member->apart = written && !member->paths.empty();
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
    for (const std::uint32_t index : entry->all) {
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
