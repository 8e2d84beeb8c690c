#include "cli/commands.h"
#include "cli/options.h"
#include "cli/shell_script.h"

namespace vambrace::cli {

Result<Exit> completion(Environment& environment, Words words) {
  std::string shell;
  Options options;
  options.word("SHELL", shell, "bash, zsh or fish");
  TRY(options.parse(environment, words));

  if (shell == "bash") {
    environment.output.out(bash_script());
  } else if (shell == "zsh") {
    environment.output.out(zsh_script());
  } else if (shell == "fish") {
    environment.output.out(fish_script());
  } else {
    return fail(ErrorCode::InvalidInput,
                "no completion for \"{}\", only for bash, zsh and fish", shell);
  }
  return Exit::Clean;
}

}  // namespace vambrace::cli
