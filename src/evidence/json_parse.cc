#include "base/json.h"
#include "evidence/facts.h"
#include "evidence/json.h"
#include "evidence/json_parts.h"
#include "evidence/merge.h"

namespace vambrace::evidence {

using json::Cursor;
using json::field;

namespace {

// Far above what a workload does, far below what would hurt.
constexpr std::size_t kMaxRecordings = 100'000;
constexpr std::size_t kMaxProcesses = 200'000;
constexpr std::size_t kMaxFacts = 5'000'000;

// A list of facts in the order of their keys, each key once.
template <class Fact>
auto facts_field(Cursor& in, const char* name, std::vector<Fact>& out,
                 std::size_t& facts) {
  return field(name, [&in, &out, &facts] {
    return in.array([&](std::size_t index) -> Result<> {
      if (++facts > kMaxFacts) {
        return in.fail("more than {} facts", kMaxFacts);
      }
      Fact& fact = out.emplace_back();
      TRY(read(in, fact));
      if (index > 0 && !(key_of(out[index - 1]) < key_of(fact))) {
        return in.fail("not in order, or there twice");
      }
      return {};
    });
  });
}

Result<> read_process(Cursor& in, Process& out, std::size_t& facts) {
  ProcessKey& key = out.key;
  return in.members(
      field("exe", key.exe),
      field("build_id",
            [&]() -> Result<> {
              if (in.null()) {
                return {};
              }
              return read(in, key.build_id.emplace());
            }),
      field("script", key.script),
      field("origin", [&] { return read_word(in, origin_from, key.origin); }),
      field("parent", key.parent),
      facts_field(in, "syscalls", out.syscalls, facts),
      facts_field(in, "files", out.files, facts),
      facts_field(in, "capabilities", out.capabilities, facts),
      facts_field(in, "network", out.network, facts),
      facts_field(in, "execs", out.execs, facts),
      facts_field(in, "signals", out.signals, facts),
      facts_field(in, "users", out.users, facts),
      // Evidence of versions that did not watch them has no such list.
      optional(facts_field(in, "mounts", out.mounts, facts)),
      optional(facts_field(in, "traces", out.traces, facts)));
}

Result<> read_recordings(Cursor& in, std::vector<Recording>& out) {
  return in.array([&](std::size_t index) -> Result<> {
    if (index >= kMaxRecordings) {
      return in.fail("more than {} recordings", kMaxRecordings);
    }
    TRY(read(in, out.emplace_back()));
    return index == 0 || out[index - 1].id < out[index].id
               ? Result<>()
               : in.fail("not in order, or there twice");
  });
}

Result<> read_processes(Cursor& in, std::vector<Process>& out) {
  std::size_t facts = 0;
  return in.array([&](std::size_t index) -> Result<> {
    if (index >= kMaxProcesses) {
      return in.fail("more than {} processes", kMaxProcesses);
    }
    TRY(read_process(in, out.emplace_back(), facts));
    return index == 0 || out[index - 1].key < out[index].key
               ? Result<>()
               : in.fail("not in order, or there twice");
  });
}

// Facts may name only recordings of the list, and no recording is there both
// folded and on its own.
Result<> expect_known_recordings(Cursor& in, const Evidence& evidence) {
  std::set<RecordingId> ids;
  std::set<RecordingId> leaves;
  for (const Recording& recording : evidence.recordings) {
    ids.insert(recording.id);
    std::vector<RecordingId> own = recording.folded;
    own.push_back(recording.id);
    for (const RecordingId& leaf : own) {
      if (!leaves.insert(leaf).second) {
        return in.fail("recording {} is there twice, once folded", leaf);
      }
    }
  }
  Result<> result;
  for (const Process& process : evidence.processes) {
    each_list(
        [&](const auto& list) {
          for (const auto& fact : list) {
            for (const auto& [id, share] : fact.by) {
              if (!ids.contains(id)) {
                result = in.fail(
                    "{}: facts of a recording {} that the list "
                    "of recordings lacks",
                    process.key.exe, id);
              }
            }
          }
        },
        process);
  }
  return result;
}

std::unexpected<Error> refuse_schema(const std::string& schema) {
  const bool other = schema.starts_with("vambrace.evidence/");
  return std::unexpected(
      Error(ErrorCode::InvalidInput,
            fmt::format("schema: {} \"{}\"",
                        other ? "unknown version" : "not vambrace evidence:",
                        json::quote_bytes(schema.substr(0, 80))))
          .with_hint(fmt::format(
              "this vambrace reads {}{}", kSchema,
              other ? "; use the version that wrote the file, or record again"
                    : "")));
}

Result<Evidence> read_document(std::string_view text) {
  Cursor in(text);
  Evidence out;
  Verdict stated;
  std::string schema;
  TRY(in.members(
      field("schema", schema), field("workload", out.workload),
      field("recordings", [&] { return read_recordings(in, out.recordings); }),
      field("verdict", stated),
      field("processes", [&] { return read_processes(in, out.processes); })));
  TRY(in.finish());
  if (schema != kSchema) {
    return refuse_schema(schema);
  }
  TRY(expect_known_recordings(in, out));
  if (stated != verdict(out)) {
    return in.fail("verdict: is not what the recordings' verdicts give");
  }
  // Adds what other versions did not write: arguments that were not watched.
  return canonical(std::move(out));
}

// What another version wrote fails at some detail; the version is the cause.
std::optional<std::string> other_schema(std::string_view text) {
  // As print() begins; whatever is wrong then, it is not the version.
  if (text.starts_with(fmt::format("{{\n  \"schema\": \"{}\"", kSchema))) {
    return std::nullopt;
  }
  const Result<json::Value> tree = json::parse(text);
  if (!tree || !tree->is_object()) {
    return std::nullopt;
  }
  const auto schema = tree->find("schema");
  if (schema == tree->end() || !schema->is_string() || *schema == kSchema) {
    return std::nullopt;
  }
  return schema->get<std::string>();
}

}  // namespace

Result<Evidence> parse(std::string_view text) {
  Result<Evidence> evidence = read_document(text);
  if (!evidence) {
    if (const auto schema = other_schema(text)) {
      return refuse_schema(*schema);
    }
  }
  return evidence;
}

}  // namespace vambrace::evidence
