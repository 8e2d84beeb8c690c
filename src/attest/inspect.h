#pragma once

#include <string>

#include "attest/container_options.h"
#include "base/result.h"

namespace vambrace::attest {

// Asks Docker. Unavailable if it is not there or does not know the container.
Result<ContainerOptions> container_options(const std::string& name);

}  // namespace vambrace::attest
