#pragma once

#include <functional>
#include <span>
#include <string>

#include "base/result.h"
#include "evidence/evidence.h"

namespace vambrace::evidence {

// The same facts in canonical order: sorted, keys unique (facts and processes
// with equal keys are folded together, their shares added). Drops shares
// without an event and counts of zero. A call whose arguments matter
// (kernel::arg_spec) and were not watched gets unbounded ones. Idempotent.
Evidence canonical(Evidence evidence);

// Whether canonical() would change nothing.
bool is_canonical(const Evidence& evidence);

// Union by recording id: commutative, associative, idempotent. InvalidInput if
// the workloads differ (an owner may be filled in), if one id has two contents,
// or if one side folded (`compact`) an id that the other holds on its own. What
// is moved into it is not copied.
Result<Evidence> merge(Evidence a, Evidence b);

// The union of what `read` gives for each of the names, at least one. Each is
// read once and then merged with as many as were merged before, so that a
// thousand recordings are not copied a thousand times. InvalidInput, naming the
// first that does not fit those before it; to find that, all may be read again.
using Reader = std::function<Result<Evidence>(const std::string& name)>;
Result<Evidence> merge_all(std::span<const std::string> names,
                           const Reader& read);

// Of all recordings together, plus mixed_images where digests differ (an
// unknown digest differs from a known one) and no_recording where there is
// none.
Verdict verdict(const Evidence& evidence);

// The verdict that a list of gaps gives: sorts, removes doubles, decides.
Verdict judge(std::vector<Gap> gaps);

// Folds all recordings into one that lists their ids; one recording stays as it
// is. The order of folding does not matter. InvalidInput on none.
Result<Evidence> compact(const Evidence& evidence);

}  // namespace vambrace::evidence
