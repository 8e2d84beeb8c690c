#include "policy/apparmor/generalize.h"

#include <algorithm>
#include <map>
#include <set>

#include "policy/apparmor/budget.h"
#include "policy/apparmor/draft.h"
#include "policy/apparmor/quote.h"
#include "policy/apparmor/seen_paths.h"
#include "policy/apparmor/walk.h"

namespace vambrace::policy::apparmor {
namespace {

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
    case Kind::Unnamed:
      return "every other file of this directory that nobody named (O_TMPFILE)";
    case Kind::Siblings:
      return "every other file of this directory that ends so";
    case Kind::Subtree:
      break;
  }
  return "everything below";
}

Rule rule_of(const std::string& pattern, const Draft& draft,
             const SeenPaths& paths) {
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
  std::set<std::uint32_t> sets;
  for (const std::uint32_t index : draft.paths) {
    if (out.examples.size() < kMaxExamples) {
      out.examples.emplace_back(paths[index].bytes);
    }
    sets.insert(paths[index].processes);
  }
  std::set<std::string_view> processes;
  for (const std::uint32_t set : sets) {
    processes.insert(paths.words(set).begin(), paths.words(set).end());
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

Generalized generalize(std::span<const Observation> seen, const Budget& budget,
                       const std::unordered_set<std::string_view>& made) {
  const SeenPaths paths(seen, made);
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
  for (const auto& [directory, names] : walk.apart()) {
    out.apart.push_back(
        {.directory = directory, .names = {names.begin(), names.end()}});
  }
  out.did = tally(out.rules);
  return out;
}

}  // namespace vambrace::policy::apparmor
