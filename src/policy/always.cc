#include "policy/always.h"

namespace vambrace::policy {
namespace {

constexpr std::string_view kEnd = "every program ends";
constexpr std::string_view kSignal = "return from a signal handler";
constexpr std::string_view kRestart =
    "the kernel restarts an interrupted sleep by this call";
// The vDSO answers these without a call while the clock source allows it; a
// virtual machine or another clock source makes them real calls.
constexpr std::string_view kVdso = "vDSO fallback";

// A name that an architecture's table lacks is skipped there.
constexpr AlwaysCall kCalls[] = {
    {"clock_getres", kVdso},
    {"clock_getres_time64", kVdso},
    {"clock_gettime", kVdso},
    {"clock_gettime64", kVdso},
    {"exit", kEnd},
    {"exit_group", kEnd},
    {"getcpu", kVdso},
    {"gettimeofday", kVdso},
    {"restart_syscall", kRestart},
    {"rt_sigreturn", kSignal},
    {"sigreturn", kSignal},
    {"time", kVdso},
};

}  // namespace

std::span<const AlwaysCall> always_calls() {
  return kCalls;
}

}  // namespace vambrace::policy
