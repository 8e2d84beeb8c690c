#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <string>

#include "base/fd.h"
#include "base/result.h"
#include "elf/memo_store.h"

namespace vambrace {

// What all memos in a folder may take: some thousand programs.
constexpr std::uint64_t kMemoFolderBytes = 256ULL << 20;

// Memos of the analysis as files of a folder that is its owner's alone.
//
// An answer of this folder is believed, so that only what this user wrote is
// read: the folder and the file are this user's, and nobody else may write
// them. Files appear whole or not at all, whoever else analyzes at the same
// time. When they take more than the limit, those that were not used for the
// longest time are removed; other files in the folder are never touched.
// Thread rule: any thread.
class MemoFolder : public elf::MemoStore {
 public:
  using Tell = std::function<void(const Error&)>;

  // `tell` is called for the first thing that goes wrong, by the thread that
  // meets it, and not again: an analysis goes on without. A folder that is not
  // there is made, with those above it, when there is something to keep; but
  // not in one that belongs to another user than root.
  MemoFolder(std::string folder, Tell tell,
             std::uint64_t limit = kMemoFolderBytes);

  std::optional<std::string> find(const std::string& name) override;
  void keep(const std::string& name, std::string_view bytes) override;

 private:
  Result<Fd> open_folder() const;
  Result<std::string> read(const std::string& name) const;
  Result<> write(const std::string& name, std::string_view bytes) const;
  void tell(const Error& error);

  std::string folder_;
  Tell tell_;
  std::once_flag told_;
  std::uint64_t limit_;
};

// Which code runs: the build ids of this program and of all libraries that are
// loaded into it. Empty if one of them has none.
std::string loaded_builds();

}  // namespace vambrace
