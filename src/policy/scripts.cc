#include "policy/scripts.h"

#include <algorithm>
#include <array>

#include "policy/reasons.h"
#include "policy/unplaced.h"

namespace vambrace::policy {
namespace {

std::string_view base_name(std::string_view path) {
  return path.substr(path.rfind('/') + 1);
}

}  // namespace

Scripts::Scripts(const evidence::Evidence& evidence)
    : telling_(recordings_with(evidence, evidence::kScriptProbe)) {
  for (const evidence::Process& process : evidence.processes) {
    const evidence::ProcessKey& key = process.key;
    if (!counts(key.origin)) {
      continue;
    }
    parents_[key.exe].insert(key.parent);
    if (!key.script.empty()) {
      named_[base_name(key.script)].push_back(&process);
    }
    for (const evidence::ExecFact& fact : process.execs) {
      starts_[{fact.path, key.exe}].all += evidence::total(fact.by).count;
    }
    for (const evidence::FileFact& fact : process.files) {
      if (fact.access.contains('x')) {
        starters_[fact.path].insert({key.exe, key.parent});
        starts_[{fact.path, key.exe}].by_its_file +=
            evidence::total(fact.by).count;
      }
    }
  }
  for (const evidence::Process& process : evidence.processes) {
    for (const evidence::FileFact& fact : process.files) {
      if (!counts(process.key.origin) || !fact.access.contains('r') ||
          !starters_.contains(fact.path)) {
        continue;
      }
      Processes& readers = readers_[fact.path];
      if (readers.empty() || readers.back() != &process) {
        readers.push_back(&process);
      }
    }
  }
}

bool Scripts::by_a_line(Exe exe, Exe starter) const {
  const auto starts = starts_.find({exe, starter});
  return starts == starts_.end() || starts->second.by_its_file == 0 ||
         starts->second.all > starts->second.by_its_file;
}

std::set<Scripts::Exe> Scripts::children(const Processes& from, Exe starter,
                                         Path path, Search search) const {
  const auto starters = starters_.find(path);
  std::set<Link> step;
  for (const evidence::Process* process : from) {
    step.insert({process->key.exe, process->key.parent});
  }
  std::set<Link> seen = step;
  std::set<Exe> found;
  while (found.empty() && !step.empty()) {
    std::set<Link> next;
    for (const auto& [exe, parent] : step) {
      if (parent == starter && (!search.by_a_line || by_a_line(exe, starter))) {
        found.insert(exe);
      }
      const auto above = parents_.find(parent);
      if (above == parents_.end()) {
        continue;
      }
      for (const Exe grandparent : above->second) {
        const Link link{parent, grandparent};
        const bool starts =
            starters != starters_.end() && starters->second.contains(link);
        if ((search.over_starters || !starts) && seen.insert(link).second) {
          next.insert(link);
        }
      }
    }
    step = std::move(next);
  }
  return found;
}

Scripts::Runner Scripts::best(const Processes& from, Exe starter,
                              Path path) const {
  std::set<Exe> found;
  for (const Search search :
       {Search{.by_a_line = true, .over_starters = false},
        Search{.by_a_line = false, .over_starters = false},
        Search{.by_a_line = false, .over_starters = true}}) {
    if (found.empty()) {
      found = children(from, starter, path, search);
    }
  }
  const auto named = named_.find(base_name(path));
  const auto has_name = [&](Exe exe) {
    return named != named_.end() &&
           std::ranges::any_of(named->second, [&](const auto* process) {
             return process->key.exe == exe && process->key.parent == starter;
           });
  };
  if (std::ranges::any_of(found, has_name)) {
    std::erase_if(found, [&](Exe exe) { return !has_name(exe); });
  }
  Runner runner;
  for (const Exe exe : found) {
    if (runner.exe.empty()) {
      runner.exe = exe;
    } else {
      runner.or_else.insert(std::string(exe));
    }
  }
  return runner;
}

Scripts::Runner Scripts::runner(const std::string& starter,
                                const std::string& path) const {
  // With a script, and without: a program that is not known as an interpreter,
  // or whose first start by its parent was none of a script; or one like cat.
  Processes interpreting;
  Processes child;
  Processes others;
  bool itself = false;
  if (const auto readers = readers_.find(path); readers != readers_.end()) {
    for (const evidence::Process* reader : readers->second) {
      const evidence::ProcessKey& key = reader->key;
      itself |= key.exe == starter;
      Processes& readers_alike = !key.script.empty()     ? interpreting
                                 : key.parent == starter ? child
                                                         : others;
      readers_alike.push_back(reader);
    }
  }
  const auto named = named_.find(base_name(path));
  const Processes none;
  const std::array<const Processes*, 4> in_turn = {
      &interpreting, &child, named == named_.end() ? &none : &named->second,
      &others};
  for (const Processes* from : in_turn) {
    Runner found = best(*from, starter, path);
    if (!found.exe.empty()) {
      return found;
    }
  }
  return {.exe = itself ? starter : "", .or_else = {}};
}

evidence::By Scripts::untold(const evidence::By& by) const {
  evidence::By rest = by;
  std::erase_if(
      rest, [&](const auto& entry) { return telling_.contains(entry.first); });
  return rest;
}

}  // namespace vambrace::policy
