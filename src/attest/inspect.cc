#include "attest/inspect.h"

#include "attest/command_output.h"

namespace vambrace::attest {

Result<ContainerOptions> container_options(const std::string& name) {
  const auto text =
      during("docker inspect",
             command_output({"docker", "inspect", "--type", "container",
                             "--format", kInspectFormat, "--", name}));
  if (!text) {
    return std::unexpected(Error(text.error())
                               .with_hint("only Docker tells what it started a "
                                          "container with"));
  }
  return during("docker inspect", parse_options(*text));
}

}  // namespace vambrace::attest
