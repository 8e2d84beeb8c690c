#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "enforcer/docker_arguments.h"
#include "enforcer/runc_config.h"

namespace {

namespace enforcer = vambrace::enforcer;
using Words = std::vector<std::string>;

const enforcer::Armour kArmour{.seccomp_path = "/b/seccomp.json",
                               .seccomp_json = "{}",
                               .capabilities = {10},
                               .no_new_privs = true};

Words lines_of(std::string_view text) {
  Words out;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    out.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

// A line that the armor is put on still starts the same image with the same
// command, and none of its options takes the armor off.
void start_docker(const Words& words) {
  const auto start = enforcer::parse_docker(words);
  if (!start || !*start) {
    return;
  }
  const enforcer::DockerStart& before = **start;
  const auto armoured = enforcer::put_on(before, kArmour);
  if (!armoured) {
    return;
  }
  const auto again = enforcer::parse_docker(*armoured);
  CHECK(again && *again);
  const enforcer::DockerStart& after = **again;
  CHECK(after.before == before.before && after.rest == before.rest);
  CHECK(after.image == before.image && after.name == before.name);
  const Words& options = after.options;
  CHECK(std::ranges::count(options, "seccomp=/b/seccomp.json") == 1);
  CHECK(std::ranges::count(options, "ALL") >= 1);
  CHECK(std::ranges::count(before.options, "--privileged") == 0);
}

void start_runc(const Words& words) {
  const auto start = enforcer::parse_runc(words);
  if (!start || !*start) {
    return;
  }
  const auto again =
      enforcer::parse_runc(enforcer::with_bundle(**start, "/copy"));
  CHECK(again && *again);
  CHECK((*again)->bundle == "/copy");
  CHECK((*again)->container == (*start)->container);
}

}  // namespace

// The words of a docker or runc command, one on a line.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  const Words words = lines_of({reinterpret_cast<const char*>(data), size});
  start_docker(words);
  start_runc(words);
  return 0;
}
