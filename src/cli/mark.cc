#include "base/json.h"
#include "base/printable.h"
#include "cli/commands.h"
#include "cli/options.h"
#include "recorder/ebpf/resume.h"

namespace vambrace::cli {

Result<Exit> mark(Environment& environment, Words words) {
  std::string phase;
  std::string id;
  bool as_json = false;
  Options options;
  options.word("NAME", phase, "the phase that begins now");
  options.value("--recording", "ID", id,
                "which recording, if several are going on");
  options.json(as_json);
  TRY(options.parse(environment, words));

  TRY_ASSIGN(const recorder::ebpf::Known found,
             recorder::ebpf::find_live_recording(environment.files, id));
  TRY(recorder::ebpf::mark_recording(found.id, phase));
  environment.output.out(
      as_json
          ? json::print({{"schema", "vambrace.mark/v1"},
                         {"recording", found.id},
                         {"phase", json::quote_bytes(phase)}})
          : fmt::format("phase {} began in recording {:.8} ({})\n",
                        printable(phase), found.id, printable(found.about)));
  return Exit::Clean;
}

}  // namespace vambrace::cli
