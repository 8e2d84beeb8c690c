#include "cli/commands.h"

namespace vambrace::cli {

Result<Exit> version(Environment& environment, Words /*words*/) {
  environment.output.out("vambrace " VAMBRACE_VERSION "\n");
  return Exit::Clean;
}

}  // namespace vambrace::cli
