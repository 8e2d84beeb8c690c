#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/options.h"
#include "enforcer/dress.h"

// What run, verify and attest have in common.
namespace vambrace::cli {

// DIR, --target, --stage and --without as they were typed.
struct ChoiceWords {
  std::string directory;
  std::string target;
  std::string stage;
  std::vector<std::string> without;
};

void declare_choice(Options& options, ChoiceWords& words);

// The bundle, what was chosen of it as of today, and both made ready.
struct Chosen {
  repository::Bundle bundle;
  enforcer::Choice choice;
  enforcer::Dress dress;
};

// InvalidInput for a capability that does not exist, and for what is no bundle.
Result<Chosen> choose(const Environment& environment, const ChoiceWords& words);

// Says on standard error which capabilities are used past their waiver's end.
void warn_of_lapsed(Environment& environment, const enforcer::Dress& dress);

// One sentence for each file that is not what the bundle's policy renders to.
std::vector<std::string> edited_files(const std::string& directory,
                                      std::span<const std::string> edited);
// The same, and of which of the two a question is answered that reads seccomp
// and capabilities from the files, and the rest from policy.json.
std::vector<std::string> edited_notes(const std::string& directory,
                                      std::span<const std::string> edited);
// The way back from that.
std::string edited_hint(const repository::Bundle& bundle);
// A sentence about what an interrupted synth left; nullopt: there is nothing.
std::optional<std::string> interrupted(const repository::Bundle& bundle);

// Denied if a file of the bundle is edited: nobody reviewed it.
Result<> as_rendered(const repository::Bundle& bundle,
                     const enforcer::Dress& dress);

// "CAP_CHOWN", ...
std::vector<std::string> capability_words(
    std::span<const std::uint32_t> numbers);

// Denied for a dress cut for a plain process: the calls that a container
// runtime makes under the filter are not in it.
Result<> fits_containers(const enforcer::Dress& dress);

}  // namespace vambrace::cli
