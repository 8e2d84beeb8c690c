#include <algorithm>
#include <set>

#include "base/json.h"
#include "evidence/time.h"
#include "policy/closure.h"
#include "repository/bundle.h"
#include "repository/yaml.h"
#include "repository/yaml_list.h"

namespace vambrace::repository {
namespace {

constexpr std::string_view kSchema = "vambrace.bundle/v1";

template <class T>
Result<T> locate(const YAML::Node& node, const std::string& place,
                 Result<T> result) {
  if (result) {
    return result;
  }
  const std::string line = where(node, place);
  return during(line.substr(0, line.size() - 2), std::move(result));
}

Result<runtime::Version> read_version(YamlReader& reader, const char* key,
                                      runtime::Version fallback) {
  TRY_ASSIGN(const std::string text,
             reader.text_or(key, runtime::to_string(fallback)));
  return locate(reader.optional(key), reader.place_of(key),
                runtime::parse_version(text));
}

Result<runtime::Target> named_target(const YAML::Node& node,
                                     const std::string& name) {
  if (const auto target = runtime::target_named(name)) {
    return *target;
  }
  return std::unexpected(
      Error(ErrorCode::InvalidInput,
            fmt::format("{}unknown target \"{}\"", where(node, "target"),
                        json::quote_bytes(name)))
          .with_hint(fmt::format("targets are {}",
                                 fmt::join(runtime::target_names(), ", "))));
}

// "docker", or a mapping with a name and what differs from it.
Result<runtime::Target> read_target(YamlReader& parent) {
  const YAML::Node node = parent.optional("target");
  if (!node.IsDefined()) {
    return *runtime::target_named("docker");
  }
  if (node.IsScalar()) {
    return named_target(node, node.Scalar());
  }
  TRY_ASSIGN(YamlReader reader, YamlReader::of(node, "target"));
  TRY_ASSIGN(const std::string name, reader.text("name"));
  TRY_ASSIGN(runtime::Target target, named_target(node, name));
  TRY_ASSIGN(target.engine_version,
             read_version(reader, "engine_version", target.engine_version));
  TRY_ASSIGN(target.runtime_version,
             read_version(reader, "runtime_version", target.runtime_version));
  TRY_ASSIGN(target.libseccomp,
             read_version(reader, "libseccomp", target.libseccomp));
  TRY_ASSIGN(target.kernel, read_version(reader, "kernel", target.kernel));
  TRY_ASSIGN(
      const std::string arch_name,
      reader.text_or("arch", std::string(kernel::to_string(target.arch))));
  const auto arch = kernel::arch_from(arch_name);
  if (!arch) {
    return fail(ErrorCode::InvalidInput, "{}unknown architecture",
                where(reader.optional("arch"), "target.arch"));
  }
  target.arch = *arch;
  TRY_ASSIGN(target.no_new_privs,
             reader.boolean_or("no_new_privs", target.no_new_privs));
  if (reader.optional("apparmor").IsDefined()) {
    TRY_ASSIGN(target.apparmor, reader.boolean_or("apparmor", false));
  }
  TRY(reader.finish());
  return target;
}

Result<evidence::Workload> read_workload(YamlReader& parent) {
  TRY_ASSIGN(YamlReader reader,
             YamlReader::of(parent.optional("workload"), "workload"));
  evidence::Workload workload;
  TRY_ASSIGN(workload.id, reader.text("id"));
  TRY_ASSIGN(workload.container, reader.text_or("container", ""));
  TRY_ASSIGN(workload.owner, reader.text_or("owner", ""));
  TRY(reader.finish());
  return workload;
}

Result<Decision> read_decision(const YAML::Node& node) {
  TRY_ASSIGN(YamlReader reader, YamlReader::of(node, "decisions"));
  Decision decision;
  TRY_ASSIGN(decision.what, reader.text("what"));
  TRY_ASSIGN(decision.choice, reader.text("choice"));
  TRY_ASSIGN(decision.who, reader.text("who"));
  TRY_ASSIGN(decision.why, reader.text("why"));
  TRY(reader.finish());
  TRY(locate(node, "decisions", policy::parse_subject(decision.what)));
  if (decision.choice != "keep" && decision.choice != "drop" &&
      decision.choice != "add") {
    return std::unexpected(
        Error(ErrorCode::InvalidInput,
              fmt::format("{}unknown choice \"{}\"", where(node, "decisions"),
                          json::quote_bytes(decision.choice)))
            .with_hint("a choice is keep, drop or add"));
  }
  return decision;
}

Result<Waiver> read_waiver(const YAML::Node& node) {
  TRY_ASSIGN(YamlReader reader, YamlReader::of(node, "waivers"));
  Waiver waiver;
  TRY_ASSIGN(waiver.what, reader.text("what"));
  TRY_ASSIGN(waiver.who, reader.text("who"));
  TRY_ASSIGN(waiver.why, reader.text("why"));
  TRY_ASSIGN(waiver.until, reader.text("until"));
  TRY(reader.finish());
  TRY(locate(node, "waivers", policy::parse_subject(waiver.what)));
  if (waiver.who.empty()) {
    return fail(ErrorCode::InvalidInput, "{}needs a person",
                where(node, "waivers"));
  }
  // Days are compared as text: one that no calendar has would never come.
  if (!evidence::parse_time(waiver.until + "T00:00:00.000000Z")) {
    return std::unexpected(
        Error(ErrorCode::InvalidInput,
              fmt::format("{}\"{}\" is no day of the calendar",
                          where(node["until"], "waivers: until"),
                          json::quote_bytes(waiver.until)))
            .with_hint("write the last day as 2026-12-31"));
  }
  return waiver;
}

std::string list(std::string_view key, const std::vector<std::string>& items) {
  std::string text = fmt::format("{}:{}\n", key, items.empty() ? " []" : "");
  for (const std::string& item : items) {
    text += fmt::format("  - {}\n", yaml_quoted(item));
  }
  return text;
}

// The lines of one entry of a list.
std::vector<std::string> entry_of(const Decision& decision) {
  return {"what: " + yaml_quoted(decision.what), "choice: " + decision.choice,
          "who: " + yaml_quoted(decision.who),
          "why: " + yaml_quoted(decision.why)};
}
std::vector<std::string> entry_of(const Waiver& waiver) {
  return {"what: " + yaml_quoted(waiver.what),
          "who: " + yaml_quoted(waiver.who), "why: " + yaml_quoted(waiver.why),
          "until: " + yaml_quoted(waiver.until)};
}

std::string print_target(const runtime::Target& target) {
  const runtime::Target plain =
      runtime::target_named(target.name).value_or(runtime::Target{});
  if (plain == target) {
    return fmt::format("target: {}\n", target.name);
  }
  return fmt::format(
      "target:\n  name: {}\n  engine_version: \"{}\"\n"
      "  runtime_version: \"{}\"\n  libseccomp: \"{}\"\n  kernel: \"{}\"\n"
      "  arch: {}\n  no_new_privs: {}\n{}",
      target.name, runtime::to_string(target.engine_version),
      runtime::to_string(target.runtime_version),
      runtime::to_string(target.libseccomp), runtime::to_string(target.kernel),
      kernel::to_string(target.arch), target.no_new_privs,
      target.apparmor ? fmt::format("  apparmor: {}\n", *target.apparmor) : "");
}

}  // namespace

Result<Manifest> parse_manifest(std::string_view yaml) {
  TRY_ASSIGN(const YAML::Node document, parse_yaml(yaml));
  TRY_ASSIGN(YamlReader reader, YamlReader::of(document, ""));
  TRY_ASSIGN(const std::string schema, reader.text("schema"));
  if (schema != kSchema) {
    return std::unexpected(
        Error(ErrorCode::InvalidInput,
              fmt::format("{}\"{}\" is not {}",
                          where(reader.optional("schema"), "schema"),
                          json::quote_bytes(schema), kSchema))
            .with_hint("this version reads only that schema"));
  }
  Manifest manifest;
  TRY_ASSIGN(manifest.workload, read_workload(reader));
  TRY_ASSIGN(manifest.target, read_target(reader));
  TRY_ASSIGN(const std::string stage_name, reader.text_or("stage", "harden"));
  const auto stage = policy::stage_from(stage_name);
  if (!stage) {
    return std::unexpected(
        Error(ErrorCode::InvalidInput,
              fmt::format("{}unknown stage",
                          where(reader.optional("stage"), "stage")))
            .with_hint("a stage is observe, allow or harden"));
  }
  manifest.stage = *stage;
  TRY_ASSIGN(manifest.closures, reader.texts("closures"));
  TRY(locate(reader.optional("closures"), "closures",
             policy::parse_closures(manifest.closures)));
  TRY_ASSIGN(manifest.probes, reader.texts("probes"));
  TRY_ASSIGN(manifest.volumes, reader.texts("volumes"));
  for (const std::string& volume : manifest.volumes) {
    if (!volume.starts_with('/')) {
      return fail(ErrorCode::InvalidInput, "{}not an absolute path",
                  where(reader.optional("volumes"), "volumes"));
    }
  }
  TRY_ASSIGN(manifest.abstractions, reader.texts("abstractions"));
  TRY_ASSIGN(const auto decisions, reader.items("decisions"));
  for (const YAML::Node& node : decisions) {
    auto decision = read_decision(node);
    if (!decision && decision.error().hint().empty()) {
      return std::unexpected(
          Error(decision.error())
              .with_hint("a decision is {what: file /etc/x r, choice: add, "
                         "who: NAME, why: REASON}; vambrace review DIR add "
                         "\"file /etc/x r\" --why REASON writes it"));
    }
    TRY_ASSIGN(Decision read, std::move(decision));
    manifest.decisions.push_back(std::move(read));
  }
  TRY_ASSIGN(const auto waivers, reader.items("waivers"));
  for (const YAML::Node& node : waivers) {
    TRY_ASSIGN(Waiver waiver, read_waiver(node));
    manifest.waivers.push_back(std::move(waiver));
  }
  TRY(reader.finish());
  if (!yaml.ends_with('\n')) {
    return std::unexpected(
        Error(ErrorCode::InvalidInput,
              fmt::format("line {}: ends without a newline, as a file does "
                          "that was cut short",
                          std::ranges::count(yaml, '\n') + 1))
            .with_hint("see that nothing is missing, and add the newline"));
  }
  return manifest;
}

std::string print_manifest(const Manifest& manifest) {
  std::string text = fmt::format(
      "# People edit this file; `vambrace synth` reads it and makes the rest.\n"
      "schema: {}\nworkload:\n  id: {}\n  container: {}\n  owner: {}\n{}"
      "stage: {}\n",
      kSchema, yaml_quoted(manifest.workload.id),
      yaml_quoted(manifest.workload.container),
      yaml_quoted(manifest.workload.owner), print_target(manifest.target),
      policy::to_string(manifest.stage));
  text += list("closures", manifest.closures);
  text += list("probes", manifest.probes);
  text += list("volumes", manifest.volumes);
  if (!manifest.abstractions.empty()) {
    text += list("abstractions", manifest.abstractions);
  }
  text +=
      fmt::format("decisions:{}\n", manifest.decisions.empty() ? " []" : "");
  for (const Decision& decision : manifest.decisions) {
    text += fmt::format("  - {}\n", fmt::join(entry_of(decision), "\n    "));
  }
  text += fmt::format("waivers:{}\n", manifest.waivers.empty() ? " []" : "");
  for (const Waiver& waiver : manifest.waivers) {
    text += fmt::format("  - {}\n", fmt::join(entry_of(waiver), "\n    "));
  }
  return text;
}

namespace {

// Replaces a top-level key with all lines that belong to it; adds it at the end
// if it is not there.
std::string replace_block(std::string_view yaml, std::string_view key,
                          const std::string& block) {
  std::string text;
  bool inside = false;
  bool done = false;
  while (!yaml.empty()) {
    const std::size_t end = std::min(yaml.find('\n'), yaml.size() - 1) + 1;
    const std::string_view line = yaml.substr(0, end);
    yaml.remove_prefix(end);
    if (line.starts_with(key) && line.substr(key.size()).starts_with(':')) {
      inside = true;
      done = true;
      text += block;
      continue;
    }
    // A list may stand at the margin, under its key.
    inside = inside && (line[0] == ' ' || line[0] == '-');
    if (!inside) {
      text += line;
    }
  }
  if (!text.empty() && !text.ends_with('\n')) {
    text += '\n';
  }
  return done ? text : text + block;
}

// Takes out the entries that are no longer wanted and puts the others that are
// wanted after the last. That this makes the wanted list is for the caller to
// see: it may be of another order.
template <class Entry>
Result<std::string> edit_list(const std::string& yaml, const std::string& key,
                              const std::vector<Entry>& old,
                              const std::vector<Entry>& wanted) {
  std::set<std::size_t> gone;
  for (std::size_t i = 0; i < old.size(); ++i) {
    if (std::ranges::find(wanted, old[i]) == wanted.end()) {
      gone.insert(i);
    }
  }
  std::vector<std::vector<std::string>> added;
  for (const Entry& entry : wanted) {
    if (std::ranges::find(old, entry) == old.end()) {
      added.push_back(entry_of(entry));
    }
  }
  return gone.empty() && added.empty() ? yaml
                                       : edit_yaml_list(yaml, key, gone, added);
}

}  // namespace

Result<std::string> edit_manifest(std::string_view yaml,
                                  const Manifest& wanted) {
  TRY_ASSIGN(const Manifest old, parse_manifest(yaml));
  std::string text(yaml);
  if (old.target != wanted.target) {
    text = replace_block(text, "target", print_target(wanted.target));
  }
  if (old.stage != wanted.stage) {
    text = replace_block(
        text, "stage",
        fmt::format("stage: {}\n", policy::to_string(wanted.stage)));
  }
  if (old.closures != wanted.closures) {
    text = replace_block(text, "closures", list("closures", wanted.closures));
  }
  if (old.abstractions != wanted.abstractions) {
    text = replace_block(text, "abstractions",
                         list("abstractions", wanted.abstractions));
  }
  TRY_ASSIGN(text,
             edit_list(text, "decisions", old.decisions, wanted.decisions));
  TRY_ASSIGN(text, edit_list(text, "waivers", old.waivers, wanted.waivers));
  const auto made = parse_manifest(text);
  if (!made || *made != wanted) {
    return std::unexpected(
        Error(ErrorCode::InvalidInput,
              "target, stage, closures, abstractions, decisions or waivers "
              "cannot be changed in place")
            .with_hint("edit the file, then run synth without the options"));
  }
  return text;
}

std::vector<Waiver> waivers_on(const Manifest& manifest, std::string_view day) {
  std::vector<Waiver> valid;
  std::ranges::copy_if(
      manifest.waivers, std::back_inserter(valid),
      [&](const Waiver& waiver) { return waiver.until >= day; });
  return valid;
}

}  // namespace vambrace::repository
