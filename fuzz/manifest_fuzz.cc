#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/result.h"
#include "repository/bundle.h"

// A bundle.yaml that parses prints to what parses to the same, and can be
// edited in place or is refused: an edit never says something else.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  namespace repository = vambrace::repository;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto manifest = repository::parse_manifest(text);
  if (!manifest) {
    CHECK(!manifest.error().message().empty());
    return 0;
  }
  const auto again =
      repository::parse_manifest(repository::print_manifest(*manifest));
  CHECK(again.has_value() && *again == *manifest);
  repository::Manifest wanted = *manifest;
  wanted.stage = vambrace::policy::Stage::Observe;
  wanted.target = vambrace::runtime::target_named("crun").value();
  wanted.closures = {"arch aarch64"};
  if (const auto edited = repository::edit_manifest(text, wanted)) {
    CHECK(repository::parse_manifest(*edited) == wanted);
  }
  return 0;
}
