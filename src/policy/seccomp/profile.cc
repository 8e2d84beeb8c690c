#include "policy/seccomp/profile.h"

#include <algorithm>

#include "base/json.h"
#include "kernel/errnos.h"

namespace vambrace::policy::seccomp {
namespace {

using json::Reader;
using json::Value;

constexpr std::uint32_t kMaxErrno = 4095;  // include/linux/err.h
constexpr std::uint32_t kDataMask = 0xffff;

struct ActionRow {
  Action action;
  std::string_view name;
  std::uint32_t value;
};
constexpr ActionRow kActions[] = {
    {Action::KillProcess, "SCMP_ACT_KILL_PROCESS", 0x80000000},
    {Action::KillThread, "SCMP_ACT_KILL_THREAD", 0x00000000},
    {Action::Trap, "SCMP_ACT_TRAP", 0x00030000},
    {Action::Errno, "SCMP_ACT_ERRNO", 0x00050000},
    {Action::Notify, "SCMP_ACT_NOTIFY", 0x7fc00000},
    {Action::Trace, "SCMP_ACT_TRACE", 0x7ff00000},
    {Action::Log, "SCMP_ACT_LOG", 0x7ffc0000},
    {Action::Allow, "SCMP_ACT_ALLOW", 0x7fff0000},
};

constexpr std::pair<Compare, std::string_view> kCompares[] = {
    {Compare::Ne, "SCMP_CMP_NE"},
    {Compare::Lt, "SCMP_CMP_LT"},
    {Compare::Le, "SCMP_CMP_LE"},
    {Compare::Eq, "SCMP_CMP_EQ"},
    {Compare::Ge, "SCMP_CMP_GE"},
    {Compare::Gt, "SCMP_CMP_GT"},
    {Compare::MaskedEq, "SCMP_CMP_MASKED_EQ"},
};

// The architectures of libseccomp 2.6.0, without the prefix SCMP_ARCH_.
constexpr std::string_view kArchitectures[] = {
    "X86",     "X86_64",      "X32",    "ARM",      "AARCH64",     "MIPS",
    "MIPS64",  "MIPS64N32",   "MIPSEL", "MIPSEL64", "MIPSEL64N32", "PPC",
    "PPC64",   "PPC64LE",     "S390",   "S390X",    "PARISC",      "PARISC64",
    "RISCV64", "LOONGARCH64", "M68K",   "SH",       "SHEB",        "NATIVE"};

const ActionRow& row(Action action) {
  const auto* it = std::ranges::find(kActions, action, &ActionRow::action);
  CHECK(it != std::end(kActions));
  return *it;
}

std::string shown(std::string_view text) {
  return json::quote_bytes(text.substr(0, 80));
}

Result<Action> read_action(Reader& in, const char* key) {
  TRY_ASSIGN(const std::string name, in.text(key));
  const std::optional<Action> action = action_from(name);
  if (!action) {
    return fail(ErrorCode::InvalidInput, "{}: unknown action \"{}\"",
                in.place_of(key), shown(name));
  }
  return *action;
}

Result<> check_architecture(std::string_view name, const std::string& place) {
  constexpr std::string_view kPrefix = "SCMP_ARCH_";
  if (name.starts_with(kPrefix) &&
      std::ranges::find(kArchitectures, name.substr(kPrefix.size())) !=
          std::end(kArchitectures)) {
    return {};
  }
  return fail(ErrorCode::InvalidInput, "{}: unknown architecture \"{}\"", place,
              shown(name));
}

Result<std::vector<std::string>> read_texts(Reader& in, const char* key) {
  if (in.optional(key) == nullptr) {
    return std::vector<std::string>{};
  }
  return in.texts(key);
}

Result<std::vector<std::string>> read_architectures(Reader& in,
                                                    const char* key) {
  TRY_ASSIGN(std::vector<std::string> names, read_texts(in, key));
  for (std::size_t i = 0; i < names.size(); ++i) {
    TRY(check_architecture(names[i],
                           fmt::format("{}[{}]", in.place_of(key), i)));
  }
  return names;
}

// A number under `number_key`, a name or number in a string under `name_key`
// (Podman), or neither. Both must agree.
Result<std::optional<std::uint32_t>> read_errno(Reader& in,
                                                const char* number_key,
                                                const char* name_key) {
  std::optional<std::uint32_t> number;
  if (in.optional(number_key) != nullptr) {
    TRY_ASSIGN(const std::uint64_t value, in.number(number_key));
    if (value > kMaxErrno) {
      return fail(ErrorCode::InvalidInput,
                  "{}: {} is above 4095, the highest "
                  "errno of the kernel",
                  in.place_of(number_key), value);
    }
    number = static_cast<std::uint32_t>(value);
  }
  TRY_ASSIGN(const std::string name, in.text_or(name_key, ""));
  if (name.empty()) {
    return number;
  }
  const std::optional<std::uint32_t> named = kernel::errno_number(name);
  if (!named || *named > kMaxErrno) {
    return fail(ErrorCode::InvalidInput, "{}: unknown errno \"{}\"",
                in.place_of(name_key), shown(name));
  }
  if (number && *number != *named) {
    return fail(ErrorCode::InvalidInput, "{}: {} contradicts {} {}",
                in.place_of(name_key), name, number_key, *number);
  }
  return named;
}

// "4.8": two numbers and no more, as moby reads it.
Result<std::string> read_min_kernel(Reader& in) {
  TRY_ASSIGN(std::string text, in.text_or("minKernel", ""));
  const std::size_t dot = text.find('.');
  const auto number = [](std::string_view part) {
    return !part.empty() && part.size() <= 3 &&
           std::ranges::all_of(part,
                               [](char c) { return c >= '0' && c <= '9'; });
  };
  if (!text.empty() && (dot == std::string::npos ||
                        !number(std::string_view(text).substr(0, dot)) ||
                        !number(std::string_view(text).substr(dot + 1)))) {
    return fail(ErrorCode::InvalidInput, "{}: \"{}\" is not of the form 4.8",
                in.place_of("minKernel"), shown(text));
  }
  return text;
}

Result<Filter> read_filter(Reader& entry, const char* key) {
  Filter filter;
  const Value* value = entry.optional(key);
  if (value == nullptr) {
    return filter;
  }
  TRY_ASSIGN(Reader in, Reader::of(*value, entry.place_of(key)));
  TRY_ASSIGN(filter.caps, read_texts(in, "caps"));
  TRY_ASSIGN(filter.arches, read_texts(in, "arches"));
  TRY_ASSIGN(filter.min_kernel, read_min_kernel(in));
  TRY(in.finish());
  return filter;
}

Result<Condition> read_condition(const Value& value, std::string place) {
  TRY_ASSIGN(Reader in, Reader::of(value, std::move(place)));
  Condition condition;
  TRY_ASSIGN(const std::uint64_t index, in.number("index"));
  if (index > 5) {
    return fail(ErrorCode::InvalidInput,
                "{}: {} is not an argument: they are 0 to 5",
                in.place_of("index"), index);
  }
  condition.index = static_cast<std::uint32_t>(index);
  TRY_ASSIGN(condition.value, in.number_or("value", 0));
  TRY_ASSIGN(condition.value_two, in.number_or("valueTwo", 0));
  TRY_ASSIGN(const std::string op, in.text("op"));
  const std::optional<Compare> compare = compare_from(op);
  if (!compare) {
    return fail(ErrorCode::InvalidInput, "{}: unknown operator \"{}\"",
                in.place_of("op"), shown(op));
  }
  condition.op = *compare;
  TRY(in.finish());
  return condition;
}

Result<std::vector<std::string>> read_names(Reader& in) {
  TRY_ASSIGN(std::vector<std::string> names, read_texts(in, "names"));
  TRY_ASSIGN(std::string name, in.text_or("name", ""));
  if (!name.empty() && !names.empty()) {
    return fail(ErrorCode::InvalidInput, "{}: both name and names", in.place());
  }
  if (!name.empty()) {
    names.push_back(std::move(name));
  }
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (names[i].empty()) {
      return fail(ErrorCode::InvalidInput, "{}[{}]: empty",
                  in.place_of("names"), i);
    }
  }
  if (names.empty()) {
    return fail(ErrorCode::InvalidInput, "{}: no names", in.place());
  }
  return names;
}

Result<Entry> read_entry(const Value& value, std::string place) {
  TRY_ASSIGN(Reader in, Reader::of(value, std::move(place)));
  Entry entry;
  TRY_ASSIGN(entry.names, read_names(in));
  entry.by_old_key = in.optional("name") != nullptr && !in.optional("names");
  TRY_ASSIGN(entry.action, read_action(in, "action"));
  TRY_ASSIGN(entry.errno_ret, read_errno(in, "errnoRet", "errno"));
  if (const Value* args = in.optional("args"); args != nullptr) {
    TRY_ASSIGN(args, in.array("args"));
    if (args->size() > kMaxConditions) {
      return fail(ErrorCode::InvalidInput, "{}: {} conditions, more than {}",
                  in.place_of("args"), args->size(), kMaxConditions);
    }
    for (std::size_t i = 0; i < args->size(); ++i) {
      TRY_ASSIGN(const Condition condition,
                 read_condition((*args)[i],
                                fmt::format("{}[{}]", in.place_of("args"), i)));
      entry.args.push_back(condition);
    }
  }
  TRY_ASSIGN(entry.comment, in.text_or("comment", ""));
  TRY_ASSIGN(entry.includes, read_filter(in, "includes"));
  TRY_ASSIGN(entry.excludes, read_filter(in, "excludes"));
  TRY(in.finish());
  return entry;
}

Result<std::vector<ArchMap>> read_arch_map(Reader& in) {
  std::vector<ArchMap> out;
  if (in.optional("archMap") == nullptr) {
    return out;
  }
  TRY_ASSIGN(const Value* rows, in.array("archMap"));
  for (std::size_t i = 0; i < rows->size(); ++i) {
    TRY_ASSIGN(Reader each,
               Reader::of((*rows)[i], fmt::format("archMap[{}]", i)));
    ArchMap map;
    TRY_ASSIGN(map.architecture, each.text("architecture"));
    TRY(check_architecture(map.architecture, each.place_of("architecture")));
    TRY_ASSIGN(map.sub_architectures,
               read_architectures(each, "subArchitectures"));
    TRY(each.finish());
    out.push_back(std::move(map));
  }
  return out;
}

Value to_json(const Filter& filter) {
  Value out = Value::object();
  if (!filter.caps.empty()) {
    out["caps"] = filter.caps;
  }
  if (!filter.arches.empty()) {
    out["arches"] = filter.arches;
  }
  if (!filter.min_kernel.empty()) {
    out["minKernel"] = filter.min_kernel;
  }
  return out;
}

Value to_json(const Condition& condition) {
  Value out = {{"index", condition.index},
               {"value", condition.value},
               {"op", to_string(condition.op)}};
  if (condition.value_two != 0 || condition.op == Compare::MaskedEq) {
    out["valueTwo"] = condition.value_two;
  }
  return out;
}

Value to_json(const Entry& entry) {
  Value out = {{"action", to_string(entry.action)}};
  if (entry.by_old_key) {
    out["name"] = entry.names.front();
  } else {
    out["names"] = entry.names;
  }
  if (entry.errno_ret) {
    out["errnoRet"] = *entry.errno_ret;
  }
  for (const Condition& condition : entry.args) {
    out["args"].push_back(to_json(condition));
  }
  if (!entry.comment.empty()) {
    out["comment"] = entry.comment;
  }
  if (entry.includes != Filter{}) {
    out["includes"] = to_json(entry.includes);
  }
  if (entry.excludes != Filter{}) {
    out["excludes"] = to_json(entry.excludes);
  }
  return out;
}

}  // namespace

