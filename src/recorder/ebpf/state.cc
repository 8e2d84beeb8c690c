#include "recorder/ebpf/state.h"

#include <dirent.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <fstream>
#include <limits>
#include <sstream>

#include "base/json.h"
#include "evidence/json.h"
#include "evidence/time.h"
#include "host/disk_files.h"

namespace vambrace::recorder::ebpf {
namespace {

// Another layout of the maps (bpf/event.h) is another version.
constexpr std::string_view kSchema = "vambrace.recording/v5";
constexpr auto kBpffsMagic = 0xcafe4a11;

bool is_bpffs(const char* path) {
  struct statfs info{};
  return ::statfs(path, &info) == 0 &&
         static_cast<std::uint32_t>(info.f_type) == kBpffsMagic;
}

json::Value gaps_value(const std::vector<evidence::Gap>& gaps) {
  json::Value list = json::Value::array();
  for (const evidence::Gap& gap : gaps) {
    list.push_back({{"kind", json::quote_bytes(gap.kind)},
                    {"detail", json::quote_bytes(gap.detail)}});
  }
  return list;
}

// Paths and commands may hold any bytes.
template <class Texts>
json::Value quoted(const Texts& texts) {
  json::Value list = json::Value::array();
  for (const std::string& text : texts) {
    list.push_back(json::quote_bytes(text));
  }
  return list;
}

Result<std::string> read_quoted(json::Reader& reader, const char* key) {
  TRY_ASSIGN(const std::string text, reader.text(key));
  return json::unquote_bytes(text);
}

Result<std::vector<std::string>> read_all_quoted(json::Reader& reader,
                                                 const char* key) {
  TRY_ASSIGN(std::vector<std::string> texts, reader.texts(key));
  for (std::string& text : texts) {
    TRY_ASSIGN(text, json::unquote_bytes(text));
  }
  return texts;
}

Result<int> read_pid(json::Reader& reader, const char* key) {
  TRY_ASSIGN(const std::uint64_t pid, reader.number(key));
  if (pid > static_cast<std::uint64_t>(std::numeric_limits<int>::max())) {
    return fail(ErrorCode::InvalidInput, "{}: not a pid", reader.place_of(key));
  }
  return static_cast<int>(pid);
}

}  // namespace

std::string print(const State& state) {
  evidence::Evidence head;
  head.workload = state.frame.workload;
  head.recordings.push_back(state.frame.recording);
  return json::print({
      {"schema", kSchema},
      {"evidence", evidence::print(head)},
      {"gaps", gaps_value(state.frame.gaps)},
      {"harness", state.frame.with_harness},
      // JSON numbers here are unsigned; the offset is positive in practice.
      {"clock_offset", static_cast<std::uint64_t>(state.frame.clock_offset)},
      {"light", state.frame.light},
      {"redact", state.frame.redact},
      {"probes", quoted(state.frame.probe_commands)},
      {"workloads", quoted(state.workloads)},
      {"output", json::quote_bytes(state.output)},
      {"recorder", state.recorder},
      {"recorder_start", state.recorder_start},
      {"main_pid", state.main_pid},
  });
}

Result<State> parse_state(std::string_view text) {
  TRY_ASSIGN(const json::Value value, json::parse(text));
  TRY_ASSIGN(auto reader, json::Reader::of(value, "recording"));
  TRY_ASSIGN(const std::string schema, reader.text("schema"));
  if (schema != kSchema) {
    return fail(ErrorCode::InvalidInput, "unknown schema \"{}\"", schema);
  }
  State state;
  TRY_ASSIGN(const std::string head, reader.text("evidence"));
  TRY_ASSIGN(auto evidence, evidence::parse(head));
  if (evidence.recordings.size() != 1) {
    return fail(ErrorCode::InvalidInput, "not one recording");
  }
  state.frame.workload = evidence.workload;
  state.frame.recording = evidence.recordings.front();
  TRY_ASSIGN(const json::Value* gaps, reader.array("gaps"));
  for (const json::Value& entry : *gaps) {
    TRY_ASSIGN(auto gap, json::Reader::of(entry, "gaps"));
    TRY_ASSIGN(std::string kind, read_quoted(gap, "kind"));
    TRY_ASSIGN(std::string detail, read_quoted(gap, "detail"));
    state.frame.gaps.push_back({std::move(kind), std::move(detail)});
  }
  TRY_ASSIGN(state.frame.with_harness, reader.boolean("harness"));
  TRY_ASSIGN(const std::uint64_t offset, reader.number("clock_offset"));
  state.frame.clock_offset = static_cast<std::int64_t>(offset);
  TRY_ASSIGN(state.frame.light, reader.boolean("light"));
  TRY_ASSIGN(state.frame.redact, reader.boolean("redact"));
  TRY_ASSIGN(const auto probes, read_all_quoted(reader, "probes"));
  state.frame.probe_commands.insert(probes.begin(), probes.end());
  TRY_ASSIGN(state.workloads, read_all_quoted(reader, "workloads"));
  TRY_ASSIGN(state.output, read_quoted(reader, "output"));
  TRY_ASSIGN(state.recorder, read_pid(reader, "recorder"));
  TRY_ASSIGN(state.recorder_start, reader.number("recorder_start"));
  TRY_ASSIGN(state.main_pid, read_pid(reader, "main_pid"));
  TRY(reader.finish());
  return state;
}

std::optional<std::uint64_t> start_of(int pid) {
  std::ifstream file(fmt::format("/proc/{}/stat", pid));
  std::string line;
  // The name in parentheses may hold anything; the 22nd field is the 20th
  // after it (proc_pid_stat(5)).
  if (!std::getline(file, line) || !line.contains(')')) {
    return std::nullopt;
  }
  std::istringstream fields(line.substr(line.rfind(')') + 1));
  std::string skipped;
  for (int i = 0; i < 19; ++i) {
    fields >> skipped;
  }
  std::uint64_t start = 0;
  if (!(fields >> start)) {
    return std::nullopt;
  }
  return start;
}

bool ensure_bpffs(bool& mounted) {
  mounted = false;
  if (is_bpffs("/sys/fs/bpf")) {
    return true;
  }
  mounted = ::mount("bpf", "/sys/fs/bpf", "bpf", 0, "mode=0700") == 0;
  return mounted;
}

std::string pin_directory(const std::string& id) {
  return fmt::format("{}/{}", kPinRoot, id);
}

std::string state_file(const std::string& id) {
  return fmt::format("{}/{}.json", kStateRoot, id);
}

std::string by_hand(const std::string& id) {
  return fmt::format("when that is mended: rm -r {} {}", pin_directory(id),
                     state_file(id));
}

Result<> own_folder(const std::string& path) {
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) {
    return std::unexpected(system_error("make " + path, errno));
  }
  struct stat info{};
  if (::lstat(path.c_str(), &info) != 0) {
    return std::unexpected(system_error("look at " + path, errno));
  }
  std::string wrong;
  if (!S_ISDIR(info.st_mode)) {
    wrong = "is not a folder";
  } else if (info.st_uid != ::geteuid()) {
    wrong = fmt::format("belongs to user {}", info.st_uid);
  } else if ((info.st_mode & 07777) != 0700) {
    wrong = fmt::format("has mode {:04o}", info.st_mode & 07777);
  } else {
    return {};
  }
  return std::unexpected(
      Error(ErrorCode::Unavailable,
            fmt::format("{} {}: others could put false recordings there", path,
                        wrong))
          .with_hint(fmt::format(
              "it must be a folder of root's own with mode 0700; look who made "
              "it, then remove it: rm -r {}",
              path)));
}

