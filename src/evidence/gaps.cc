#include "evidence/gaps.h"

#include <algorithm>

namespace vambrace::evidence {
namespace {

constexpr GapKind kKinds[] = {
    {"attached_late", "the scope already ran when recording began",
     "start the workload under record (record -- COMMAND, or --container "
     "before it is created)"},
    {"compat", "facts of another kind are missing",
     "read the detail; record again where the recorder can see them"},
    {"filter_active", "a seccomp filter was installed before recording began",
     "record without the filter (docker run --security-opt "
     "seccomp=unconfined), or turn what it refused into rules: vambrace synth "
     "--heal"},
    {"image_unread", "the build id of a program could not be read",
     "let the program or its container live for a second longer, so that its "
     "file is still there to be read (sh -c 'PROGRAM; sleep 1')"},
    {"interrupted", "the recorder ended before the scope did",
     "vambrace record --resume collects what the kernel still holds; else "
     "record again"},
    {"io_uring", "io_uring was used; its operations are not system calls",
     "disable io_uring in the workload or in the kernel "
     "(kernel.io_uring_disabled) and record again"},
    {"links_unfollowed",
     "symbolic links in the names of files could not be followed",
     "let a program of the container live until its files are looked at, or "
     "check the paths without an owner by hand; a file that is named over a "
     "link of /proc is missing: add it as a decision, or record in the "
     "kernel's hooks (--file-probe)"},
    {"map_full", "a table was full; facts were refused",
     "record again with larger tables or a shorter run"},
    {"mixed_images", "recordings of different image digests were merged",
     "keep one evidence file for each image"},
    {"no_exit_probe", "denials and errnos were not watched",
     "record again without --light"},
    {"no_recording", "there is no recording", "vambrace record makes one"},
    {"path_truncated", "a path was longer than the recorder keeps",
     "shorten the path or check the rule that came from it by hand"},
    {"read_failed", "user or kernel memory could not be read",
     "record again; if it stays, the values named in the detail are unknown"},
    {"recursion_missed", "the kernel skipped the recorder's program",
     "record again with nothing else traced on this machine"},
    {"refusals_unsure",
     "calls that a filter of the workload may have refused are told as made",
     "record again with --enters, which sees calls as they enter, too"},
    {"ring_lost", "hints were lost; facts may still be whole",
     "record again with less other load on the machine"},
    {"scope_lost", "the workload was not there, or vanished early",
     "see that it is named as it runs, and starts and ends while it is "
     "recorded"},
    {"storage_refused", "a task could not be followed",
     "free memory on the machine and record again"},
    {"unknown_syscall", "a number without a name was called",
     "update vambrace, or find the number in the kernel's table"},
};

constexpr bool by_kind(const GapKind& a, const GapKind& b) {
  return a.kind < b.kind;
}
static_assert(std::is_sorted(std::begin(kKinds), std::end(kKinds), by_kind));

}  // namespace

std::span<const GapKind> gap_kinds() {
  return kKinds;
}

std::string_view advice(std::string_view kind) {
  for (const GapKind& one : kKinds) {
    if (one.kind == kind) {
      return one.advice;
    }
  }
  return "read the detail; record again if it can be avoided";
}

}  // namespace vambrace::evidence
