#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "evidence/evidence.h"

namespace vambrace::policy {

// The scripts that programs start through their first line (#!). The kernel
// asks whether the starter may execute the script's file; what then runs is the
// interpreter, under its own profile. Some interpreters read nothing of the
// script but hand it on: env(1), nice, timeout start the program that does.
//
// Recordings tell all starts of a program by another as one process, with the
// words of the first: which of several scripts it ran for is not told. So who
// runs a script is found from who read it, upwards to the starter's own child.
//
// The evidence must outlive it.
class Scripts {
 public:
  explicit Scripts(const evidence::Evidence& evidence);

  // The program that runs when a script is executed.
  struct Runner {
    std::string exe;  // its file; empty: not known
    // Those that may be it as well, as far as the evidence tells.
    std::set<std::string> or_else;
  };

  // Who runs the script at `path` for `starter`, which executed it: of its
  // children the one that read it, else the one that started who read it, else
  // the one that was given a script of that name; else the starter itself, if
  // it alone read it: a shell does so where there is no first line.
  Runner runner(const std::string& starter, const std::string& path) const;

  // Of a fact, the share of recordings that did not tell which scripts were
  // executed.
  evidence::By untold(const evidence::By& by) const;

 private:
  using Path = std::string_view;
  using Exe = std::string_view;
  // A program and who started it.
  using Link = std::pair<Exe, Exe>;
  using Processes = std::vector<const evidence::Process*>;

  struct Starts {
    std::uint64_t all = 0;
    std::uint64_t by_its_file = 0;  // not by a script's first line
  };
  struct Search {
    bool by_a_line = false;
    // Over programs that execute the script themselves, too: what is below one
    // of those says nothing of this starter.
    bool over_starters = false;
  };

  // Whether the starter may have started the program by a first line: more
  // often than it executed the program's own file.
  bool by_a_line(Exe exe, Exe starter) const;
  // The starter's children that are the least steps above some of `from`.
  std::set<Exe> children(const Processes& from, Exe starter, Path path,
                         Search search) const;
  // Of these, if there are any, that were started with a script of that name:
  // all starts of one that hands on have the first one's.
  Runner best(const Processes& from, Exe starter, Path path) const;

  // The processes that read an executed file, in their order.
  std::unordered_map<Path, Processes> readers_;
  // Those with a script of that name, in whatever folder.
  std::unordered_map<std::string_view, Processes> named_;
  std::unordered_map<Exe, std::set<Exe>> parents_;
  std::unordered_map<Path, std::set<Link>> starters_;
  std::map<Link, Starts> starts_;
  std::set<std::string> telling_;
};

}  // namespace vambrace::policy