Result<std::vector<std::string>> pinned_recordings() {
  const std::string root(kPinRoot);
  std::vector<std::string> ids;
  if (struct stat info{}; ::lstat(root.c_str(), &info) != 0) {
    if (errno == ENOENT) {
      return ids;
    }
    return std::unexpected(system_error("look at " + root, errno));
  }
  if (::geteuid() != 0) {
    return std::unexpected(Error(ErrorCode::Unavailable,
                                 "only root can see the recordings going on")
                               .with_hint("run it with sudo"));
  }
  TRY(own_folder(root));
  DIR* folder = ::opendir(root.c_str());
  if (folder == nullptr) {
    return std::unexpected(system_error("open " + root, errno));
  }
  while (const dirent* entry = ::readdir(folder)) {
    if (entry->d_name[0] != '.') {
      ids.emplace_back(entry->d_name);
    }
  }
  ::closedir(folder);
  std::sort(ids.begin(), ids.end());
  return ids;
}

Known describe(const State& state) {
  std::string what = state.frame.workload.id;
  if (what.empty()) {
    what = fmt::format("{}", fmt::join(state.workloads, " and "));
  }
  const evidence::Recording& recording = state.frame.recording;
  return {.id = recording.id,
          .about = fmt::format("{}, {} since {}", what, recording.scope,
                               evidence::format_time(recording.start)),
          .standing = start_of(state.recorder) == state.recorder_start
                          ? Standing::Runs
                          : Standing::LeftOver};
}

Result<Known> pick_recording(const std::vector<Known>& recordings,
                             const std::string& id) {
  std::vector<Known> matches;
  for (const Known& known : recordings) {
    if (known.id.starts_with(id)) {
      matches.push_back(known);
    }
  }
  if (matches.size() == 1) {
    return matches.front();
  }
  if (matches.empty() && recordings.empty()) {
    return std::unexpected(
        Error(ErrorCode::NotFound, "no recording is going on")
            .with_hint("start one: vambrace record -o evidence/ -- COMMAND"));
  }
  std::string list;
  for (const Known& known : matches.empty() ? recordings : matches) {
    list += fmt::format("{}{:.8} ({})", list.empty() ? "" : "; ", known.id,
                        known.about);
  }
  return std::unexpected(
      Error(matches.empty() ? ErrorCode::NotFound : ErrorCode::InvalidInput,
            matches.empty()
                ? "no recording " + id
                : fmt::format("{} recordings are going on", matches.size()))
          .with_hint("name one of: " + list));
}

}  // namespace vambrace::recorder::ebpf
