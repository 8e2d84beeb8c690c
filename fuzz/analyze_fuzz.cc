#include <cstdint>
#include <string>

#include "base/result.h"
#include "elf/analysis.h"
#include "elf/json.h"
#include "elf/memory_root.h"

// A program of anybody's making, which is its own library, too: an answer or an
// error, and what is answered is read back.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  using namespace vambrace;
  elf::MemoryRoot root;
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  root.files["/p"] = bytes;
  root.files["/usr/lib/libx.so.1"] = bytes;
  const auto reach = elf::analyze(
      root,
      {.program = "/p", .extras = {{"/usr/lib/libx.so.1", "loaded", {}}}});
  if (reach) {
    const auto again = elf::parse_reach(elf::print_reach(*reach));
    CHECK(again && *again == *reach);
  }
  return 0;
}
