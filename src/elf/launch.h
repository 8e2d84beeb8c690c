#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "elf/reach.h"
#include "elf/root.h"

// From the word with which something is started to the program that runs.
namespace vambrace::elf {

// What a shell in the container has before it starts anything.
struct Surroundings {
  // PATH; what execvp uses where there is none.
  std::string search_path =
      "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
  std::string folder = "/";  // the working directory
};

// The path in the root of the file that a word stands for: a path, absolute or
// from the working directory, or a name that is searched for. NotFound if there
// is none; whether it may be executed is not looked at.
Result<std::string> find_program(const Root& root, const std::string& word,
                                 const Surroundings& around);

// "#!/usr/bin/env -S perl -w" in the first line of a script.
struct ScriptLine {
  std::string interpreter;
  std::string argument;  // all of the rest: the kernel hands it over as one
  auto operator<=>(const ScriptLine&) const = default;
};
std::optional<ScriptLine> parse_script_line(std::string_view text);

// What is run in the end.
struct Launch {
  std::string program;  // no script any more, if it is as it should be
  // "script": one for each script on the way. What it starts itself is not
  // known.
  std::vector<Gap> gaps;
};

// Follows scripts to their interpreters, over env(1), too. NotFound names the
// interpreter that is missing; InvalidInput if there are more than four, as for
// the kernel.
Result<Launch> follow_scripts(const Root& root, const std::string& program,
                              const Surroundings& around);

}  // namespace vambrace::elf
