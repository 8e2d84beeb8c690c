#include <charconv>

#include "base/json.h"
#include "base/json_cursor.h"
#include "evidence/facts.h"
#include "evidence/json.h"
#include "evidence/merge.h"
#include "evidence/time.h"
#include "kernel/capabilities.h"
#include "kernel/errnos.h"

namespace vambrace::evidence {

using json::Cursor;
using json::field;
using json::optional_field;

namespace {

// Far above what a workload does, far below what would hurt.
constexpr std::size_t kMaxRecordings = 100'000;
constexpr std::size_t kMaxProcesses = 200'000;
constexpr std::size_t kMaxFacts = 5'000'000;
constexpr std::size_t kMaxFunctions = 128;
constexpr std::uint32_t kMaxCapability = 63;

bool is_id(std::string_view text) {
  return text.size() == 32 &&
         text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

Result<> read_id(Cursor& in, RecordingId& out) {
  TRY(read(in, out));
  return is_id(out) ? Result<>() : in.fail("not 32 lower-case hex digits");
}

Result<> read_time(Cursor& in, Instant& out) {
  TRY_ASSIGN(const std::string text, in.text());
  const auto instant = parse_time(text);
  if (!instant) {
    return in.fail("not a time like 2026-01-31T09:30:00.000250Z");
  }
  out = *instant;
  return {};
}

// A word of a closed list, turned into its value by `from`.
template <class From, class T>
Result<> read_word(Cursor& in, From from, T& out) {
  TRY_ASSIGN(const std::string word, in.text());
  const auto value = from(word);
  if (!value) {
    return in.fail("unknown word");
  }
  out = *value;
  return {};
}

// Errors by name; the sum of their counts is at most `most`.
Result<> expect_errnos(Cursor& in, const char* key,
                       const std::map<std::string, std::uint64_t>& errnos,
                       std::uint64_t most) {
  std::uint64_t left = most;
  for (const auto& [name, count] : errnos) {
    if (!kernel::errno_number(name)) {
      return in.fail("{}: not an error name", key);
    }
    if (count == 0 || count > left) {
      return in.fail("{}: more errors than calls, or none", key);
    }
    left -= count;
  }
  return {};
}

Result<> expect_phases(Cursor& in, const Share& share) {
  std::uint64_t left = share.count;
  for (const auto& [name, count] : share.phases) {
    if (count == 0 || count > left) {
      return in.fail("phases: do not add up to count");
    }
    left -= count;
  }
  return left == 0 ? Result<>() : in.fail("phases: do not add up to count");
}

struct Totals {
  std::uint64_t count = 0;
  std::uint64_t denied = 0;
  std::map<std::string, std::uint64_t> phases;
  std::map<std::string, std::uint64_t> errnos;
};

}  // namespace

// Found by the templates of json_cursor.h through the types of this namespace,
// hence outside of the unnamed one.
static Result<> read(Cursor& in, Gap& out) {
  return in.members(field("kind", out.kind), field("detail", out.detail));
}

static Result<> read(Cursor& in, Verdict& out) {
  TRY(in.members(field("state",
                       [&] {
                         return read_word(
                             in,
                             [](std::string_view word) -> std::optional<State> {
                               for (const State state :
                                    {State::Complete, State::Incomplete,
                                     State::Filtered}) {
                                 if (to_string(state) == word) {
                                   return state;
                                 }
                               }
                               return std::nullopt;
                             },
                             out.state);
                       }),
                 field("gaps", out.gaps)));
  return judge(out.gaps) == out ? Result<>()
                                : in.fail("the gaps do not give this verdict");
}

static Result<> read(Cursor& in, Phase& out) {
  return in.members(field("name", out.name),
                    field("start", [&] { return read_time(in, out.start); }));
}

static Result<> read(Cursor& in, Workload& out) {
  return in.members(field("id", out.id), field("container", out.container),
                    field("owner", out.owner));
}

static Result<> read(Cursor& in, Recording& out) {
  TRY(in.members(
      field("id", [&] { return read_id(in, out.id); }),
      field("folded",
            [&] {
              return in.array([&](std::size_t) {
                return read_id(in, out.folded.emplace_back());
              });
            }),
      field("recorder", out.recorder),
      field("recorder_version", out.recorder_version),
      field("start", [&] { return read_time(in, out.start); }),
      field("end", [&] { return read_time(in, out.end); }),
      field("kernel", out.kernel), field("arch", out.arch),
      field("scope", out.scope), field("runtime", out.runtime),
      field("runtime_version", out.runtime_version), field("image", out.image),
      field("host", out.host), field("command", out.command),
      field("no_new_privs", out.no_new_privs), field("phases", out.phases),
      field("probes", out.probes), field("counters", out.counters),
      field("verdict", out.verdict)));
  if (out.end < out.start) {
    return in.fail("ends before it starts");
  }
  const auto& folded = out.folded;
  if (folded.size() == 1 ||
      std::adjacent_find(folded.begin(), folded.end(),
                         std::greater_equal<>()) != folded.end()) {
    return in.fail("folded: not sorted, double or only one");
  }
  return {};
}

static Result<> read(Cursor& in, Share& out) {
  TRY(in.members(field("count", out.count), field("phases", out.phases),
                 field("errnos", out.errnos), field("denied", out.denied),
                 field("denied_errnos", out.denied_errnos),
                 field("first", [&] { return read_time(in, out.first); }),
                 field("last", [&] { return read_time(in, out.last); })));
  if (out.count == 0 && out.denied == 0) {
    return in.fail("neither count nor denied");
  }
  if (out.last < out.first) {
    return in.fail("last is before first");
  }
  TRY(expect_phases(in, out));
  TRY(expect_errnos(in, "errnos", out.errnos, out.count));
  return expect_errnos(in, "denied_errnos", out.denied_errnos, out.denied);
}

namespace {

Result<> read_by(Cursor& in, By& out) {
  return in.object([&](std::string_view key) -> Result<> {
    if (!is_id(key)) {
      return in.fail("not a recording id");
    }
    const auto [slot, fresh] = out.try_emplace(RecordingId(key));
    return fresh ? read(in, slot->second) : in.fail("appears twice");
  });
}

// The members that every kind of fact has, after its own ones.
template <class Fact, class... T>
Result<> read_fact(Cursor& in, Fact& out, const char* count, const char* denied,
                   json::Field<T>... own) {
  Totals totals;
  TRY(in.members(own..., field(count, totals.count),
                 field("phases", totals.phases), field("errnos", totals.errnos),
                 field(denied, totals.denied),
                 field("by", [&] { return read_by(in, out.by); })));
  const auto agrees = [&](const Share& sum) {
    return sum.count == totals.count && sum.denied == totals.denied &&
           sum.phases == totals.phases && sum.errnos == totals.errnos;
  };
  if (out.by.empty()) {
    return in.fail("by: names no recording");
  }
  return agrees(out.by.size() == 1 ? out.by.begin()->second : total(out.by))
             ? Result<>()
             : in.fail("the totals are not the sum of the shares");
}

template <class Fact, class... T>
Result<> read_fact(Cursor& in, Fact& out, json::Field<T>... own) {
  return read_fact(in, out, "count", "denied", own...);
}

Result<> read_hex(Cursor& in, std::uint64_t& out) {
  TRY_ASSIGN(const std::string text, in.text());
  const char* end = text.data() + text.size();
  const bool prefixed = text.starts_with("0x") && text.size() > 2;
  const auto [stop, error] = std::from_chars(text.data() + (prefixed ? 2 : 0),
                                             end, out, prefixed ? 16 : 10);
  if (!prefixed || stop != end || error != std::errc() ||
      fmt::format("0x{:x}", out) != text) {
    return in.fail("not a number like 0x1f, in lower case");
  }
  return {};
}

Result<> read_tuple(Cursor& in, std::vector<std::uint64_t>& out) {
  TRY(in.array([&](std::size_t index) -> Result<> {
    return index < 6 ? read_hex(in, out.emplace_back())
                     : in.fail("a call has at most six arguments");
  }));
  return out.empty() ? in.fail("no argument") : Result<>();
}

Result<> read_arguments(Cursor& in, std::optional<Arguments>& out) {
  out.emplace();
  if (in.at_text()) {
    TRY_ASSIGN(const std::string word, in.text());
    out->unbounded = true;
    return word == "unbounded" ? Result<>() : in.fail("not \"unbounded\"");
  }
  return in.array([&](std::size_t index) -> Result<> {
    if (index >= kMaxTuples) {
      return in.fail("more than {} tuples", kMaxTuples);
    }
    std::vector<std::uint64_t> tuple;
    TRY(read_tuple(in, tuple));
    const auto [slot, fresh] = out->tuples.insert(std::move(tuple));
    return fresh && std::next(slot) == out->tuples.end()
               ? Result<>()
               : in.fail("the tuples are not sorted");
  });
}

// Tuples have the arguments that the table names and no bits that the kernel
// does not read. A table of another version may name other calls.
Result<> expect_shape(Cursor& in, const kernel::ArgSpec& spec,
                      const std::optional<Arguments>& arguments) {
  if (!arguments) {
    return {};
  }
  for (const std::vector<std::uint64_t>& tuple : arguments->tuples) {
    if (tuple.size() != spec.arguments.size()) {
      return in.fail("{} values in a tuple where {} arguments are recorded",
                     tuple.size(), spec.arguments.size());
    }
    for (std::size_t i = 0; i < tuple.size(); ++i) {
      if ((tuple[i] & ~spec.arguments[i].mask) != 0) {
        return in.fail("an argument is wider than what the kernel reads");
      }
    }
  }
  return {};
}

struct NamedSyscall {
  kernel::Syscall syscall;
  std::string name;
};

auto arch_field(Cursor& in, kernel::Arch& out) {
  return field("arch", [&] { return read_word(in, kernel::arch_from, out); });
}

// The name is for readers; where both the file and our table have one, they
// must agree. Other versions know other names.
Result<> expect_name(Cursor& in, const NamedSyscall& named) {
  const auto ours = kernel::syscall_name(named.syscall);
  if (ours && *ours != named.name && !named.name.starts_with("syscall_")) {
    return in.fail("{} number {} is {}", to_string(named.syscall.arch),
                   named.syscall.nr, *ours);
  }
  return {};
}

Result<> read_during(Cursor& in, std::optional<kernel::Syscall>& out) {
  if (in.null()) {
    return {};
  }
  NamedSyscall named;
  TRY(in.members(arch_field(in, named.syscall.arch),
                 field("nr", named.syscall.nr), field("name", named.name)));
  TRY(expect_name(in, named));
  out = named.syscall;
  return {};
}

std::optional<Audited> audited_from(std::string_view word) {
  if (word == "yes") {
    return Audited::Yes;
  }
  if (word == "no") {
    return Audited::No;
  }
  return word == "unknown" ? std::optional(Audited::Unknown) : std::nullopt;
}

}  // namespace

static Result<> read(Cursor& in, SyscallFact& out) {
  NamedSyscall named;
  TRY(read_fact(
      in, out, arch_field(in, named.syscall.arch),
      field("nr", named.syscall.nr), field("name", named.name),
      optional_field("args", [&] { return read_arguments(in, out.args); }),
      optional_field("denied_args",
                     [&] { return read_arguments(in, out.denied_args); })));
  out.syscall = named.syscall;
  TRY(expect_name(in, named));
  if (const kernel::ArgSpec* spec = kernel::arg_spec(out.syscall)) {
    TRY(expect_shape(in, *spec, out.args));
    TRY(expect_shape(in, *spec, out.denied_args));
  }
  return {};
}

static Result<> read(Cursor& in, FileFact& out) {
  return read_fact(in, out, field("path", out.path),
                   field("access", out.access),
                   field("owner", [&]() -> Result<> {
                     if (in.null()) {
                       return {};
                     }
                     return read(in, out.owner.emplace());
                   }));
}

static Result<> read(Cursor& in, CapabilityFact& out) {
  std::string name;
  TRY(read_fact(in, out, "granted", "refused", field("number", out.number),
                field("name", name),
                field("during", [&] { return read_during(in, out.during); }),
                field("functions", out.functions),
                field("audited",
                      [&] { return read_word(in, audited_from, out.audited); }),
                field("overridden", out.overridden),
                field("user_namespace", out.user_namespace)));
  if (out.number > kMaxCapability) {
    return in.fail("number: no such capability");
  }
  if (kernel::capability_name(out.number) &&
      name != capability_label(out.number)) {
    return in.fail("capability {} is {}", out.number,
                   capability_label(out.number));
  }
  if (out.functions.size() > kMaxFunctions) {
    return in.fail("functions: more than {}", kMaxFunctions);
  }
  return {};
}

static Result<> read(Cursor& in, NetworkFact& out) {
  return read_fact(in, out, field("operation", out.operation),
                   field("family", out.family), field("type", out.type),
                   field("protocol", out.protocol),
                   field("address", out.address), field("port", out.port));
}

static Result<> read(Cursor& in, ExecFact& out) {
  return read_fact(in, out, field("path", out.path));
}

static Result<> read(Cursor& in, SignalFact& out) {
  return read_fact(in, out, field("signal", out.signal));
}

namespace {

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
      facts_field(in, "signals", out.signals, facts));
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

std::string capability_label(std::uint32_t number) {
  const auto name = kernel::capability_name(number);
  return name ? std::string(*name) : fmt::format("capability_{}", number);
}

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
