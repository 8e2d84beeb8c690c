#include "cli/review_reach.h"

#include <algorithm>
#include <set>

#include "base/printable.h"
#include "cli/analyses.h"
#include "elf/analysis.h"
#include "elf/mapped.h"
#include "host/root_files.h"
#include "recorder/ebpf/build_id.h"

namespace vambrace::cli {
namespace {

// Program files of the workload, as recorded, once each.
std::vector<const evidence::Process*> programs_of(
    const evidence::Evidence& evidence) {
  std::vector<const evidence::Process*> programs;
  std::set<std::string> seen;
  for (const evidence::Process& process : evidence.processes) {
    const evidence::Origin origin = process.key.origin;
    if (origin != evidence::Origin::Runtime &&
        origin != evidence::Origin::Harness &&
        seen.insert(process.key.exe).second) {
      programs.push_back(&process);
    }
  }
  return programs;
}

// Whether the file is what was recorded: a program of that build.
bool is_recorded(const elf::Root& root, const evidence::Process& process) {
  const auto file = root.read(process.key.exe);
  if (!file || process.key.build_id.value_or("").empty()) {
    return false;
  }
  const auto id = recorder::ebpf::build_id_in(file->bytes.text());
  return id && *id == process.key.build_id;
}

}  // namespace

Result<> add_reaches(Environment& environment, Memos& memos,
                     const std::string& root,
                     const evidence::Evidence& evidence,
                     std::vector<elf::Reach>& reaches) {
  TRY_ASSIGN(const RootFiles files, RootFiles::open(root));
  const auto mapped = elf::mapped_files(evidence);
  std::vector<elf::Request> requests;
  for (const evidence::Process* process : programs_of(evidence)) {
    const std::string& exe = process->key.exe;
    const bool known =
        std::ranges::find(reaches, exe, &elf::Reach::program) != reaches.end();
    if (known || !is_recorded(files, *process)) {
      continue;
    }
    elf::Request& request = requests.emplace_back(elf::Request{.program = exe});
    if (const auto seen = mapped.find(exe); seen != mapped.end()) {
      for (const std::string& file : seen->second) {
        request.extras.push_back(
            {.path = file, .why = "mapped in the evidence", .observed = true});
      }
    }
  }
  Output& out = environment.output;
  if (!requests.empty()) {
    out.err(fmt::format("analyzing {} program{}\n", requests.size(),
                        requests.size() == 1 ? "" : "s"));
  }
  analyze_each(
      files, memos, requests, default_jobs(),
      [&](std::size_t request, Analysis analysis) {
        warn_of_trouble(environment, memos);
        const std::string program = printable(requests[request].program);
        if (auto& answered = analysis.answered) {
          out.err(fmt::format("analyzed {} in {:.3f} s\n", program,
                              analysis.taken.count()));
          reaches.push_back(std::move(answered->reach));
        } else {
          out.err(fmt::format("note: {}\n", answered.error().message()));
        }
      });
  return {};
}

}  // namespace vambrace::cli
