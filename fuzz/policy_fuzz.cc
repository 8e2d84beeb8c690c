#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/result.h"
#include "policy/capabilities/reduce.h"
#include "policy/json.h"
#include "policy/seccomp/evaluate.h"
#include "policy/seccomp/render.h"

// A policy that parses prints to what parses to the same; every target can
// render it, and what is rendered is a profile that this target takes and that
// survives being printed. Sets of capabilities round-trip likewise.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  namespace policy = vambrace::policy;
  namespace runtime = vambrace::runtime;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto grant = policy::capabilities::parse(text)) {
    CHECK(policy::capabilities::parse(policy::capabilities::print(*grant)) ==
          *grant);
  }
  const auto parsed = policy::parse(text);
  if (!parsed) {
    return 0;
  }
  const auto again = policy::parse(policy::print(*parsed));
  CHECK(again.has_value() && *again == *parsed);
  for (const char* name : {"docker", "crun"}) {
    const runtime::Target target = runtime::target_named(name).value();
    const auto rendered =
        policy::seccomp::render(*parsed, target, policy::Stage::Harden);
    if (!rendered) {
      // Too large for its budget, and nothing else.
      CHECK(rendered.error().code() == vambrace::ErrorCode::Denied);
      continue;
    }
    const auto profile =
        policy::seccomp::parse(policy::seccomp::print(rendered->profile));
    CHECK(profile.has_value() && *profile == rendered->profile);
    CHECK(policy::seccomp::Evaluator::of(*profile, target).has_value());
  }
  return 0;
}
