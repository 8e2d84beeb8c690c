#include "policy/apparmor/generalize.h"

#include <algorithm>
#include <deque>
#include <map>
#include <set>

#include "policy/apparmor/budget.h"
#include "policy/apparmor/draft.h"
#include "policy/apparmor/quote.h"
#include "policy/apparmor/sensitive.h"

// The paths are walked name by name from the root, all paths at once. Where a
// directory's entries have one form they are followed as one from there on, so
// that below /proc/12 and /proc/15 the same names meet. Reading, writing and
// mapping walk apart; what comes out with the same pattern is one rule.
namespace vambrace::policy::apparmor {
namespace {

struct Path {
  std::string_view bytes;
  std::vector<std::string_view> names;  // empty: not absolute
  std::string access;
  bool owner = true;
  std::vector<std::string_view> recordings;  // these two without repetition
  std::vector<std::string_view> processes;
};

void add(std::vector<std::string_view>& to, std::string_view name) {
  if (std::ranges::find(to, name) == to.end()) {
    to.push_back(name);
  }
}

using Indices = std::vector<std::uint32_t>;

std::vector<std::string_view> names_of(std::string_view path) {
  std::vector<std::string_view> out;
  if (!path.starts_with('/')) {
    return out;
  }
  while (!path.empty()) {
    path.remove_prefix(1);
    out.push_back(path.substr(0, path.find('/')));
    path.remove_prefix(out.back().size());
  }
  return out;
}

// Each path once, sorted by its bytes.
std::vector<Path> paths_of(std::span<const Observation> seen) {
  std::map<std::string_view, Path> by_path;
  for (const Observation& one : seen) {
    Path& path = by_path[one.path];
    path.bytes = one.path;
    path.access = both(path.access, one.access);
    path.owner = path.owner && one.owner.value_or(false);
    add(path.recordings, one.recording);
    add(path.processes, one.process);
  }
  std::vector<Path> out;
  for (auto& [bytes, path] : by_path) {
    path.names = names_of(bytes);
    out.push_back(std::move(path));
  }
  return out;
}

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

class Walk {
 public:
  explicit Walk(const std::vector<Path>& paths) : paths_(paths) {}

  void follow(Purpose purpose) {
    purpose_ = purpose;
    Indices all;
    for (std::uint32_t i = 0; i < paths_.size(); ++i) {
      if (!paths_[i].names.empty() &&
          !letters_for(purpose, paths_[i].access).empty()) {
        all.push_back(i);
      }
    }
    std::string directory = "/";
    enter(all, directory);
  }

  // Every letter of a path that must keep its name.
  void keep(std::uint32_t index) {
    Draft draft = literal_draft(index);
    draft.access = paths_[index].access;
    put(drafts_, std::move(draft));
  }

  Drafts& drafts() { return drafts_; }
  std::map<std::string_view, std::string_view>& kept() { return kept_; }

 private:
  struct Entry {
    Indices paths;
    std::optional<Form> form;
  };
  using Entries = std::map<std::string_view, Entry>;
  // What is followed as one: the names with one form, or one name.
  struct Group {
    Segment segment;
    Indices paths;
  };

  // All these paths share the pattern of `directory`, which trail_ spells.
  void enter(const Indices& paths, std::string& directory) {
    Entries entries;
    const std::size_t depth = trail_.size();
    Indices ending;
    for (const std::uint32_t index : paths) {
      if (paths_[index].names.size() == depth) {
        ending.push_back(index);
      } else {
        entries[paths_[index].names[depth]].paths.push_back(index);
      }
    }
    if (!ending.empty()) {
      leave(ending);
    }
    for (Group& group : grouped(entries, directory)) {
      trail_.push_back(&segments_.emplace_back(std::move(group.segment)));
      std::ranges::sort(group.paths);
      const std::size_t length = directory.size();
      directory += trail_.back()->text;
      directory += '/';
      enter(group.paths, directory);
      directory.resize(length);
      trail_.pop_back();
    }
  }

