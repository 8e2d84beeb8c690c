#pragma once

#include <span>
#include <string>

#include "cli/command.h"

// One function per row of the command table; each lives in the file of its
// name.
namespace vambrace::cli {

using Words = std::span<const std::string>;

Result<Exit> analyze(Environment& environment, Words words);
Result<Exit> apparmor_load(Environment& environment, Words words);
Result<Exit> apparmor_status(Environment& environment, Words words);
Result<Exit> apparmor_unload(Environment& environment, Words words);
Result<Exit> attest(Environment& environment, Words words);
Result<Exit> calibrate(Environment& environment, Words words);
Result<Exit> completion(Environment& environment, Words words);
Result<Exit> evidence_check(Environment& environment, Words words);
Result<Exit> evidence_compact(Environment& environment, Words words);
Result<Exit> evidence_diff(Environment& environment, Words words);
Result<Exit> evidence_merge(Environment& environment, Words words);
Result<Exit> evidence_show(Environment& environment, Words words);
Result<Exit> evaluate(Environment& environment, Words words);
Result<Exit> diff(Environment& environment, Words words);
Result<Exit> explain(Environment& environment, Words words);
Result<Exit> help(Environment& environment, Words words);
Result<Exit> lint(Environment& environment, Words words);
Result<Exit> man(Environment& environment, Words words);
Result<Exit> mark(Environment& environment, Words words);
Result<Exit> record(Environment& environment, Words words);
Result<Exit> replay(Environment& environment, Words words);
Result<Exit> review_command(Environment& environment, Words words);
Result<Exit> run_command(Environment& environment, Words words);
Result<Exit> stop(Environment& environment, Words words);
Result<Exit> synth(Environment& environment, Words words);
Result<Exit> verify(Environment& environment, Words words);
Result<Exit> version(Environment& environment, Words words);

}  // namespace vambrace::cli