std::uint32_t to_return_value(Outcome outcome) {
  return row(outcome.action).value | (outcome.error & kDataMask);
}

Outcome from_return_value(std::uint32_t value) {
  const auto* it =
      std::ranges::find(kActions, value & ~kDataMask, &ActionRow::value);
  Outcome outcome{.action = Action::KillProcess, .error = 0};
  if (it == std::end(kActions)) {
    return outcome;
  }
  outcome.action = it->action;
  if (outcome.action == Action::Errno) {
    outcome.error = std::min(value & kDataMask, kMaxErrno);
  } else if (outcome.action == Action::Trace ||
             outcome.action == Action::Trap) {
    outcome.error = value & kDataMask;
  }
  return outcome;
}

std::string to_string(Outcome outcome) {
  std::string out(to_string(outcome.action));
  if (outcome.action == Action::Errno) {
    out += fmt::format("({})", kernel::errno_name(outcome.error));
  } else if (outcome.error != 0) {
    out += fmt::format("({})", outcome.error);
  }
  return out;
}

std::string_view to_string(Action action) {
  return row(action).name;
}

std::string_view to_string(Compare op) {
  const auto* it = std::ranges::find(
      kCompares, op, &std::pair<Compare, std::string_view>::first);
  CHECK(it != std::end(kCompares));
  return it->second;
}

