#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

// Where answers of the analysis are kept (elf/memo.h).
namespace vambrace::elf {

// More is not read, and not kept.
constexpr std::size_t kMaxMemoBytes = 64ULL << 20;

// Abstract so that the analysis is pure: host/memo_folder.h is the real one.
// Names are digits of digests.
class MemoStore {
 public:
  virtual ~MemoStore() = default;
  // nullopt: none, or none that can be read.
  virtual std::optional<std::string> find(const std::string& name) = 0;
  // What cannot be kept is no error of the analysis.
  virtual void keep(const std::string& name, std::string_view bytes) = 0;
};

}  // namespace vambrace::elf
