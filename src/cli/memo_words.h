#pragma once

#include <optional>
#include <string>

#include "cli/command.h"
#include "cli/options.h"
#include "elf/memo.h"
#include "host/memo_folder.h"

namespace vambrace::cli {

// --cache DIR and --no-cache: where answers of the analysis are kept.
struct MemoWords {
  std::string folder;
  bool off = false;

  void declare(Options& options);
  // InvalidInput if both are there.
  Result<> check() const;
};

// Answers that are kept from one command to the next: below $XDG_CACHE_HOME, or
// ~/.cache, unless the words say otherwise. With neither there is no place, and
// none is needed.
class Memos {
 public:
  // What goes wrong is told once, on the standard error. The environment must
  // outlive it.
  Memos(Environment& environment, const MemoWords& words);

  // As elf::analyze_once().
  Result<elf::Answered> analyze(const elf::Root& root,
                                const elf::Request& request);

 private:
  std::string builds_;
  std::optional<MemoFolder> folder_;
};

}  // namespace vambrace::cli
