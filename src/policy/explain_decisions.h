#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "policy/decision.h"
#include "policy/explain.h"

namespace vambrace::policy {

// What people said in bundle.yaml about the thing that is asked for, a sentence
// each: "decision "syscall bpf: drop" by ann: never used", "waived by ann until
// 2026-12-31: debugs". Of a file, whatever is said about a pattern that matches
// its path. `day` is 2026-12-31.
std::vector<std::string> said_about(const Question& question,
                                    const std::vector<Decision>& decisions,
                                    const std::vector<Waiver>& waivers,
                                    std::string_view day);

// For who asks about something that nothing allows: the command that adds it,
// for a shell, of what a decision names ("file /x r").
std::string how_to_add(std::string_view what);

}  // namespace vambrace::policy
