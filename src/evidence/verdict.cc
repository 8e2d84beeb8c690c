#include <algorithm>

#include "evidence/facts.h"
#include "evidence/merge.h"

namespace vambrace::evidence {

Verdict judge(std::vector<Gap> gaps) {
  std::sort(gaps.begin(), gaps.end());
  gaps.erase(std::unique(gaps.begin(), gaps.end()), gaps.end());
  const bool filtered =
      std::all_of(gaps.begin(), gaps.end(),
                  [](const Gap& gap) { return gap.kind == "filter_active"; });
  const State state = gaps.empty() ? State::Complete
                      : filtered   ? State::Filtered
                                   : State::Incomplete;
  return {state, std::move(gaps)};
}

Verdict verdict(const Evidence& evidence) {
  std::vector<Gap> gaps;
  std::set<std::string> images;
  for (const Recording& recording : evidence.recordings) {
    const bool folded = !recording.folded.empty();
    for (const Gap& gap : recording.verdict.gaps) {
      // What compact() derived from the images is derived again, from all.
      if (!folded || gap.kind != "mixed_images") {
        gaps.push_back(gap);
      }
    }
    const std::string image =
        recording.image.empty() ? "unknown" : recording.image;
    images.merge(listed(image));
  }
  if (evidence.recordings.empty()) {
    gaps.push_back({"no_recording", "nothing was recorded"});
  }
  if (images.size() > 1) {
    gaps.push_back({"mixed_images", list(images)});
  }
  return judge(std::move(gaps));
}

}  // namespace vambrace::evidence
