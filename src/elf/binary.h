#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "base/result.h"
#include "elf/code.h"
#include "elf/data.h"
#include "elf/ends.h"
#include "elf/exports.h"
#include "elf/followed.h"
#include "elf/function_names.h"
#include "elf/image.h"
#include "elf/root.h"

// One file with code, looked through: all that is known of it by itself,
// whatever process it is loaded into.
namespace vambrace::elf {

// Thread rule: one thread, since it remembers what was asked of it.
struct Binary {
  Bytes bytes;  // what all else points into
  Image image;
  Code code;
  DataCells data;
  Exports exports;
  mutable Followed followed;
  mutable Ends ends;
  mutable FunctionNames names;

  End end_of_edge(std::uint32_t edge) const {
    return ends.of_edge({image, code, data}, edge);
  }
  End end_of_pointer(const Pointer& pointer) const {
    return ends.of_pointer(
        {image, code, data},
        static_cast<std::uint32_t>(&pointer - image.pointers.data()));
  }
};

// InvalidInput or Unsupported, as parse_image().
Result<std::shared_ptr<const Binary>> read_binary(const Bytes& bytes);

// Binaries that several analyses share: most programs of a root have the same
// libraries, and what is done with those is most of the work. Answers do not
// depend on it.
//
// Thread rule: one thread; threads have one each. What it gave out stays.
class Binaries {
 public:
  // As much is kept as files of so many bytes are, which takes about three
  // times that in memory.
  static constexpr std::size_t kKeptBytes = 64ULL << 20;

  explicit Binaries(std::size_t kept_bytes = kKeptBytes) : limit_(kept_bytes) {}

  // As read_binary(), once for each content that a path has.
  Result<std::shared_ptr<const Binary>> read(const RootFile& file);

 private:
  std::size_t limit_;
  std::size_t bytes_ = 0;  // of what is kept
  std::map<std::string, std::shared_ptr<const Binary>> kept_;  // by path
};

}  // namespace vambrace::elf