  std::vector<Group> grouped(Entries& entries, std::string_view directory) {
    std::map<std::string, std::vector<Entries::iterator>> alike;
    for (auto at = entries.begin(); at != entries.end(); ++at) {
      at->second.form = form_of(at->first, {directory, purpose_});
      if (at->second.form) {
        alike[at->second.form->shape.text].push_back(at);
      }
    }
    std::vector<Group> out;
    std::set<std::string_view> taken;
    for (const auto& [text, members] : alike) {
      // One text may come from several readings of a name; the surest counts.
      const Form& form = *std::ranges::min(members, {}, [](const auto& member) {
                            return member->second.form->needed;
                          })->second.form;
      if (!is_enough(members, form.needed)) {
        continue;
      }
      Group& group = out.emplace_back();
      group.segment = {.text = text, .name = {}, .form = form};
      for (const Entries::iterator member : members) {
        take(group, member);
        taken.insert(member->first);
      }
    }
    const std::size_t forms = out.size();
    for (auto at = entries.begin(); at != entries.end(); ++at) {
      if (taken.contains(at->first)) {
        continue;
      }
      const auto wide = std::ranges::find_if(
          out.begin(), out.begin() + forms, [&](const Group& group) {
            return matches_name(group.segment.form->shape, at->first);
          });
      if (wide != out.begin() + forms) {
        take(*wide, at);
      } else {
        out.push_back({.segment = literal_segment(at->first),
                       .paths = std::move(at->second.paths)});
      }
    }
    return out;
  }

  static bool matches_name(const Shape& shape, std::string_view name) {
    return !name.empty() &&
           shape.pieces.front().bytes.test(
               static_cast<unsigned char>(name.front())) &&
           matches(shape.pieces, name);
  }

  static void take(Group& group, Entries::iterator entry) {
    Segment& segment = group.segment;
    ++segment.seen;
    if (segment.examples.size() < kMaxExamples) {
      segment.examples.emplace_back(entry->first);
    }
    group.paths.insert(group.paths.end(), entry->second.paths.begin(),
                       entry->second.paths.end());
  }

  bool is_enough(const std::vector<Entries::iterator>& members,
                 std::size_t needed) const {
    return members.size() >= needed ||
           (members.size() == 2 &&
            took_turns(members[0]->second.paths, members[1]->second.paths));
  }

  // Does each of the two have a recording that the other has not?
  bool took_turns(const Indices& a, const Indices& b) const {
    const auto in_a = recordings(a);
    const auto in_b = recordings(b);
    return !std::ranges::includes(in_a, in_b) &&
           !std::ranges::includes(in_b, in_a);
  }

  std::set<std::string_view> recordings(const Indices& paths) const {
    std::set<std::string_view> out;
    for (const std::uint32_t index : paths) {
      out.insert(paths_[index].recordings.begin(),
                 paths_[index].recordings.end());
    }
    return out;
  }

