#include "recorder/ebpf/gaps.h"

#include <fmt/format.h>

#include <algorithm>

#include "kernel/syscalls.h"
#include "recorder/ebpf/origins.h"

namespace vambrace::recorder::ebpf {
namespace {

using evidence::Gap;

void full(std::vector<Gap>& gaps, std::uint64_t refused, std::string_view table,
          std::string_view facts) {
  if (refused != 0) {
    gaps.push_back({"map_full", fmt::format("{} table: {} {} refused", table,
                                            refused, facts)});
  }
}

void add_unsure(std::vector<Gap>& gaps, const Raw& raw, std::uint32_t scope) {
  for (const Raw::Unsure& call : raw.unsure) {
    const vmb_image& image = raw.images[call.image];
    if (image.key.scope != scope) {
      continue;
    }
    const auto name = kernel::syscall_name(call.syscall);
    gaps.push_back(
        {"refusals_unsure",
         fmt::format("{} of {} failed, and nobody knows if a filter refused it",
                     name ? std::string(*name)
                          : fmt::format("call {}", call.syscall.nr),
                     path_of(image))});
  }
}

void add_image_gaps(std::vector<Gap>& gaps, const Raw& raw,
                    std::uint32_t scope) {
  for (std::uint32_t number = 1; number < raw.images.size(); ++number) {
    const vmb_image& image = raw.images[number];
    if ((image.flags & VMB_IMAGE_READY) == 0 || image.key.scope != scope) {
      continue;
    }
    const std::string path = path_of(image);
    if (image.key.kind == VMB_IMAGE_LATE) {
      gaps.push_back({"attached_late", path + " ran before recording began"});
    }
    if (image.key.kind == VMB_IMAGE_MOVED) {
      gaps.push_back(
          {"attached_late", path + " ran before it was moved into the cgroup"});
    }
    if ((image.flags & VMB_IMAGE_TRUNCATED) != 0) {
      gaps.push_back({"path_truncated", path});
    }
    if (const auto found = raw.build_ids.find(number);
        found == raw.build_ids.end() || !found->second) {
      gaps.push_back({"image_unread", path});
    }
    // Filters that a program installs in itself later are its own behavior.
    const bool starts =
        image.key.kind == VMB_IMAGE_LATE || image.key.kind == VMB_IMAGE_MOVED ||
        (image.key.parent < raw.images.size() && image.key.parent != 0 &&
         raw.images[image.key.parent].key.kind != VMB_IMAGE_EXEC &&
         image.key.kind == VMB_IMAGE_EXEC) ||
        image.key.kind == VMB_IMAGE_LAUNCHER;
    if (starts && (image.flags & VMB_IMAGE_FILTERED) != 0) {
      gaps.push_back(
          {"filter_active", path + " started under a seccomp filter"});
    }
  }
}

}  // namespace

std::vector<Gap> gaps_of(const Raw& raw, std::uint32_t scope) {
  const vmb_counters& seen = raw.counters;
  std::vector<Gap> gaps;
  full(gaps, seen.facts_refused, "facts", "flushes");
  full(gaps, seen.errnos_refused, "errnos", "failures");
  full(gaps, seen.tuples_refused, "arguments", "values");
  full(gaps, seen.others_refused, "sockets, signals, execs, users and traces",
       "facts");
  full(gaps, seen.caps_refused, "capabilities", "checks");
  full(gaps, seen.files_refused, "files", "accesses");
  full(gaps, seen.paths_refused, "paths", "accesses");
  full(gaps, seen.mounts_refused, "mounts", "mounts");
  full(gaps, seen.images_refused, "images", "programs");
  full(gaps, seen.scopes_refused, "scopes", "cgroups");
  if (seen.tasks_refused != 0) {
    gaps.push_back({"storage_refused",
                    fmt::format("{} tasks not followed", seen.tasks_refused)});
  }
  if (seen.hints_lost != 0) {
    gaps.push_back(
        {"ring_lost",
         fmt::format("{} of {} hints; the facts "
                     "themselves are in the tables",
                     seen.hints_lost, seen.hints_sent + seen.hints_lost)});
  }
  // What failed for another scope, a driver's say, is none of this one's gaps.
  if (const std::uint64_t failed = scope < raw.scopes.size()
                                       ? raw.scopes[scope].reads_failed
                                       : seen.user_reads_failed;
      failed != 0) {
    gaps.push_back(
        {"read_failed", fmt::format("{} reads of user memory", failed)});
  }
  if (seen.kernel_reads_failed != 0) {
    gaps.push_back({"read_failed", fmt::format("{} reads of kernel memory",
                                               seen.kernel_reads_failed)});
  }
  if (seen.files_unread != 0) {
    gaps.push_back(
        {"read_failed",
         fmt::format("the files or mounts of {} calls", seen.files_unread)});
  }
  const auto is_cut = [](const vmb_path& path) {
    return (path.flags & VMB_PATH_TRUNCATED) != 0;
  };
  auto cut = std::ranges::count_if(
      raw.files, [&](const auto& row) { return is_cut(row.second.path); });
  cut += std::ranges::count_if(raw.mounts, [&](const auto& row) {
    return is_cut(row.second.target) || is_cut(row.second.source);
  });
  if (cut != 0) {
    gaps.push_back(
        {"path_truncated",
         fmt::format("{} files or mounts with paths longer than {} bytes", cut,
                     +VMB_LONG_PATH)});
  }
  if (const auto found = raw.unfollowed.find(scope);
      found != raw.unfollowed.end()) {
    gaps.push_back(
        {"links_unfollowed",
         fmt::format("{} accesses to files that calls only named, by programs "
                     "in a mount namespace that is gone",
                     found->second)});
  }
  if (const auto found = raw.elsewhere.find(scope);
      found != raw.elsewhere.end()) {
    gaps.push_back(
        {"links_unfollowed",
         fmt::format(
             "{} accesses to files that calls only named, over links of "
             "/proc, which lead each process elsewhere",
             found->second)});
  }
  if (seen.stacks_failed != 0) {
    gaps.push_back(
        {"read_failed", fmt::format("{} kernel stacks", seen.stacks_failed)});
  }
  if (raw.recursion_misses != 0) {
    gaps.push_back({"recursion_missed",
                    fmt::format("{} runs skipped", raw.recursion_misses)});
  }
  add_unsure(gaps, raw, scope);
  add_image_gaps(gaps, raw, scope);
  return gaps;
}

std::vector<Gap> gaps_in(const std::vector<evidence::Process>& processes) {
  std::vector<Gap> gaps;
  for (const evidence::Process& process : processes) {
    if (process.key.origin == evidence::Origin::Harness) {
      continue;
    }
    for (const evidence::SyscallFact& fact : process.syscalls) {
      const auto name = kernel::syscall_name(fact.syscall);
      if (!name) {
        gaps.push_back({"unknown_syscall",
                        fmt::format("{} {}", to_string(fact.syscall.arch),
                                    fact.syscall.nr)});
      } else if (name->starts_with("io_uring_") &&
                 evidence::total(fact.by).count != 0) {
        gaps.push_back(
            {"io_uring", fmt::format("{} in {}", *name, process.key.exe)});
      }
    }
  }
  return gaps;
}

std::map<std::string, std::uint64_t> counters_of(const Raw& raw) {
  const vmb_counters& seen = raw.counters;
  std::uint64_t calls = 0;
  for (const auto& [key, tally] : raw.facts) {
    calls += tally.count;
  }
  return {
      {"calls", calls},
      {"denied", seen.denied},
      {"facts", seen.facts},
      {"hints_sent", seen.hints_sent},
      {"hints_lost", seen.hints_lost},
      {"hints_seen", raw.hints_seen},
      {"images", seen.images},
      {"facts_refused", seen.facts_refused},
      {"errnos_refused", seen.errnos_refused},
      {"arguments_refused", seen.tuples_refused},
      {"others_refused", seen.others_refused},
      {"capabilities_refused", seen.caps_refused},
      {"files_refused", seen.files_refused},
      {"files_unread", seen.files_unread},
      {"paths_refused", seen.paths_refused},
      {"mounts_refused", seen.mounts_refused},
      {"images_refused", seen.images_refused},
      {"tasks_refused", seen.tasks_refused},
      {"tasks_without_slot", seen.slots_short},
      {"user_reads_failed", seen.user_reads_failed},
      {"kernel_reads_failed", seen.kernel_reads_failed},
      {"stacks_failed", seen.stacks_failed},
      {"recursion_misses", raw.recursion_misses},
  };
}

}  // namespace vambrace::recorder::ebpf
