#include <chrono>
#include <thread>

#include "base/printable.h"
#include "cli/commands.h"
#include "cli/options.h"
#include "cli/record_words.h"
#include "recorder/ebpf/resume.h"

namespace vambrace::cli {
namespace {

using std::chrono::milliseconds;

bool is_going_on(const std::string& id) {
  const auto ids = recorder::ebpf::pinned_recordings();
  return ids && std::find(ids->begin(), ids->end(), id) != ids->end();
}

}  // namespace

Result<Exit> stop(Environment& environment, Words words) {
  std::string id;
  std::string output;
  bool json = false;
  Options options;
  options.word("ID", id, "which recording, if several are going on", false);
  options.value("-o,--output", "FILE", output,
                "where to write, if its recorder is gone");
  options.json(json);
  TRY(options.parse(environment, words));

  TRY_ASSIGN(const recorder::ebpf::Known known,
             recorder::ebpf::find_recording(environment.files, id));
  const std::string& found = known.id;
  TRY_ASSIGN(const bool asked,
             recorder::ebpf::ask_to_stop(environment.files, found));
  if (!asked) {
    return resume_recording(environment, found, output, json);
  }
  // Its command gets ten seconds to end.
  for (int i = 0; i < 150 && is_going_on(found); ++i) {
    std::this_thread::sleep_for(milliseconds(100));
  }
  if (is_going_on(found)) {
    return fail(ErrorCode::Unavailable,
                "recording {} does not end: its recorder does not answer",
                found);
  }
  environment.output.out(
      json ? fmt::format("{{\"schema\": \"vambrace.stop/v1\", \"recording\": "
                         "\"{}\"}}\n",
                         found)
           : fmt::format("recording {:.8} ({}) has ended\n", found,
                         printable(known.about)));
  return Exit::Clean;
}

}  // namespace vambrace::cli