std::optional<Action> action_from(std::string_view name) {
  if (name == "SCMP_ACT_KILL") {
    return Action::KillThread;
  }
  const auto* it = std::ranges::find(kActions, name, &ActionRow::name);
  return it == std::end(kActions) ? std::nullopt : std::optional(it->action);
}

std::optional<Compare> compare_from(std::string_view name) {
  const auto* it = std::ranges::find(
      kCompares, name, &std::pair<Compare, std::string_view>::second);
  return it == std::end(kCompares) ? std::nullopt : std::optional(it->first);
}

Result<Profile> parse(std::string_view text) {
  TRY_ASSIGN(const Value document, json::parse(text, {.bytes = kMaxProfileBytes,
                                                      .depth = 16,
                                                      .values = 500'000,
                                                      .string_bytes = 4096}));
  TRY_ASSIGN(Reader in, Reader::of(document, ""));
  Profile profile;
  TRY_ASSIGN(profile.default_action, read_action(in, "defaultAction"));
  TRY_ASSIGN(profile.default_errno_ret,
             read_errno(in, "defaultErrnoRet", "defaultErrno"));
  TRY_ASSIGN(profile.architectures, read_architectures(in, "architectures"));
  TRY_ASSIGN(profile.arch_map, read_arch_map(in));
  if (!profile.architectures.empty() && !profile.arch_map.empty()) {
    return fail(ErrorCode::InvalidInput,
                "archMap: cannot stand beside architectures");
  }
  TRY_ASSIGN(profile.flags, read_texts(in, "flags"));
  TRY_ASSIGN(profile.listener_path, in.text_or("listenerPath", ""));
  TRY_ASSIGN(profile.listener_metadata, in.text_or("listenerMetadata", ""));
  if (in.optional("syscalls") != nullptr) {
    TRY_ASSIGN(const Value* entries, in.array("syscalls"));
    for (std::size_t i = 0; i < entries->size(); ++i) {
      TRY_ASSIGN(Entry entry,
                 read_entry((*entries)[i], fmt::format("syscalls[{}]", i)));
      profile.entries.push_back(std::move(entry));
    }
  }
  TRY(in.finish());
  return profile;
}

std::string print(const Profile& profile) {
  Value out = {{"defaultAction", to_string(profile.default_action)}};
  if (profile.default_errno_ret) {
    out["defaultErrnoRet"] = *profile.default_errno_ret;
  }
  if (!profile.architectures.empty()) {
    out["architectures"] = profile.architectures;
  }
  for (const ArchMap& map : profile.arch_map) {
    out["archMap"].push_back({{"architecture", map.architecture},
                              {"subArchitectures", map.sub_architectures}});
  }
  if (!profile.flags.empty()) {
    out["flags"] = profile.flags;
  }
  if (!profile.listener_path.empty()) {
    out["listenerPath"] = profile.listener_path;
  }
  if (!profile.listener_metadata.empty()) {
    out["listenerMetadata"] = profile.listener_metadata;
  }
  out["syscalls"] = Value::array();
  for (const Entry& entry : profile.entries) {
    out["syscalls"].push_back(to_json(entry));
  }
  return json::print(out);
}

}  // namespace vambrace::policy::seccomp
