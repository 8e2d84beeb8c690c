#include "cli/record_words.h"

#include <unistd.h>

#include <bit>

#include "cli/options.h"
#include "evidence/identity.h"

namespace vambrace::cli {
namespace {

// Each slice has facts of its own: four times as many as usual.
constexpr std::uint32_t kFactsInSlices = 1U << 18;

std::string base_name(const std::string& path) {
  return path.substr(path.rfind('/') + 1);
}

// A size that may be given as --name N; 0 in `to` stays the default.
Result<> take_size(const char* name, std::optional<std::uint32_t> given,
                   std::uint32_t least, std::uint32_t most, std::uint32_t& to) {
  if (given && (*given < least || *given > most)) {
    return fail(ErrorCode::InvalidInput, "{}: {} is not within {} to {}", name,
                *given, least, most);
  }
  to = given.value_or(0);
  return {};
}

}  // namespace

Result<> RecordSizes::check(recorder::Options& options) const {
  constexpr std::uint32_t kMostTasks = 1U << 22;  // PID_MAX_LIMIT
  constexpr std::uint32_t kMostFacts = 1U << 24;
  constexpr std::uint32_t kMostRing = 1U << 30;
  const auto page = static_cast<std::uint32_t>(::sysconf(_SC_PAGESIZE));
  TRY(take_size("--max-tasks", tasks, 1, kMostTasks, options.max_tasks));
  // Numbers of programs begin at 1, and the launcher takes the first.
  TRY(take_size("--max-images", images, 2, 1U << 16, options.max_images));
  TRY(take_size("--max-facts", facts, 1, kMostFacts, options.max_facts));
  if (ring &&
      (*ring < page || *ring > kMostRing || !std::has_single_bit(*ring))) {
    return std::unexpected(
        Error(ErrorCode::InvalidInput,
              fmt::format("--ring-bytes: {} is not a power of two within {} to "
                          "{}",
                          *ring, page, kMostRing))
            .with_hint(fmt::format("the default is {}", 1U << 20)));
  }
  options.ring_bytes = ring.value_or(0);
  return {};
}

Result<> RecordWords::parse(Environment& environment, Words words) {
  Options declared;
  declared.value("-o,--output", "FILE", output,
                 "write the evidence here; DIR/ names the file itself "
                 "(evidence/ unless given)");
  declared.values(
      "--workload", "EXE", scope.workloads,
      "the workload under a driver: path or name of its program, or "
      "container:NAME; once per workload");
  declared.flag("--light", options.light,
                "watch no exits: cheaper, but no errnos and no denials");
  std::string file_probe;
  declared.choice("--file-probe", {"hooks", "calls"}, file_probe,
                  "where files are seen (unless given: in the kernel's "
                  "hooks if it has them)");
  declared.flag("--enters", options.enters,
                "see a command's calls as they enter, too, and not as they "
                "exit alone: dearer");
  declared.value("--user", "NAME", options.user,
                 "run the command as this user");
  declared.value("--container", "NAME", scope.container,
                 "a Docker container, running or to be made by the command");
  declared.number("--pid", "N", scope.pid,
                  "a running process and its descendants");
  declared.value("--cgroup", "PATH", scope.cgroup,
                 "a cgroup, below the cgroup v2 mount");
  declared.value("--phase-from-file", "FILE", phase_file,
                 "begin a phase whenever the first line of this file changes");
  declared.values("--junit", "FILE", reports,
                  "a JUnit report that the command writes: each test becomes "
                  "a phase; a folder: all in it");
  declared.values("--probe", "COMMAND", options.probe_commands,
                  "a health check's command line, as one word");
  std::optional<std::string> id;
  declared.value("--id", "SPIFFE", id, "the workload's identity");
  declared.value("--owner", "WHO", owner, "who answers for the workload");
  declared.flag("--resume", resume,
                "collect a recording whose recorder was killed");
  declared.value("--recording", "ID", resume_id,
                 "with --resume: which, if there are several");
  RecordSizes sizes;
  declared.number("--max-tasks", "N", sizes.tasks,
                  "size of the table of tasks");
  declared.number("--max-images", "N", sizes.images,
                  "size of the table of programs");
  declared.number("--max-facts", "N", sizes.facts,
                  "size of each table of facts");
  declared.number("--ring-bytes", "N", sizes.ring,
                  "size of the ring buffer: a power of two of pages");
  declared.json(json);
  declared.command(scope.command, "the command to record", false);
  TRY(declared.parse(environment, words));
  TRY(sizes.check(options));
  if (!file_probe.empty()) {
    options.file_probe = file_probe == "hooks" ? recorder::FileProbe::Hooks
                                               : recorder::FileProbe::Calls;
  }
  if (options.light && options.file_probe == recorder::FileProbe::Hooks) {
    return fail(ErrorCode::InvalidInput,
                "--light watches no files, so --file-probe has no meaning");
  }
  if (id) {
    TRY(during("--id", evidence::check_identity(*id)));
    options.workload_id = *id;
  }

  output = as_place(environment.files, output);
  if (resume) {
    return {};
  }
  const bool follows = !scope.command.empty() || !scope.container.empty();
  const int scopes =
      (follows ? 1 : 0) + (scope.pid ? 1 : 0) + (scope.cgroup.empty() ? 0 : 1);
  if (scopes != 1) {
    return std::unexpected(
        Error(ErrorCode::InvalidInput,
              scopes == 0 ? "nothing to record"
                          : "give one of --pid, --cgroup and a command")
            .with_hint("vambrace record -o evidence/ -- COMMAND"));
  }
  if (!scope.workloads.empty() && scope.command.empty()) {
    return std::unexpected(
        Error(ErrorCode::InvalidInput, "--workload needs a command")
            .with_hint("it says which of the programs that the command starts "
                       "are workloads"));
  }
  if (!reports.empty() && scope.command.empty()) {
    return std::unexpected(
        Error(ErrorCode::InvalidInput, "--junit needs a command")
            .with_hint("it is the report that the test command writes"));
  }
  options.slices = !reports.empty();
  if (options.slices && options.max_facts == 0) {
    options.max_facts = kFactsInSlices;
  }
  if (output.empty()) {
    output = "evidence/";
  }
  return {};
}

Result<> RecordWords::check_output(Environment& environment) const {
  const std::string place = output.substr(0, output.rfind('/') + 1);
  if (output.ends_with('/') || place.empty() ||
      environment.files.is_directory(place)) {
    return {};
  }
  // Made when writing; a file in its place could never be.
  const std::string bare = place.substr(0, place.size() - 1);
  if (environment.files.exists(bare)) {
    return fail(ErrorCode::InvalidInput, "{} is not a folder", bare);
  }
  return {};
}

std::string as_place(const Files& files, const std::string& output) {
  const bool folder =
      !output.empty() && !output.ends_with('/') && files.is_directory(output);
  return folder ? output + '/' : output;
}

std::string evidence_file(const std::string& output,
                          const evidence::Evidence& evidence, std::size_t index,
                          std::size_t count) {
  const std::string name = base_name(evidence.workload.id);
  const std::string label = name.empty() ? std::to_string(index) : name;
  if (output.ends_with('/')) {
    return fmt::format("{}{}-{}.json", output, label,
                       evidence.recordings.front().id.substr(0, 8));
  }
  if (count == 1) {
    return output;
  }
  // Several workloads and one file name: the workload's name tells them apart.
  const std::size_t dot = output.rfind('.');
  const std::string stem =
      dot == std::string::npos || output.find('/', dot) != std::string::npos
          ? output
          : output.substr(0, dot);
  return fmt::format("{}-{}.json", stem, label);
}

}  // namespace vambrace::cli
