#pragma once

#include <mutex>
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
  Memos(const Environment& environment, const MemoWords& words);

  // As elf::analyze_once(). Thread rule: any thread, each with binaries of its
  // own.
  Result<elf::Answered> analyze(const elf::Root& root,
                                const elf::Request& request,
                                elf::Binaries& binaries);

  // What went wrong with keeping answers since it was asked last; nullopt:
  // nothing. Only the first thing that goes wrong is told. Any thread.
  std::optional<Error> trouble();

 private:
  std::string builds_;
  std::mutex mutex_;
  std::optional<Error> trouble_;
  std::optional<MemoFolder> folder_;
};

// Tells it on the standard error.
void warn_of_trouble(Environment& environment, Memos& memos);

}  // namespace vambrace::cli
