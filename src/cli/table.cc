#include "cli/command.h"
#include "cli/commands.h"

namespace vambrace::cli {

std::span<const Command> commands() {
  // In the order of the walk; groups are the headings of the overview.
  static const Command kCommands[] = {
      {"record", "watch a workload and write what it did as evidence", record,
       "Record"},
      {"mark", "begin a phase in the recording that is going on", mark,
       "Record"},
      {"stop", "end a recording from another terminal", stop, "Record"},
      {"calibrate", "measure what the container runtime itself calls",
       calibrate, "Record"},
      {"evidence show", "print what was recorded", evidence_show, "Record"},
      {"evidence merge", "unite recordings of one workload", evidence_merge,
       "Record"},
      {"evidence diff", "compare the behavior of two evidences", evidence_diff,
       "Record"},
      {"evidence check", "say whether evidence is complete", evidence_check,
       "Record"},
      {"evidence compact", "fold recordings into one", evidence_compact,
       "Record"},
      {"synth", "make a policy and its bundle from evidence", synth, "Policy"},
      {"analyze", "tell which calls a program could make", analyze, "Policy"},
      {"review", "find what is risky, rare or never seen, and decide",
       review_command, "Policy"},
      {"replay", "hold evidence against a policy, without a kernel", replay,
       "Policy"},
      {"explain", "tell why a call or capability is allowed or not", explain,
       "Policy"},
      {"diff", "tell what one policy permits and another does not", diff,
       "Policy"},
      {"lint", "remark on a seccomp profile", lint, "Policy"},
      {"evaluate", "tell what a seccomp profile does with one call", evaluate,
       "Policy"},
      {"verify", "run your tests with the policy in force", verify, "Prove"},
      {"run", "start a program or container under the policy", run_command,
       "Enforce"},
      {"attest", "compare what runs with what the bundle says", attest,
       "Enforce"},
      {"apparmor load", "put profiles into the kernel", apparmor_load,
       "Enforce"},
      {"apparmor unload", "take profiles out of the kernel", apparmor_unload,
       "Enforce"},
      {"apparmor status", "list loaded profiles and who runs under them",
       apparmor_status, "Enforce"},
      {"help", "show the manual page of a command", help, "Help"},
      {"completion", "print the completion script of a shell", completion,
       "Help"},
      {"man", "print manual pages for man(1)", man, "Help"},
      {"version", "show version and build", version, "Help"},
  };
  return kCommands;
}

}  // namespace vambrace::cli
