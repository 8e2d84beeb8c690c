#include "policy/fates.h"

#include <algorithm>

#include "policy/reasons.h"

namespace vambrace::policy {
namespace {

std::string_view without_slash(std::string_view path) {
  return path.ends_with('/') ? path.substr(0, path.size() - 1) : path;
}

bool is_python(std::string_view program) {
  return program.substr(program.rfind('/') + 1).starts_with("python");
}

// act(program, fact) for all of processes that count.
template <typename Act>
void for_each_file(const evidence::Evidence& evidence, Act act) {
  for (const evidence::Process& process : evidence.processes) {
    if (counts(process.key.origin)) {
      for (const evidence::FileFact& fact : process.files) {
        act(process.key.exe, fact);
      }
    }
  }
}

}  // namespace

bool happened(const evidence::By& by) {
  return std::ranges::any_of(
      by, [](const auto& entry) { return entry.second.count > 0; });
}

Temporary::Temporary(const evidence::Evidence& evidence) {
  using evidence::FileFact;
  std::unordered_set<std::string_view> made;
  for_each_file(evidence, [&](std::string_view, const FileFact& fact) {
    if (fact.access.contains('c')) {
      made.insert(without_slash(fact.path));
    }
  });
  for_each_file(evidence, [&](std::string_view, const FileFact& fact) {
    if (fact.access.contains('d') && made.contains(without_slash(fact.path))) {
      paths_.insert(without_slash(fact.path));
    }
  });
  for_each_file(evidence, [&](std::string_view program, const FileFact& fact) {
    if (!is_python(program) && has(fact.path)) {
      others_.insert(without_slash(fact.path));
    }
  });
}

bool Temporary::has(std::string_view path) const {
  return paths_.contains(without_slash(path));
}

bool Temporary::is_of_python(std::string_view path) const {
  return has(path) && !others_.contains(without_slash(path));
}

GivenAway::GivenAway(const evidence::Evidence& evidence) {
  for_each_file(evidence,
                [&](std::string_view, const evidence::FileFact& fact) {
                  if (fact.access.contains('o') && happened(fact.by)) {
                    paths_.insert(fact.path);
                  }
                });
}

bool GivenAway::has(std::string_view path) const {
  if (paths_.empty()) {
    return false;
  }
  for (std::size_t slash = path.find('/'); slash != path.npos;
       slash = path.find('/', slash + 1)) {
    if (paths_.contains(path.substr(0, slash + 1))) {
      return true;
    }
  }
  return paths_.contains(path);
}

}  // namespace vambrace::policy
