#include "policy/scripts.h"

#include <algorithm>

#include "policy/reasons.h"
#include "policy/unplaced.h"

namespace vambrace::policy {
namespace {

std::string_view base_name(std::string_view path) {
  return path.substr(path.rfind('/') + 1);
}

bool reads(const evidence::Process& process, const std::string& path) {
  return std::ranges::any_of(
      process.files, [&](const evidence::FileFact& fact) {
        return fact.path == path && fact.access.contains('r');
      });
}

}  // namespace

Scripts::Scripts(const evidence::Evidence& evidence)
    : telling_(recordings_with(evidence, evidence::kScriptProbe)) {
  for (const evidence::Process& process : evidence.processes) {
    if (counts(process.key.origin) && !process.key.script.empty()) {
      started_[process.key.parent].push_back(&process);
    }
  }
}

// env(1) reads nothing of the script: it starts the program that does.
bool Scripts::hands_on(const evidence::Process& process,
                       const std::string& path) const {
  const auto next = started_.find(process.key.exe);
  return next != started_.end() &&
         std::ranges::any_of(next->second, [&](const auto* other) {
           return other->key.script == process.key.script &&
                  reads(*other, path);
         });
}

const std::string* Scripts::interpreter(const std::string& starter,
                                        const std::string& path) const {
  const auto found = started_.find(starter);
  if (found == started_.end()) {
    return nullptr;
  }
  // How sure it is that a process interprets the script.
  const auto rank = [&](const evidence::Process& process) {
    if (reads(process, path)) {
      return 3;
    }
    if (hands_on(process, path)) {
      return 2;
    }
    return base_name(process.key.script) == base_name(path) ? 1 : 0;
  };
  const evidence::Process* best = nullptr;
  int most = 0;
  for (const evidence::Process* process : found->second) {
    if (const int here = rank(*process); here > most) {
      most = here;
      best = process;
    }
  }
  return best == nullptr ? nullptr : &best->key.exe;
}

evidence::By Scripts::untold(const evidence::By& by) const {
  evidence::By rest = by;
  std::erase_if(
      rest, [&](const auto& entry) { return telling_.contains(entry.first); });
  return rest;
}

}  // namespace vambrace::policy
