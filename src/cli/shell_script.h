#pragma once

#include <string>

// Completion scripts, made from the command table and what each command
// declares. Words that are no option complete as files.
namespace vambrace::cli {

std::string bash_script();
std::string zsh_script();
std::string fish_script();

}  // namespace vambrace::cli
