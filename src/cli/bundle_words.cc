#include "cli/bundle_words.h"

#include "base/json.h"
#include "cli/file_kind.h"
#include "kernel/errnos.h"
#include "policy/capabilities/reduce.h"

namespace vambrace::cli {
namespace {

// People edit bundle.yaml and may forget what follows from it.
Result<> check_rendered(const Files& files, const repository::Bundle& bundle) {
  TRY_ASSIGN(const std::string text,
             read_regular(files, bundle.directory + "/capabilities.json"));
  TRY_ASSIGN(const auto grant, policy::capabilities::parse(text));
  const repository::Manifest& manifest = bundle.manifest;
  if (grant.target == manifest.target.name && grant.stage == manifest.stage) {
    return {};
  }
  return std::unexpected(
      Error(
          ErrorCode::InvalidInput,
          fmt::format("{}: rendered at stage {} for {}, but bundle.yaml says "
                      "{} for {}",
                      bundle.directory, policy::to_string(grant.stage),
                      json::quote_bytes(grant.target),
                      policy::to_string(manifest.stage), manifest.target.name))
          .with_hint(fmt::format("render it again with: vambrace synth -o {}",
                                 bundle.directory)));
}

}  // namespace

Result<Loaded> load(const Files& files, const std::string& directory) {
  TRY(check_bundle(files, directory));
  Loaded loaded;
  TRY_ASSIGN(static_cast<repository::Bundle&>(loaded),
             repository::load_bundle(files, directory));
  TRY_ASSIGN(
      loaded.profile,
      during(directory + "/seccomp.json",
             policy::seccomp::parse(loaded.rendered.at("seccomp.json"))));
  TRY(check_rendered(files, loaded));
  loaded.granted.insert(loaded.capabilities.begin(), loaded.capabilities.end());
  return loaded;
}

std::string process_text(const evidence::ProcessKey& key) {
  std::string text = json::quote_bytes(key.exe);
  if (!key.script.empty()) {
    text += fmt::format(" [{}]", json::quote_bytes(key.script));
  }
  return fmt::format("{} ({})", text, evidence::to_string(key.origin));
}

std::string outcome_text(policy::seccomp::Outcome outcome) {
  using policy::seccomp::Action;
  if (outcome.action == Action::Log) {
    return "logged now, refused in harden";
  }
  return outcome.action == Action::Errno ? kernel::errno_name(outcome.error)
                                         : policy::seccomp::to_string(outcome);
}

}  // namespace vambrace::cli
