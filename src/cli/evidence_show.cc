#include "base/json.h"
#include "cli/columns.h"
#include "cli/commands.h"
#include "cli/evidence_files.h"
#include "cli/options.h"
#include "evidence/json.h"
#include "evidence/merge.h"
#include "evidence/time.h"

namespace vambrace::cli {
namespace {

using Counts = std::map<std::string, std::uint64_t>;

// "startup 3, serving 9"
std::string words_of(const Counts& counts) {
  std::string out;
  for (const auto& [name, count] : counts) {
    out += fmt::format("{}{} {}", out.empty() ? "" : ", ",
                       json::quote_bytes(name), count);
  }
  return out;
}

std::string arguments(const std::optional<evidence::Arguments>& seen) {
  if (!seen) {
    return "";
  }
  if (seen->unbounded) {
    return "any";
  }
  constexpr std::size_t kShown = 4;
  std::string out;
  std::size_t shown = 0;
  for (const auto& tuple : seen->tuples) {
    if (shown++ == kShown) {
      return out + fmt::format(" and {} more", seen->tuples.size() - kShown);
    }
    out +=
        fmt::format("{}{:#x}", out.empty() ? "" : "; ", fmt::join(tuple, ","));
  }
  return out;
}

std::string recordings(const evidence::Evidence& evidence) {
  std::string out;
  for (const evidence::Recording& one : evidence.recordings) {
    out += fmt::format(
        "recording {}\n  {} to {}, {}, kernel {}\n", one.id,
        evidence::format_time(one.start), evidence::format_time(one.end),
        json::quote_bytes(one.scope), json::quote_bytes(one.kernel));
    out += fmt::format("  {}\n", to_string(one.verdict.state));
    for (const evidence::Gap& gap : one.verdict.gaps) {
      out += fmt::format("  gap {}: {}\n", json::quote_bytes(gap.kind),
                         json::quote_bytes(gap.detail));
    }
  }
  return out;
}

std::string files_of(const evidence::Process& one, bool all) {
  if (one.files.empty()) {
    return "";
  }
  if (!all) {
    return fmt::format("accesses {} files (--files lists them)\n",
                       evidence::paths_in(one).size());
  }
  std::string out;
  for (const evidence::FileFact& fact : one.files) {
    out += fmt::format("file {} {}{}: {}\n", json::quote_bytes(fact.path),
                       fact.access, fact.owner == true ? " own" : "",
                       evidence::total(fact.by).count);
  }
  return out;
}

std::string process(const evidence::Process& one, bool all_files) {
  std::string out = fmt::format("\n{} ({})", json::quote_bytes(one.key.exe),
                                to_string(one.key.origin));
  if (!one.key.script.empty()) {
    out += " " + json::quote_bytes(one.key.script);
  }
  if (!one.key.parent.empty()) {
    out += " from " + json::quote_bytes(one.key.parent);
  }
  out += "\n";
  using Align = Columns::Align;
  Columns table({{"arch"},
                 {"call"},
                 {"count", Align::Right},
                 {"denied", Align::Right},
                 {"phases"},
                 {"errors"},
                 {"arguments"}});
  for (const evidence::SyscallFact& fact : one.syscalls) {
    const evidence::Share sum = evidence::total(fact.by);
    table.row({std::string(to_string(fact.syscall.arch)),
               kernel::syscall_label(fact.syscall), std::to_string(sum.count),
               std::to_string(sum.denied), words_of(sum.phases),
               words_of(sum.errnos), arguments(fact.args)});
  }
  out += table.empty() ? "" : table.print();
  for (const evidence::CapabilityFact& fact : one.capabilities) {
    const evidence::Share sum = evidence::total(fact.by);
    out += fmt::format("capability {}: granted {}, refused {}\n",
                       evidence::capability_label(fact.number), sum.count,
                       sum.denied);
  }
  for (const evidence::ExecFact& fact : one.execs) {
    out += fmt::format("starts {}\n", json::quote_bytes(fact.path));
  }
  for (const evidence::MountFact& fact : one.mounts) {
    out += evidence::describe(fact) + "\n";
  }
  for (const evidence::TraceFact& fact : one.traces) {
    out += "ptrace " + evidence::describe(fact) + "\n";
  }
  out += files_of(one, all_files);
  return out;
}

}  // namespace

Result<Exit> evidence_show(Environment& environment, Words words) {
  std::vector<std::string> files;
  bool as_json = false;
  bool all_files = false;
  Options options;
  options.json(as_json);
  options.flag("--files", all_files, "list every file that was accessed");
  options.words("EVIDENCE", files, "evidence files", 1);
  TRY(options.parse(environment, words));
  TRY_ASSIGN(const evidence::Evidence all,
             read_merged(environment.files, files));
  if (as_json) {
    environment.output.out(evidence::print(all));
    return Exit::Clean;
  }
  const evidence::Verdict verdict = evidence::verdict(all);
  std::string text = fmt::format(
      "{} {}: {}\n", json::quote_bytes(all.workload.id),
      json::quote_bytes(all.workload.container), to_string(verdict.state));
  text += recordings(all);
  for (const evidence::Process& one : all.processes) {
    text += process(one, all_files);
  }
  environment.output.out(text);
  return Exit::Clean;
}

}  // namespace vambrace::cli
