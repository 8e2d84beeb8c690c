#include "evidence/merge.h"

#include <algorithm>
#include <functional>

#include "evidence/facts.h"

namespace vambrace::evidence {
namespace {

void drop_zeros(std::map<std::string, std::uint64_t>& counts) {
  std::erase_if(counts, [](const auto& entry) { return entry.second == 0; });
}

bool has_zero(const std::map<std::string, std::uint64_t>& counts) {
  return std::ranges::any_of(
      counts, [](const auto& entry) { return entry.second == 0; });
}

bool is_tidy(const By& by) {
  return !by.empty() && std::ranges::none_of(by, [](const auto& entry) {
    const Share& share = entry.second;
    return (share.count == 0 && share.denied == 0) || has_zero(share.phases) ||
           has_zero(share.errnos) || has_zero(share.denied_errnos);
  });
}

// Removes what says nothing: counts of zero, shares without an event.
void tidy(By& by) {
  for (auto& [id, share] : by) {
    drop_zeros(share.phases);
    drop_zeros(share.errnos);
    drop_zeros(share.denied_errnos);
  }
  std::erase_if(by, [](const auto& entry) {
    return entry.second.count == 0 && entry.second.denied == 0;
  });
}

// Whether there were such calls, and what their arguments were was not watched
// although it matters.
bool is_unwatched(const SyscallFact& fact,
                  const std::optional<Arguments>& arguments,
                  std::uint64_t Share::* number) {
  return !arguments && kernel::arg_spec(fact.syscall) != nullptr &&
         std::ranges::any_of(fact.by, [&](const auto& entry) {
           return entry.second.*number != 0;
         });
}

template <class Fact>
bool has_all_arguments(const Fact& /*fact*/) {
  return true;
}
bool has_all_arguments(const SyscallFact& fact) {
  return !is_unwatched(fact, fact.args, &Share::count) &&
         !is_unwatched(fact, fact.denied_args, &Share::denied);
}

template <class Fact>
void complete_arguments(Fact& /*fact*/) {}

// A call whose arguments matter and were not watched may have had any.
void complete_arguments(SyscallFact& fact) {
  const Arguments unbounded{.tuples = {}, .unbounded = true};
  if (is_unwatched(fact, fact.args, &Share::count)) {
    fact.args = unbounded;
  }
  if (is_unwatched(fact, fact.denied_args, &Share::denied)) {
    fact.denied_args = unbounded;
  }
}

template <class Fact>
bool key_less(const Fact& a, const Fact& b) {
  return key_of(a) < key_of(b);
}

// Is it what fold() would make of it?
template <class Fact>
bool is_folded(const std::vector<Fact>& facts) {
  return std::ranges::all_of(facts,
                             [](const Fact& fact) {
                               return is_tidy(fact.by) &&
                                      has_all_arguments(fact);
                             }) &&
         std::ranges::adjacent_find(facts, std::not_fn(key_less<Fact>)) ==
             facts.end();
}

// Sorts by key and folds neighbors with equal keys into one, adding shares.
template <class Fact>
void fold(std::vector<Fact>& facts) {
  for (Fact& fact : facts) {
    tidy(fact.by);
  }
  std::erase_if(facts, [](const Fact& fact) { return fact.by.empty(); });
  if (!std::is_sorted(facts.begin(), facts.end(), key_less<Fact>)) {
    std::stable_sort(facts.begin(), facts.end(), key_less<Fact>);
  }
  std::vector<Fact> out;
  out.reserve(facts.size());
  for (Fact& fact : facts) {
    if (out.empty() || key_less(out.back(), fact)) {
      out.push_back(std::move(fact));
      continue;
    }
    absorb_arguments(out.back(), fact);
    for (const auto& [id, share] : fact.by) {
      add(out.back().by[id], share);
    }
  }
  for (Fact& fact : out) {
    complete_arguments(fact);
  }
  facts = std::move(out);
}

void fold(std::vector<Process>& processes) {
  std::stable_sort(
      processes.begin(), processes.end(),
      [](const Process& a, const Process& b) { return a.key < b.key; });
  std::vector<Process> out;
  out.reserve(processes.size());
  for (Process& process : processes) {
    if (out.empty() || out.back().key != process.key) {
      out.push_back(std::move(process));
      continue;
    }
    each_list(
        [](auto& to, auto& from) {
          to.insert(to.end(), std::make_move_iterator(from.begin()),
                    std::make_move_iterator(from.end()));
        },
        out.back(), process);
  }
  for (Process& process : out) {
    each_list([](auto& list) { fold(list); }, process);
  }
  processes = std::move(out);
}

// The recordings whose facts this one holds.
std::vector<RecordingId> leaves(const Recording& recording) {
  return recording.folded.empty() ? std::vector{recording.id}
                                  : recording.folded;
}

std::unexpected<Error> refuse_content(const RecordingId& id) {
  return std::unexpected(
      Error(ErrorCode::InvalidInput,
            fmt::format("recording {} has different content on the two sides",
                        id))
          .with_hint("one of the files was changed after it was recorded; "
                     "keep the original"));
}

Result<std::vector<Recording>> unite(std::vector<Recording> a,
                                     std::vector<Recording> b) {
  std::map<RecordingId, Recording> all;
  for (auto* side : {&a, &b}) {
    for (Recording& recording : *side) {
      const auto slot = all.find(recording.id);
      if (slot == all.end()) {
        RecordingId id = recording.id;
        all.emplace(std::move(id), std::move(recording));
      } else if (slot->second != recording) {
        return refuse_content(recording.id);
      }
    }
  }
  std::map<RecordingId, RecordingId> owner;
  std::vector<Recording> out;
  for (auto& [id, recording] : all) {
    for (const RecordingId& leaf : leaves(recording)) {
      const auto [slot, fresh] = owner.try_emplace(leaf, id);
      if (!fresh) {
        return std::unexpected(
            Error(ErrorCode::InvalidInput,
                  fmt::format("recording {} is in both {} and {}", leaf,
                              slot->second, id))
                .with_hint("merge the compacted file or its parts, not both"));
      }
    }
    out.push_back(std::move(recording));
  }
  return out;
}

using Ids = std::set<RecordingId>;

// A fact that one side lacks cannot be of a recording that both sides hold.
Result<> expect_foreign(const By& by, const Ids& common) {
  for (const auto& [id, share] : by) {
    if (common.contains(id)) {
      return refuse_content(id);
    }
  }
  return {};
}

// Each recording that both sides hold has the same share in both.
Result<> expect_same(const By& a, const By& b, const Ids& common) {
  for (const RecordingId& id : common) {
    const auto left = a.find(id);
    const auto right = b.find(id);
    const bool both = left != a.end() && right != b.end();
    const bool neither = left == a.end() && right == b.end();
    if (!neither && !(both && left->second == right->second)) {
      return refuse_content(id);
    }
  }
  return {};
}

bool includes(const std::optional<Arguments>& whole,
              const std::optional<Arguments>& part) {
  if (!part || (whole && whole->unbounded)) {
    return true;
  }
  return whole && !part->unbounded &&
         std::includes(whole->tuples.begin(), whole->tuples.end(),
                       part->tuples.begin(), part->tuples.end());
}

template <class Fact>
bool arguments_agree(const Fact& /*whole*/, const Fact& /*part*/) {
  return true;
}

// Arguments are kept per fact, not per recording. What a side saw in some
// recordings must be part of what the other saw in these and more.
bool arguments_agree(const SyscallFact& whole, const SyscallFact& part) {
  const auto held = [&](const auto& entry) {
    return whole.by.contains(entry.first);
  };
  return !std::all_of(part.by.begin(), part.by.end(), held) ||
         (includes(whole.args, part.args) &&
          includes(whole.denied_args, part.denied_args));
}

template <class Fact>
Result<Fact> unite(Fact a, Fact b, const Ids& common) {
  TRY(expect_same(a.by, b.by, common));
  if (!arguments_agree(a, b) || !arguments_agree(b, a)) {
    return std::unexpected(
        Error(ErrorCode::InvalidInput,
              "the two sides disagree on the arguments of one recording")
            .with_hint("one of the files was changed after it was recorded; "
                       "keep the original"));
  }
  absorb_arguments(a, b);
  a.by.merge(std::move(b.by));
  return a;
}

template <class Fact>
Result<std::vector<Fact>> unite(std::vector<Fact> a, std::vector<Fact> b,
                                const Ids& common) {
  std::vector<Fact> out;
  out.reserve(std::max(a.size(), b.size()));
  auto left = a.begin();
  auto right = b.begin();
  while (left != a.end() || right != b.end()) {
    if (right == b.end() || (left != a.end() && key_less(*left, *right))) {
      TRY(expect_foreign(left->by, common));
      out.push_back(std::move(*left++));
    } else if (left == a.end() || key_less(*right, *left)) {
      TRY(expect_foreign(right->by, common));
      out.push_back(std::move(*right++));
    } else {
      TRY_ASSIGN(Fact fact,
                 unite(std::move(*left++), std::move(*right++), common));
      out.push_back(std::move(fact));
    }
  }
  return out;
}

Result<std::vector<Process>> unite(std::vector<Process> a,
                                   std::vector<Process> b, const Ids& common) {
  std::map<ProcessKey, std::pair<Process, Process>> sides;
  for (Process& process : a) {
    sides[process.key].first = std::move(process);
  }
  for (Process& process : b) {
    sides[process.key].second = std::move(process);
  }
  std::vector<Process> out;
  for (auto& [key, both] : sides) {
    Result<> done;
    each_list(
        [&](auto& left, auto& right) {
          if (!done) {
            return;
          }
          auto list = unite(std::move(left), std::move(right), common);
          if (list) {
            left = std::move(*list);
          } else {
            done = std::unexpected(std::move(list).error());
          }
        },
        both.first, both.second);
    TRY(during(key.exe, std::move(done)));
    both.first.key = key;
    out.push_back(std::move(both.first));
  }
  return out;
}

Result<Workload> unite(const Workload& a, const Workload& b) {
  const auto name = [](const Workload& w) {
    return w.container.empty() ? w.id : w.id + " (" + w.container + ")";
  };
  if (a.id != b.id || a.container != b.container) {
    return std::unexpected(
        Error(ErrorCode::InvalidInput,
              fmt::format("evidence of two workloads, {} and {}", name(a),
                          name(b)))
            .with_hint("merge recordings of one workload; a bundle holds one"));
  }
  if (!a.owner.empty() && !b.owner.empty() && a.owner != b.owner) {
    return fail(ErrorCode::InvalidInput, "{} has two owners, {} and {}",
                name(a), a.owner, b.owner);
  }
  return Workload{a.id, a.container, a.owner.empty() ? b.owner : a.owner};
}

bool is_canonical(const Recording& recording) {
  return recording.verdict == judge(recording.verdict.gaps) &&
         std::ranges::is_sorted(recording.folded);
}

bool is_canonical(const Process& process) {
  bool folded = true;
  each_list([&](const auto& list) { folded = folded && is_folded(list); },
            process);
  return folded;
}

// The first that does not fit those before it.
Result<Evidence> merge_in_order(std::span<const std::string> names,
                                const Reader& read) {
  TRY_ASSIGN(Evidence all, read(names.front()));
  for (const std::string& name : names.subspan(1)) {
    TRY_ASSIGN(Evidence one, read(name));
    TRY_ASSIGN(all, during(name, merge(std::move(all), std::move(one))));
  }
  return all;
}

// As many names as the evidence was merged from.
struct Part {
  Evidence evidence;
  std::size_t size = 1;
};

Result<> join_last(std::vector<Part>& parts) {
  Part last = std::move(parts.back());
  parts.pop_back();
  Part& left = parts.back();
  TRY_ASSIGN(left.evidence,
             merge(std::move(left.evidence), std::move(last.evidence)));
  left.size += last.size;
  return {};
}

// Joins the last two while the one before is no larger; at the end all.
Result<> join(std::vector<Part>& parts, bool all) {
  while (parts.size() > 1 &&
         (all || parts[parts.size() - 2].size <= parts.back().size)) {
    TRY(join_last(parts));
  }
  return {};
}

}  // namespace

bool is_canonical(const Evidence& evidence) {
  const auto is_fine = [](const auto& one) { return is_canonical(one); };
  return std::ranges::all_of(evidence.recordings, is_fine) &&
         std::ranges::is_sorted(evidence.recordings, {}, &Recording::id) &&
         std::ranges::adjacent_find(evidence.recordings) ==
             evidence.recordings.end() &&
         std::ranges::all_of(evidence.processes, is_fine) &&
         std::ranges::adjacent_find(evidence.processes,
                                    std::not_fn(std::less()),
                                    &Process::key) == evidence.processes.end();
}

Evidence canonical(Evidence evidence) {
  if (is_canonical(evidence)) {
    return evidence;
  }
  for (Recording& recording : evidence.recordings) {
    recording.verdict = judge(std::move(recording.verdict.gaps));
    std::sort(recording.folded.begin(), recording.folded.end());
  }
  std::stable_sort(
      evidence.recordings.begin(), evidence.recordings.end(),
      [](const Recording& a, const Recording& b) { return a.id < b.id; });
  evidence.recordings.erase(
      std::unique(evidence.recordings.begin(), evidence.recordings.end()),
      evidence.recordings.end());
  fold(evidence.processes);
  return evidence;
}

Result<Evidence> merge(Evidence a, Evidence b) {
  a = canonical(std::move(a));
  b = canonical(std::move(b));
  Ids common;
  for (const Recording& recording : a.recordings) {
    common.insert(recording.id);
  }
  Ids held;
  for (const Recording& recording : b.recordings) {
    held.insert(recording.id);
  }
  std::erase_if(common, [&](const auto& id) { return !held.contains(id); });

  Evidence out;
  TRY_ASSIGN(out.workload, unite(a.workload, b.workload));
  TRY_ASSIGN(out.recordings,
             unite(std::move(a.recordings), std::move(b.recordings)));
  TRY_ASSIGN(out.processes,
             unite(std::move(a.processes), std::move(b.processes), common));
  return out;
}

Result<Evidence> merge_all(std::span<const std::string> names,
                           const Reader& read) {
  if (names.empty()) {
    return fail(ErrorCode::InvalidInput, "no evidence given");
  }
  std::vector<Part> parts;
  for (std::size_t i = 0; i < names.size(); ++i) {
    TRY_ASSIGN(Evidence one, read(names[i]));
    parts.push_back({.evidence = std::move(one)});
    if (!join(parts, i + 1 == names.size())) {
      // Which of many it was, only their order tells.
      return merge_in_order(names, read);
    }
  }
  return std::move(parts.front().evidence);
}

}  // namespace vambrace::evidence
