#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/digest.h"
#include "base/result.h"
#include "elf/analysis.h"
#include "elf/asked_root.h"
#include "elf/memo_store.h"
#include "elf/reach.h"

// An answer of the analysis, kept so that the same question need not be
// analyzed twice.
//
// analyze() is a function of its request and of what the root answers. A memo
// holds the answer together with all that was asked of the root and a digest of
// what was told each time. It is used again only if the root still tells the
// same: one byte of one library, a new file earlier in the search path or
// another nsswitch.conf is another answer, and leads to a new analysis.
namespace vambrace::elf {

constexpr std::string_view kMemoFormat = "vambrace.memo/v1";
// Memos with more are not read, and not kept.
constexpr std::size_t kMaxQuestions = 1'000'000;

struct Memo {
  // Of the request, the program's content and the analyzing build.
  Digest key{};
  std::vector<Asked> asked;  // sorted, each once
  Reach reach;
  auto operator<=>(const Memo&) const = default;
};

// docs/formats/memo.md. Equal memos, equal bytes.
std::string print_memo(const Memo& memo);

// InvalidInput, with the line, for anything that print_memo() would not write.
// It has a digest of itself: what was cut or changed by accident is refused.
Result<Memo> parse_memo(std::string_view text);

struct Answered {
  Reach reach;
  // How many questions were asked again; 0: the answer is a new one.
  std::size_t checked = 0;
};

// As analyze(), with the answer of a memo if there is one that still holds;
// else analyzes, and keeps the answer. `builds` says which code analyzes:
// another build may answer differently. Errors are not kept. Without a store it
// only analyzes.
//
// Either way no question is asked of the root twice.
Result<Answered> analyze_once(const Root& root, const Request& request,
                              std::string_view builds, MemoStore* store,
                              Binaries& binaries);

}  // namespace vambrace::elf
