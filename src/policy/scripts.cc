#include "policy/scripts.h"

#include <algorithm>

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
    if (!counts(key.origin) || key.script.empty()) {
      continue;
    }
    started_.try_emplace({key.parent, key.exe, key.script}, &process);
    named_.try_emplace({key.parent, base_name(key.script)}, &process);
    for (const evidence::FileFact& fact : process.files) {
      if (!fact.access.contains('r')) {
        continue;
      }
      std::vector<const evidence::Process*>& readers = readers_[fact.path];
      if (readers.empty() || readers.back() != &process) {
        readers.push_back(&process);
      }
    }
  }
}

const evidence::Process* Scripts::reader(std::string_view starter,
                                         std::string_view path) const {
  const auto readers = readers_.find(path);
  if (readers == readers_.end()) {
    return nullptr;
  }
  const auto found = std::ranges::find_if(
      readers->second,
      [&](const auto* process) { return process->key.parent == starter; });
  return found == readers->second.end() ? nullptr : *found;
}

// env(1) reads nothing of the script: it starts the program that does.
const evidence::Process* Scripts::hands_on(std::string_view starter,
                                           std::string_view path) const {
  const auto readers = readers_.find(path);
  const evidence::Process* first = nullptr;
  if (readers == readers_.end()) {
    return first;
  }
  for (const evidence::Process* reader : readers->second) {
    const evidence::ProcessKey& key = reader->key;
    const auto found = started_.find({starter, key.parent, key.script});
    if (found != started_.end() &&
        (first == nullptr || std::less<>()(found->second, first))) {
      first = found->second;
    }
  }
  return first;
}

const std::string* Scripts::interpreter(const std::string& starter,
                                        const std::string& path) const {
  const evidence::Process* found = reader(starter, path);
  if (found == nullptr) {
    found = hands_on(starter, path);
  }
  if (found == nullptr) {
    const auto named = named_.find({starter, base_name(path)});
    found = named == named_.end() ? nullptr : named->second;
  }
  return found == nullptr ? nullptr : &found->key.exe;
}

evidence::By Scripts::untold(const evidence::By& by) const {
  evidence::By rest = by;
  std::erase_if(
      rest, [&](const auto& entry) { return telling_.contains(entry.first); });
  return rest;
}

}  // namespace vambrace::policy
