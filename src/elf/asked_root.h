#pragma once

#include <compare>
#include <map>
#include <string>
#include <vector>

#include "base/digest.h"
#include "elf/root.h"

// What an analysis asks of a container's root, and what it is told.
namespace vambrace::elf {

// One question: a function of Root with its words.
struct Question {
  // What costs most comes last.
  enum class What : std::uint8_t { Resolve, IsFile, List, Read };
  What what = What::Read;
  std::string path;
  std::uint64_t limit = 0;  // of Read alone
  auto operator<=>(const Question&) const = default;
};

// "resolve", "is-file", "list", "read".
std::string_view to_string(Question::What what);
std::optional<Question::What> what_from(std::string_view name);

// A question with the digest of its answer: of the content and the resolved
// path, of a list, and just as well of "not found" and of every other error.
// Equal digests are equal answers.
struct Asked {
  Question question;
  Digest answer{};
  auto operator<=>(const Asked&) const = default;
};

// Asks the root now.
Digest answer_of(const Root& root, const Question& question);

// Asks another root each question once, and gives the same answer from then on:
// an analysis that comes back to a file finds what it found before, whatever
// happened to the file. Keeps the bytes of all files that were read.
//
// The other root must outlive it. Thread rule: one thread.
class AskedRoot : public Root {
 public:
  explicit AskedRoot(const Root& root) : root_(root) {}

  Result<RootFile> read(const std::string& path,
                        std::uint64_t limit = kMaxRootFile) const override;
  std::optional<std::string> resolve(const std::string& path) const override;
  bool is_file(const std::string& path) const override;
  Result<std::vector<std::string>> list(
      const std::string& folder) const override;

  // What was asked, sorted, without questions that the content of a file
  // answers, too: that it is a file, and where. Takes time for each byte that
  // was read.
  std::vector<Asked> asked() const;

 private:
  // nullptr: it was not read, or could not be.
  const RootFile* file_at(const std::string& path) const;
  // Whether its content answers that, too.
  bool tells_itself(const std::string& path,
                    const std::optional<std::string>& place) const;
  bool tells_itself(const std::string& path, bool is_file) const;

  const Root& root_;
  mutable std::map<std::pair<std::string, std::uint64_t>, Result<RootFile>>
      files_;
  mutable std::map<std::string, std::optional<std::string>> places_;
  mutable std::map<std::string, bool> are_files_;
  mutable std::map<std::string, Result<std::vector<std::string>>> lists_;
};

}  // namespace vambrace::elf
