#pragma once

#include <bpf/btf.h>

namespace vambrace::recorder::ebpf {

// Which of the ways to record the running kernel offers.
struct Offer {
  bool cap_tracepoint = false;  // cap_capable; Linux 6.14
  bool plain_loads = false;     // bpf_rdonly_cast; Linux 6.2
  bool file_truncate = false;   // a hook of its own; Linux 6.2
  // Calls can be told by their exits alone: sched_prepare_exec sees an execve
  // before it loses its registers (Linux 6.10), and the programs of seccomp
  // filters are kept as they were given (CONFIG_CHECKPOINT_RESTORE).
  bool exits = false;
  // Programs may be attached to the hooks of the security modules, and these
  // call them: "bpf" is one of the modules (CONFIG_LSM, lsm=), and nothing
  // forbids such programs.
  bool hooks = false;
};

// kernel: the running kernel's own types. Loads one program of two
// instructions to learn what is permitted; needs root.
Offer offer_of(const btf* kernel);

}  // namespace vambrace::recorder::ebpf
