#include "policy/json.h"

#include <algorithm>
#include <charconv>

#include "kernel/capabilities.h"
#include "kernel/errnos.h"
#include "policy/json_parts.h"
#include "policy/stage.h"

namespace vambrace::policy {
namespace {

using json::Reader;
using json::Value;

std::string hex(std::uint64_t value) {
  return fmt::format("{:#x}", value);
}

Value call_json(kernel::Syscall syscall) {
  Value out = {{"arch", std::string(kernel::to_string(syscall.arch))},
               {"nr", syscall.nr}};
  if (const auto name = kernel::syscall_name(syscall)) {
    out["name"] = std::string(*name);
  }
  return out;
}

std::string capability_label(std::uint32_t number) {
  const auto name = kernel::capability_name(number);
  return name ? std::string(*name) : fmt::format("CAP_{}", number);
}

// Reading. Each function reports the place of a fault.

Result<std::uint64_t> unhex(const Reader& reader, const char* key,
                            const std::string& text) {
  std::uint64_t value = 0;
  const char* begin = text.data() + 2;
  const char* end = text.data() + text.size();
  const bool prefix = text.size() > 2 && text.starts_with("0x");
  if (!prefix || std::from_chars(begin, end, value, 16).ptr != end ||
      hex(value) != text) {
    return fail(ErrorCode::InvalidInput, "{}: not a number such as 0x1f",
                reader.place_of(key));
  }
  return value;
}

Result<kernel::Syscall> read_call(Reader& reader) {
  TRY_ASSIGN(const std::string arch_name, reader.text("arch"));
  const auto arch = kernel::arch_from(arch_name);
  if (!arch) {
    TRY(bad(reader.place_of("arch"), "unknown architecture"));
  }
  TRY_ASSIGN(const std::uint64_t nr, reader.number("nr"));
  if (nr > 0xffffffff) {
    TRY(bad(reader.place_of("nr"), "not a 32-bit number"));
  }
  const kernel::Syscall syscall{*arch, static_cast<std::uint32_t>(nr)};
  TRY_ASSIGN(const std::string name, reader.text_or("name", ""));
  if (name != kernel::syscall_name(syscall).value_or("")) {
    TRY(bad(reader.place_of("name"), "does not belong to the number"));
  }
  return syscall;
}

Result<ArgMatch> read_match(const Value& value, const std::string& place) {
  TRY_ASSIGN(Reader reader, Reader::of(value, place));
  TRY_ASSIGN(const std::uint64_t index, reader.number("index"));
  TRY_ASSIGN(const std::string mask_text, reader.text("mask"));
  TRY_ASSIGN(const std::uint64_t mask, unhex(reader, "mask", mask_text));
  TRY_ASSIGN(const std::string value_text, reader.text("value"));
  TRY_ASSIGN(const std::uint64_t wanted, unhex(reader, "value", value_text));
  TRY(reader.finish());
  if (index > 5 || (wanted & ~mask) != 0) {
    TRY(bad(place, "an index above 5 or a value outside the mask"));
  }
  return ArgMatch{static_cast<std::uint8_t>(index), mask, wanted};
}

Result<ArgTuple> read_tuple(const Value& value, const std::string& place) {
  if (!value.is_array() || value.empty()) {
    TRY(bad(place, "not an array of matches"));
  }
  ArgTuple tuple;
  for (const Value& item : value) {
    TRY_ASSIGN(const ArgMatch match,
               read_match(item, fmt::format("{}[{}]", place, tuple.size())));
    if (!tuple.empty() && tuple.back().index >= match.index) {
      TRY(bad(place, "indices are not ascending"));
    }
    tuple.push_back(match);
  }
  return tuple;
}

Result<SyscallRule> read_rule(const Value& value, const std::string& place) {
  TRY_ASSIGN(Reader reader, Reader::of(value, place));
  SyscallRule rule;
  TRY_ASSIGN(rule.syscall, read_call(reader));
  if (reader.has("args")) {
    TRY_ASSIGN(const std::vector<ArgTuple> tuples,
               read_list<ArgTuple>(reader, "args", read_tuple));
    if (tuples.empty()) {
      TRY(bad(reader.place_of("args"), "empty; leave it out"));
    }
    rule.args.insert(tuples.begin(), tuples.end());
  }
  TRY_ASSIGN(rule.reasons, read_reasons(reader));
  TRY(reader.finish());
  return rule;
}

Result<ExpectedDenial> read_expected(const Value& value,
                                     const std::string& place) {
  TRY_ASSIGN(Reader reader, Reader::of(value, place));
  ExpectedDenial denial;
  TRY_ASSIGN(denial.syscall, read_call(reader));
  TRY_ASSIGN(const std::string name, reader.text("errno"));
  const auto number = kernel::errno_number(name);
  if (!number || *number == 0 || *number > 4095) {
    TRY(bad(reader.place_of("errno"), "unknown errno"));
  }
  denial.error = *number;
  TRY_ASSIGN(denial.reasons, read_reasons(reader));
  TRY(reader.finish());
  return denial;
}

Result<std::uint32_t> read_capability_name(Reader& reader) {
  TRY_ASSIGN(const std::string name, reader.text("name"));
  const auto number = kernel::capability_number(name);
  if (!number) {
    TRY(bad(reader.place_of("name"), "unknown capability"));
  }
  return *number;
}

Result<CapabilityRule> read_capability(const Value& value,
                                       const std::string& place) {
  TRY_ASSIGN(Reader reader, Reader::of(value, place));
  CapabilityRule rule;
  TRY_ASSIGN(rule.number, read_capability_name(reader));
  TRY_ASSIGN(rule.uses, read_names(reader, "uses"));
  TRY_ASSIGN(rule.reasons, read_reasons(reader));
  TRY(reader.finish());
  return rule;
}

Result<CapabilityNoise> read_noise(const Value& value,
                                   const std::string& place) {
  TRY_ASSIGN(Reader reader, Reader::of(value, place));
  CapabilityNoise noise;
  TRY_ASSIGN(noise.number, read_capability_name(reader));
  TRY_ASSIGN(noise.why, reader.text("why"));
  TRY(reader.finish());
  return noise;
}

Result<std::uint32_t> read_number32(Reader& reader, const char* key) {
  TRY_ASSIGN(const std::uint64_t number, reader.number(key));
  if (number > 0xffffffff) {
    TRY(bad(reader.place_of(key), "not a 32-bit number"));
  }
  return static_cast<std::uint32_t>(number);
}

Result<UserNeed> read_user(const Value& value, const std::string& place) {
  TRY_ASSIGN(Reader reader, Reader::of(value, place));
  UserNeed need;
  TRY_ASSIGN(need.uid, read_number32(reader, "uid"));
  TRY_ASSIGN(need.gid, read_number32(reader, "gid"));
  TRY_ASSIGN(need.reasons, read_reasons(reader));
  TRY(reader.finish());
  return need;
}

Result<FolderOwner> read_owner(const Value& value, const std::string& place) {
  TRY_ASSIGN(Reader reader, Reader::of(value, place));
  FolderOwner owner;
  TRY_ASSIGN(owner.uid, read_number32(reader, "uid"));
  TRY_ASSIGN(owner.gid, read_number32(reader, "gid"));
  TRY_ASSIGN(owner.mode, read_number32(reader, "mode"));
  TRY(reader.finish());
  if (owner.mode > 07777) {
    TRY(bad(reader.place_of("mode"), "more than 4095"));
  }
  return owner;
}

Result<WritableNeed> read_writable(const Value& value,
                                   const std::string& place) {
  TRY_ASSIGN(Reader reader, Reader::of(value, place));
  WritableNeed need;
  TRY_ASSIGN(need.folder, read_quoted(reader, "folder"));
  TRY_ASSIGN(need.brought, reader.boolean("brought"));
  TRY_ASSIGN(need.may_hide, reader.boolean_or("may_hide", false));
  TRY_ASSIGN(need.folded, reader.boolean_or("folded", false));
  TRY_ASSIGN(need.executed, reader.boolean("executed"));
  if (const Value* owner = reader.optional("owner")) {
    TRY_ASSIGN(need.owner, read_owner(*owner, reader.place_of("owner")));
  }
  TRY_ASSIGN(need.reasons, read_reasons(reader));
  TRY(reader.finish());
  if (!need.folder.starts_with('/') || need.folder.contains('\0')) {
    TRY(bad(reader.place_of("folder"), "no absolute path"));
  }
  return need;
}

Result<RaisedNeed> read_raised(const Value& value, const std::string& place) {
  TRY_ASSIGN(Reader reader, Reader::of(value, place));
  RaisedNeed need;
  TRY_ASSIGN(need.exe, read_quoted(reader, "exe"));
  TRY_ASSIGN(need.reasons, read_reasons(reader));
  TRY(reader.finish());
  return need;
}

Result<Apart> read_apart(const Value& value, const std::string& place) {
  TRY_ASSIGN(Reader reader, Reader::of(value, place));
  Apart apart;
  TRY_ASSIGN(apart.folders, read_names(reader, "folders"));
  TRY_ASSIGN(apart.certain, reader.boolean("certain"));
  TRY(reader.finish());
  if (apart.folders.empty()) {
    TRY(bad(place, "no folder"));
  }
  if (!std::ranges::all_of(apart.folders, [](const std::string& folder) {
        return folder.starts_with('/') && !folder.contains('\0');
      })) {
    TRY(bad(place, "no absolute path"));
  }
  return apart;
}

Result<Needs> read_needs(Reader& parent) {
  TRY_ASSIGN(const Value* object, parent.object("needs"));
  TRY_ASSIGN(Reader reader, Reader::of(*object, "needs"));
  Needs needs;
  TRY_ASSIGN(needs.files_known, reader.boolean("files_known"));
  TRY_ASSIGN(needs.on_host, reader.boolean("on_host"));
  TRY_ASSIGN(needs.users, read_list<UserNeed>(reader, "users", read_user));
  TRY_ASSIGN(needs.writable,
             read_list<WritableNeed>(reader, "writable", read_writable));
  TRY_ASSIGN(needs.raised,
             read_list<RaisedNeed>(reader, "raised", read_raised));
  TRY_ASSIGN(needs.mounted, read_names(reader, "mounted"));
  TRY_ASSIGN(needs.unseen, read_names(reader, "unseen"));
  if (reader.has("untold")) {
    TRY_ASSIGN(needs.untold, read_names(reader, "untold"));
    if (needs.untold.empty()) {
      TRY(bad("untold", "empty; leave it out"));
    }
  }
  if (reader.has("apart")) {
    TRY_ASSIGN(const auto apart, read_list<Apart>(reader, "apart", read_apart));
    needs.apart.insert(apart.begin(), apart.end());
    if (needs.apart.empty()) {
      TRY(bad("apart", "empty; leave it out"));
    }
  }
  TRY(reader.finish());
  return needs;
}

Result<Finding> read_finding(const Value& value, const std::string& place) {
  TRY_ASSIGN(Reader reader, Reader::of(value, place));
  Finding finding;
  TRY_ASSIGN(finding.id, reader.text("id"));
  TRY_ASSIGN(finding.severity, reader.text("severity"));
  TRY_ASSIGN(finding.place, reader.text("place"));
  TRY_ASSIGN(finding.message, reader.text("message"));
  TRY_ASSIGN(finding.hint, reader.text_or("hint", ""));
  TRY(reader.finish());
  return finding;
}

Result<> read_head(Reader& reader, Policy& policy) {
  TRY_ASSIGN(const std::string schema, reader.text("schema"));
  if (schema != kSchema) {
    return std::unexpected(
        Error(ErrorCode::InvalidInput,
              fmt::format("schema: \"{}\" is not {}", json::quote_bytes(schema),
                          kSchema))
            .with_hint("this version reads only that schema"));
  }
  TRY_ASSIGN(const Value* workload, reader.object("workload"));
  TRY_ASSIGN(Reader who, Reader::of(*workload, "workload"));
  TRY_ASSIGN(policy.workload.id, read_quoted(who, "id"));
  TRY_ASSIGN(policy.workload.container, read_quoted(who, "container"));
  TRY_ASSIGN(policy.workload.owner, read_quoted(who, "owner"));
  TRY(who.finish());
  TRY_ASSIGN(const Value* seen, reader.object("evidence"));
  TRY_ASSIGN(Reader evidence, Reader::of(*seen, "evidence"));
  TRY_ASSIGN(const std::string state, evidence.text("state"));
  using evidence::State;
  const State states[] = {State::Complete, State::Incomplete, State::Filtered};
  const auto* known = std::ranges::find_if(states, [&](State candidate) {
    return evidence::to_string(candidate) == state;
  });
  if (known == std::end(states)) {
    TRY(bad("evidence.state", "unknown state"));
  }
  policy.evidence_state = *known;
  TRY_ASSIGN(policy.gaps, read_names(evidence, "gaps"));
  return evidence.finish();
}

Result<> read_arches(Reader& reader, Policy& policy) {
  TRY_ASSIGN(const std::vector<std::string> names, reader.texts("arches"));
  for (const std::string& name : names) {
    const auto arch = kernel::arch_from(name);
    if (!arch || !policy.arches.insert(*arch).second) {
      return bad("arches", "an unknown or double architecture");
    }
  }
  return {};
}

}  // namespace

Value to_json(const Reason& reason) {
  Value out = {{"cause", std::string(to_string(reason.cause))}};
  if (!reason.exe.empty()) {
    out["exe"] = json::quote_bytes(reason.exe);
  }
  if (!reason.script.empty()) {
    out["script"] = json::quote_bytes(reason.script);
  }
  if (reason.origin) {
    out["origin"] = std::string(evidence::to_string(*reason.origin));
  }
  if (!reason.phases.empty()) {
    out["phases"] = quoted(reason.phases);
  }
  if (!reason.note.empty()) {
    out["note"] = json::quote_bytes(reason.note);
  }
  return out;
}

Value to_json(const Finding& finding) {
  return {{"id", finding.id},
          {"severity", finding.severity},
          {"place", finding.place},
          {"message", finding.message},
          {"hint", finding.hint}};
}

Value to_json(const WritableNeed& need) {
  Value out = {{"folder", json::quote_bytes(need.folder)},
               {"brought", need.brought},
               {"executed", need.executed},
               {"reasons", reasons_json(need.reasons)}};
  if (need.may_hide) {
    out["may_hide"] = true;
  }
  if (need.folded) {
    out["folded"] = true;
  }
  if (need.owner) {
    out["owner"] = {{"uid", need.owner->uid},
                    {"gid", need.owner->gid},
                    {"mode", need.owner->mode}};
  }
  return out;
}

Value to_json(const Needs& needs) {
  Value out = {{"files_known", needs.files_known}, {"on_host", needs.on_host}};
  for (const char* key : {"users", "writable", "raised"}) {
    out[key] = Value::array();
  }
  out["mounted"] = quoted(needs.mounted);
  out["unseen"] = quoted(needs.unseen);
  if (!needs.untold.empty()) {
    out["untold"] = quoted(needs.untold);
  }
  for (const Apart& apart : needs.apart) {
    out["apart"].push_back(
        {{"folders", quoted(apart.folders)}, {"certain", apart.certain}});
  }
  for (const UserNeed& need : needs.users) {
    out["users"].push_back({{"uid", need.uid},
                            {"gid", need.gid},
                            {"reasons", reasons_json(need.reasons)}});
  }
  for (const WritableNeed& need : needs.writable) {
    out["writable"].push_back(to_json(need));
  }
  for (const RaisedNeed& need : needs.raised) {
    out["raised"].push_back({{"exe", json::quote_bytes(need.exe)},
                             {"reasons", reasons_json(need.reasons)}});
  }
  return out;
}

Value to_json(const std::set<ArgTuple>& args) {
  Value list = Value::array();
  for (const ArgTuple& tuple : args) {
    Value matches = Value::array();
    for (const ArgMatch& match : tuple) {
      matches.push_back({{"index", match.index},
                         {"mask", hex(match.mask)},
                         {"value", hex(match.value)}});
    }
    list.push_back(std::move(matches));
  }
  return list;
}

std::string print(const Policy& policy) {
  Value out = {
      {"schema", std::string(kSchema)},
      {"workload",
       {{"id", json::quote_bytes(policy.workload.id)},
        {"container", json::quote_bytes(policy.workload.container)},
        {"owner", json::quote_bytes(policy.workload.owner)}}},
      {"evidence",
       {{"state", std::string(evidence::to_string(policy.evidence_state))},
        {"gaps", quoted(policy.gaps)}}},
  };
  for (const char* key :
       {"arches", "syscalls", "expected", "capabilities", "noise", "sockets",
        "signals", "mounts", "traces", "findings"}) {
    out[key] = Value::array();
  }
  for (const kernel::Arch arch : policy.arches) {
    out["arches"].push_back(std::string(kernel::to_string(arch)));
  }
  for (const SyscallRule& rule : policy.syscalls) {
    Value item = call_json(rule.syscall);
    if (!rule.args.empty()) {
      item["args"] = to_json(rule.args);
    }
    item["reasons"] = reasons_json(rule.reasons);
    out["syscalls"].push_back(std::move(item));
  }
  for (const ExpectedDenial& denial : policy.expected) {
    Value item = call_json(denial.syscall);
    item["errno"] = kernel::errno_name(denial.error);
    item["reasons"] = reasons_json(denial.reasons);
    out["expected"].push_back(std::move(item));
  }
  for (const CapabilityRule& rule : policy.capabilities) {
    out["capabilities"].push_back({{"name", capability_label(rule.number)},
                                   {"uses", quoted(rule.uses)},
                                   {"reasons", reasons_json(rule.reasons)}});
  }
  for (const CapabilityNoise& noise : policy.noise) {
    out["noise"].push_back(
        {{"name", capability_label(noise.number)}, {"why", noise.why}});
  }
  out["needs"] = to_json(policy.needs);
  out["files"] = policy.files_known ? Value::array() : Value();
  for (const FileRule& rule : policy.files) {
    out["files"].push_back(to_json(rule));
  }
  for (const FileDenial& denial : policy.denied) {
    out["denied"].push_back(to_json(denial));
  }
  for (const SocketRule& rule : policy.sockets) {
    out["sockets"].push_back(to_json(rule));
  }
  for (const SignalRule& rule : policy.signals) {
    out["signals"].push_back(to_json(rule));
  }
  for (const MountRule& rule : policy.mounts) {
    out["mounts"].push_back(to_json(rule));
  }
  out["traces_known"] = policy.traces_known;
  for (const TraceRule& rule : policy.traces) {
    out["traces"].push_back(to_json(rule));
  }
  for (const Abstraction& abstraction : policy.abstractions) {
    out["abstractions"].push_back(to_json(abstraction));
  }
  for (const Finding& finding : policy.findings) {
    out["findings"].push_back(to_json(finding));
  }
  return json::print(out);
}

Result<Policy> parse(std::string_view text) {
  constexpr json::Limits kLimits{.bytes = 16U << 20, .depth = 16};
  TRY_ASSIGN(const Value document, json::parse(text, kLimits));
  TRY_ASSIGN(Reader reader, Reader::of(document, ""));
  Policy policy;
  TRY(read_head(reader, policy));
  TRY(read_arches(reader, policy));
  TRY_ASSIGN(policy.syscalls,
             read_list<SyscallRule>(reader, "syscalls", read_rule));
  TRY_ASSIGN(policy.expected,
             read_list<ExpectedDenial>(reader, "expected", read_expected));
  TRY_ASSIGN(policy.capabilities, read_list<CapabilityRule>(
                                      reader, "capabilities", read_capability));
  TRY_ASSIGN(policy.noise,
             read_list<CapabilityNoise>(reader, "noise", read_noise));
  TRY_ASSIGN(policy.needs, read_needs(reader));
  if (!reader.has("files")) {
    return fail(ErrorCode::InvalidInput, "files: missing");
  }
  policy.files_known = reader.optional("files") != nullptr;
  if (policy.files_known) {
    TRY_ASSIGN(policy.files,
               read_list<FileRule>(reader, "files", read_file_rule));
  }
  if (reader.has("denied")) {
    TRY_ASSIGN(policy.denied,
               read_list<FileDenial>(reader, "denied", read_file_denial));
    if (policy.denied.empty()) {
      TRY(bad("denied", "empty; leave it out"));
    }
  }
  TRY_ASSIGN(policy.sockets,
             read_list<SocketRule>(reader, "sockets", read_socket_rule));
  TRY_ASSIGN(policy.signals,
             read_list<SignalRule>(reader, "signals", read_signal_rule));
  // Policies of versions that did not know them have none of the three.
  if (reader.has("mounts")) {
    TRY_ASSIGN(policy.mounts,
               read_list<MountRule>(reader, "mounts", read_mount_rule));
  }
  TRY_ASSIGN(policy.traces_known, reader.boolean_or("traces_known", false));
  if (reader.has("traces")) {
    TRY_ASSIGN(policy.traces,
               read_list<TraceRule>(reader, "traces", read_trace_rule));
  }
  if (reader.has("abstractions")) {
    TRY_ASSIGN(
        policy.abstractions,
        read_list<Abstraction>(reader, "abstractions", read_abstraction));
    if (policy.abstractions.empty()) {
      TRY(bad("abstractions", "empty; leave it out"));
    }
  }
  TRY_ASSIGN(policy.findings,
             read_list<Finding>(reader, "findings", read_finding));
  TRY(reader.finish());
  return policy;
}

}  // namespace vambrace::policy
