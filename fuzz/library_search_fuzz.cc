#include <cstdint>
#include <string>

#include "base/result.h"
#include "elf/library_search.h"
#include "elf/loader_cache.h"
#include "elf/memory_root.h"

// A root with a cache, configuration and lists of folders of anybody's making:
// what is found is one of its files, whatever they say.
namespace {

using namespace vambrace;

// The part up to the next 0xff.
std::string next_part(std::string& input) {
  std::string part = input.substr(0, input.find('\xff'));
  input.erase(0, part.size() + 1);
  return part;
}

void search(const elf::MemoryRoot& root, const std::string& interpreter,
            const elf::Requester& requester, const std::string& name) {
  const elf::LibrarySearch search(
      root, {.interpreter = interpreter,
             .program = "/usr/bin/p",
             .library_path = requester.rpath.value_or("")});
  search.preloaded();
  const auto found = search.find(name, std::span(&requester, 1));
  if (found) {
    CHECK(root.files.contains(found->file.path));
    CHECK(root.resolve(found->name) == found->file.path);
    for (const std::string& other : found->alternatives) {
      CHECK(root.is_file(other) && other != found->name);
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  std::string input(reinterpret_cast<const char*>(data), size);
  // The cache comes last, since it may hold any byte.
  elf::MemoryRoot root;
  const std::string name = next_part(input);
  const elf::Requester requester{.path = "/usr/bin/p",
                                 .rpath = next_part(input),
                                 .runpath = next_part(input)};
  root.files = {{"/usr/lib/liba.so", "a"},
                {"/etc/ld.so.preload", next_part(input)},
                {"/etc/ld-musl-x86_64.path", next_part(input)},
                {"/lib/ld-musl-x86_64.so.1", "musl"},
                {"/etc/ld.so.conf", next_part(input)}};
  root.links = {{"/etc/link", "../usr/lib"}, {"/etc/self", "self"}};
  root.files["/etc/ld.so.cache"] = input;
  if (const auto entries = elf::parse_loader_cache(std::span(
          reinterpret_cast<const std::uint8_t*>(input.data()), input.size()))) {
    for (const elf::CacheEntry& entry : *entries) {
      CHECK(entry.name.data() >= input.data() &&
            entry.path.data() + entry.path.size() <
                input.data() + input.size());
    }
  }
  search(root, "/lib64/ld-linux-x86-64.so.2", requester, name);
  search(root, "/lib/ld-musl-x86_64.so.1", requester, name);
  return 0;
}
