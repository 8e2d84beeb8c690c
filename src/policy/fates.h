#pragma once

#include <string_view>
#include <unordered_set>

#include "evidence/evidence.h"

// What became of files while the workload ran. The evidence must outlive these.
namespace vambrace::policy {

// Whether any of it was not refused.
bool happened(const evidence::By& by);

// The files and folders that the workload made and removed, or renamed. One
// program may do the one and another the other: mktemp and rm.
class Temporary {
 public:
  explicit Temporary(const evidence::Evidence& evidence);

  // With or without the slash at the end of a folder.
  bool has(std::string_view path) const;
  // All of them, without the slash at their end.
  const std::unordered_set<std::string_view>& paths() const { return paths_; }
  // And no program but Python used it.
  bool is_of_python(std::string_view path) const;

 private:
  std::unordered_set<std::string_view> others_;
  std::unordered_set<std::string_view> paths_;
};

// What the workload gave to another user: files, and all that is below such a
// folder, also what others make there. Who did it does not own it any more, and
// does it again at the next start: with chown -R, with find, with a test of the
// file first.
class GivenAway {
 public:
  explicit GivenAway(const evidence::Evidence& evidence);

  bool has(std::string_view path) const;

 private:
  std::unordered_set<std::string_view> paths_;  // folders with their slash
};

}  // namespace vambrace::policy
