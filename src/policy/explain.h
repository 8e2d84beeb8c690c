#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "policy/decision.h"
#include "policy/partial_call.h"
#include "policy/replay.h"
#include "runtime/layer.h"

// Why a policy says what it says about one call, file or capability.
namespace vambrace::policy {

// What is asked: a call, perhaps with some of its arguments, a file, perhaps
// with an access, a socket, a signal or a capability.
struct Question {
  std::string path;    // of the file; empty: no file is asked for
  std::string access;  // letters, sorted; empty: which are allowed?
  std::string name;    // of the call; of a socket "socket"; else empty
  std::vector<std::optional<std::uint64_t>> values;
  std::uint32_t capability = 0;
  std::optional<SocketSubject> socket;
  std::optional<SignalSubject> signal;
  auto operator<=>(const Question&) const = default;
};

// "socket", "syscall ptrace", "socket 0x26", "ioctl _ 0x5412",
// "/etc/x r", "capability NET_ADMIN", "CAP_CHOWN", "network inet stream",
// "signal term": values are the call's
// arguments from the first on, "_" for one that is left open. InvalidInput,
// with the nearest name as hint, for anything else.
Result<Question> parse_question(std::span<const std::string> words);

// One process's use of the thing in one recording.
struct Use {
  evidence::RecordingId recording;
  evidence::ProcessKey process;
  std::string detail;  // recorded arguments, or the kernel functions
  evidence::Share share;
  auto operator<=>(const Use&) const = default;
};

enum class Permission : std::uint8_t {
  Allowed,
  Depends,  // on what the question leaves open
  Refused,
};
std::string_view to_string(Permission permission);  // "allowed", "depends", ...

struct Answer {
  std::string what;  // "x86_64 socket (arg0 == 0x26)", "CAP_NET_ADMIN"
  Permission permission = Permission::Refused;
  // What the question leaves open where it depends.
  std::string depends_on = "its arguments";
  // The alternatives that let the call through; empty where arguments do not
  // matter or nothing is let through.
  std::vector<std::string> when;
  // What a refused call gets; nullopt where every one is allowed.
  std::optional<seccomp::Outcome> otherwise;
  // Of the policy's rule or of a planned refusal; empty: the policy has
  // neither.
  std::vector<Reason> reasons;
  // The runtime makes the call itself when it starts or enters a container.
  bool runtime_layer = false;
  // Whatever else decides: noise, a missing waiver, the target, the risk.
  std::vector<std::string> notes;
  std::vector<Use> uses;  // by recording, whoever made them
};

// One answer for each architecture of the profile that has the call; for a file
// those of explain_files.h; one for a capability or a signal; of a socket what
// AppArmor says of it, then those of the call that makes it. InvalidInput where
// the target's runtime refuses the profile.
Result<std::vector<Answer>> explain(const Question& question,
                                    const Rendering& rendering,
                                    const runtime::RuntimeLayer& layer,
                                    const evidence::Evidence& evidence);

}  // namespace vambrace::policy