  // The pattern that trail_ spells stands for these paths.
  void leave(const Indices& paths) {
    Draft draft{.segments = trail_};
    const bool is_literal = std::ranges::none_of(
        trail_, [](const Segment* one) { return one->form.has_value(); });
    const Sensitive* sensitive =
        is_literal ? nullptr : touched(pieces_of(draft, draft.segments.size()));
    for (const std::uint32_t index : paths) {
      if (sensitive != nullptr) {
        kept_.emplace(paths_[index].bytes, sensitive->reason);
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
      draft.paths = paths;
      put(drafts_, std::move(draft));
    }
  }

  Draft literal_draft(std::uint32_t index) {
    Draft out{.owner = paths_[index].owner, .paths = {index}};
    for (const std::string_view name : paths_[index].names) {
      out.segments.push_back(&segments_.emplace_back(literal_segment(name)));
    }
    return out;
  }

  const std::vector<Path>& paths_;
  Purpose purpose_ = Purpose::Read;
  std::vector<const Segment*> trail_;
  std::deque<Segment> segments_;
  Drafts drafts_;
  std::map<std::string_view, std::string_view> kept_;
};

// What the pattern of one name permits beyond the names that were seen.
std::string allowed(Kind kind) {
  switch (kind) {
    case Kind::Pid:
      return "the same file of every other process or thread";
    case Kind::Number:
    case Kind::WorkerIndex:
      return "every other number";
    case Kind::Hex:
      return "every other hexadecimal number of this length";
    case Kind::Uuid:
      return "every other UUID";
    case Kind::TempName:
      return "every other temporary name of this length";
    case Kind::LibraryVersion:
      return "every other minor version of this library's major version";
    case Kind::LogRotation:
      return "every other rotated copy of this log";
    case Kind::Date:
      return "every other date";
    case Kind::Siblings:
      return "every other file of this directory that ends so";
    case Kind::Subtree:
      break;
  }
  return "everything below";
}

Rule rule_of(const std::string& pattern, const Draft& draft,
             const std::vector<Path>& paths) {
  Rule out{.pattern = pattern,
           .access = draft.access,
           .owner = draft.owner,
           .paths = draft.paths.size()};
  for (const Segment* segment : draft.segments) {
    if (segment->form && segment->seen > 0) {
      const Kind kind = segment->form->kind;
      out.because.push_back({.kind = kind,
                             .pattern = segment->text,
                             .examples = segment->examples,
                             .seen = segment->seen,
                             .allows = allowed(kind)});
    }
  }
  if (draft.widened) {
    out.because.push_back(*draft.widened);
  }
  std::set<std::string_view> processes;
  for (const std::uint32_t index : draft.paths) {
    if (out.examples.size() < kMaxExamples) {
      out.examples.emplace_back(paths[index].bytes);
    }
    processes.insert(paths[index].processes.begin(),
                     paths[index].processes.end());
  }
  out.processes.assign(processes.begin(), processes.end());
  return out;
}

std::vector<Tally> tally(const std::vector<Rule>& rules) {
  std::map<Kind, Tally> by_kind;
  for (const Rule& rule : rules) {
    std::set<Kind> kinds;
    for (const Generalization& one : rule.because) {
      kinds.insert(one.kind);
    }
    for (const Kind kind : kinds) {
      Tally& one = by_kind[kind];
      one.kind = kind;
      ++one.rules;
      one.paths += rule.paths;
    }
  }
  std::vector<Tally> out;
  for (const auto& [kind, one] : by_kind) {
    out.push_back(one);
  }
  return out;
}

}  // namespace

Generalized generalize(std::span<const Observation> seen,
                       const Budget& budget) {
  const std::vector<Path> paths = paths_of(seen);
  Walk walk(paths);
  std::vector<Rule> odd;
  for (std::uint32_t i = 0; i < paths.size(); ++i) {
    if (paths[i].names.empty()) {
      odd.push_back(rule_of(
          pattern_of(paths[i].bytes),
          {.access = paths[i].access, .owner = paths[i].owner, .paths = {i}},
          paths));
    } else if (paths[i].access.empty() ||
               paths[i].access.find('x') != std::string::npos) {
      walk.keep(i);
    }
  }
  for (const Purpose purpose : {Purpose::Read, Purpose::Write, Purpose::Map}) {
    walk.follow(purpose);
  }
  Generalized out;
  const std::size_t left = budget.rules - std::min(budget.rules, odd.size());
  out.within_budget = widen(walk.drafts(), left);
  out.rules = std::move(odd);
  for (const auto& [key, draft] : walk.drafts()) {
    out.rules.push_back(rule_of(key.first, draft, paths));
  }
  std::ranges::stable_sort(out.rules, {}, &Rule::pattern);
  for (const auto& [path, reason] : walk.kept()) {
    out.kept.push_back(
        {.path = std::string(path), .reason = std::string(reason)});
  }
  out.did = tally(out.rules);
  return out;
}

}  // namespace vambrace::policy::apparmor
