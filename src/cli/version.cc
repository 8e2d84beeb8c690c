#include <nlohmann/json.hpp>

#include "base/json.h"
#include "cli/commands.h"
#include "cli/options.h"

namespace vambrace::cli {

Result<Exit> version(Environment& environment, Words words) {
  bool as_json = false;
  Options options;
  options.json(as_json);
  TRY(options.parse(environment, words));

  environment.output.out(as_json
                             ? json::print({{"schema", "vambrace.version/v1"},
                                            {"version", VAMBRACE_VERSION}})
                             : "vambrace " VAMBRACE_VERSION "\n");
  return Exit::Clean;
}

}  // namespace vambrace::cli
