#include "policy/unplaced.h"

#include <algorithm>

namespace vambrace::policy {

std::set<std::string> recordings_with(const evidence::Evidence& evidence,
                                      std::string_view probe) {
  std::set<std::string> ids;
  for (const evidence::Recording& recording : evidence.recordings) {
    if (recording.probes.contains(std::string(probe))) {
      ids.insert(recording.id);
    }
  }
  return ids;
}

std::string_view files_hint(const std::set<std::string>& gaps) {
  if (gaps.contains("no_exit_probe")) {
    return "record without --light";
  }
  return gaps.contains("attached_late")
             ? "record it from its start: the recording began when its files "
               "were open already"
             : "record it at its work: no file was opened meanwhile";
}

std::uint64_t succeeded(const evidence::SyscallFact& fact,
                        const std::set<std::string>& left_out) {
  std::uint64_t count = 0;
  for (const auto& [recording, share] : fact.by) {
    if (left_out.contains(recording)) {
      continue;
    }
    std::uint64_t failed = 0;
    for (const auto& [error, times] : share.errnos) {
      failed += times;
    }
    count += share.count - std::min(share.count, failed);
  }
  return count;
}

}  // namespace vambrace::policy
