#include "cli/enforcement.h"

#include "cli/file_kind.h"
#include "evidence/time.h"
#include "kernel/capabilities.h"

namespace vambrace::cli {
namespace {

Result<enforcer::Choice> choice_of(const Environment& environment,
                                   const ChoiceWords& words) {
  enforcer::Choice choice{.target = words.target};
  choice.day = evidence::format_time(environment.now()).substr(0, 10);
  if (!words.stage.empty()) {
    choice.stage = policy::stage_from(words.stage);
  }
  for (const std::string& name : words.without) {
    const auto number = kernel::capability_number(name);
    if (!number) {
      return fail(ErrorCode::InvalidInput, "--without: no capability \"{}\"",
                  name);
    }
    choice.without.insert(*number);
  }
  return choice;
}

}  // namespace

void declare_choice(Options& options, ChoiceWords& words) {
  options.word("DIR", words.directory, "the bundle");
  options.value(
      "-t,--target", "NAME", words.target,
      "another target than the bundle's (docker, runc, process, ...)");
  options.choice("-s,--stage", {"observe", "allow", "harden"}, words.stage,
                 "another stage than the bundle's");
  options.values("--without", "CAP", words.without,
                 "leave this capability out, to try");
}

Result<Chosen> choose(const Environment& environment,
                      const ChoiceWords& words) {
  Chosen chosen;
  TRY_ASSIGN(chosen.choice, choice_of(environment, words));
  TRY(check_bundle(environment.files, words.directory));
  TRY_ASSIGN(chosen.bundle,
             repository::load_bundle(environment.files, words.directory));
  TRY_ASSIGN(chosen.dress, enforcer::dress(chosen.bundle, chosen.choice));
  return chosen;
}

void warn_of_lapsed(Environment& environment, const enforcer::Dress& dress) {
  for (const std::uint32_t number : dress.lapsed) {
    environment.output.err(fmt::format(
        "warning: the waiver for {} has ended; the bundle's files still grant "
        "it\nhint: extend the waiver in bundle.yaml or run vambrace synth\n",
        kernel::capability_name(number).value_or("CAP_?")));
  }
}

std::vector<std::string> edited_files(const std::string& directory,
                                      std::span<const std::string> edited) {
  std::vector<std::string> sentences;
  for (const std::string& name : edited) {
    sentences.push_back(fmt::format(
        "{}/{} is not what policy.json renders to: it was edited, or another "
        "version of vambrace wrote it",
        directory, name));
  }
  return sentences;
}

std::vector<std::string> edited_notes(const std::string& directory,
                                      std::span<const std::string> edited) {
  std::vector<std::string> notes = edited_files(directory, edited);
  for (std::size_t i = 0; i < notes.size(); ++i) {
    const bool is_read =
        edited[i] == "seccomp.json" || edited[i] == "capabilities.json";
    notes[i] += is_read ? "; it is taken as it is"
                        : "; taken is what policy.json renders to";
  }
  return notes;
}

std::optional<std::string> interrupted(const repository::Bundle& bundle) {
  if (bundle.unfinished.empty()) {
    return std::nullopt;
  }
  return fmt::format(
      "{}/{}{} left by a synth that was interrupted: its files may be some of "
      "that run and some older",
      bundle.directory, bundle.unfinished.front(),
      bundle.unfinished.size() == 1
          ? " was"
          : fmt::format(" and {} more were", bundle.unfinished.size() - 1));
}

std::string edited_hint(const repository::Bundle& bundle) {
  if (!bundle.unfinished.empty()) {
    return fmt::format(
        "synth was interrupted: run vambrace synth -o {} again, unless it runs "
        "right now",
        bundle.directory);
  }
  return fmt::format(
      "vambrace synth -o {} renders it anew; decisions in bundle.yaml change "
      "what it grants",
      bundle.directory);
}

Result<> as_rendered(const repository::Bundle& bundle,
                     const enforcer::Dress& dress) {
  if (dress.edited.empty()) {
    return {};
  }
  return std::unexpected(
      Error(ErrorCode::Denied,
            fmt::format(
                "{}",
                fmt::join(edited_files(bundle.directory, dress.edited), "; ")))
          .with_hint(edited_hint(bundle)));
}

std::vector<std::string> capability_words(
    std::span<const std::uint32_t> numbers) {
  std::vector<std::string> names;
  for (const std::uint32_t number : numbers) {
    names.emplace_back(kernel::capability_name(number).value_or("CAP_?"));
  }
  return names;
}

Result<> fits_containers(const enforcer::Dress& dress) {
  if (dress.target.runtime != runtime::Runtime::Process) {
    return {};
  }
  return std::unexpected(
      Error(ErrorCode::Denied,
            fmt::format("target \"{}\" is a plain process: the container "
                        "runtime's own calls are not in its profile",
                        dress.target.name))
          .with_hint("--target docker or --target runc renders it for one"));
}

}  // namespace vambrace::cli
