#include "cli/commands.h"
#include "cli/options.h"
#include "recorder/ebpf/resume.h"

namespace vambrace::cli {

Result<Exit> mark(Environment& environment, Words words) {
  std::string phase;
  std::string id;
  Options options;
  options.word("NAME", phase, "the phase that begins now");
  options.value("--recording", "ID", id,
                "which recording, if several are going on");
  TRY(options.parse(environment, words));

  TRY_ASSIGN(const std::string found,
             recorder::ebpf::find_live_recording(environment.files, id));
  TRY(recorder::ebpf::mark_recording(found, phase));
  return Exit::Clean;
}

}  // namespace vambrace::cli
