#include <fmt/format.h>

#include <algorithm>

#include "evidence/facts.h"
#include "evidence/merge.h"

namespace vambrace::evidence {
namespace {

// An id that depends on the folded ids alone, so that folding the same
// recordings in any order or in steps gives the same one (FNV-1a, 128 bits).
RecordingId folded_id(const std::vector<RecordingId>& leaves) {
  __extension__ typedef unsigned __int128 Wide;
  const Wide prime = (Wide{1} << 88) + 0x13b;
  Wide hash = (Wide{0x6c62272e07bb0142} << 64) + 0x62b821756295c58d;
  for (const RecordingId& leaf : leaves) {
    for (const char c : leaf) {
      hash = (hash ^ static_cast<unsigned char>(c)) * prime;
    }
  }
  return fmt::format("{:016x}{:016x}", static_cast<std::uint64_t>(hash >> 64),
                     static_cast<std::uint64_t>(hash));
}

// The distinct values of one field; a value may itself be such a list.
std::string joined(const std::vector<Recording>& recordings,
                   std::string Recording::* field) {
  std::set<std::string> values;
  for (const Recording& recording : recordings) {
    const std::string& value = recording.*field;
    values.merge(listed(value.empty() ? "unknown" : value));
  }
  const bool none = values == std::set<std::string>{"unknown"};
  return none ? "" : list(values);
}

// Those of which no recording says otherwise.
std::vector<OwnedFolder> agreed_owners(const std::vector<Recording>& all) {
  std::map<std::string, std::set<OwnedFolder>> said;
  for (const Recording& one : all) {
    for (const OwnedFolder& folder : one.owners) {
      said[folder.path].insert(folder);
    }
  }
  std::vector<OwnedFolder> agreed;
  for (const auto& [path, owners] : said) {
    if (owners.size() == 1) {
      agreed.push_back(*owners.begin());
    }
  }
  return agreed;
}

Recording fold(const std::vector<Recording>& all) {
  Recording out = all.front();
  std::set<std::string> found;
  out.folded.clear();
  out.phases.clear();
  for (const Recording& one : all) {
    if (one.folded.empty()) {
      out.folded.push_back(one.id);
    }
    out.folded.insert(out.folded.end(), one.folded.begin(), one.folded.end());
    out.start = std::min(out.start, one.start);
    out.end = std::max(out.end, one.end);
    out.no_new_privs = out.no_new_privs && one.no_new_privs;
    if (one.command != out.command) {
      out.command.clear();
    }
    out.phases.insert(out.phases.end(), one.phases.begin(), one.phases.end());
    out.probes.insert(one.probes.begin(), one.probes.end());
    found.insert(one.found.begin(), one.found.end());
  }
  // Half of the paths is not all of them.
  for (const std::string_view kind : {kFoundProbe, kMadeProbe, kMountProbe,
                                      kPathProbe, kScriptProbe, kTraceProbe}) {
    if (std::ranges::any_of(all, [&](const Recording& one) {
          return !one.probes.contains(std::string(kind));
        })) {
      out.probes.erase(std::string(kind));
    }
  }
  out.found.assign(found.begin(), found.end());
  out.owners = agreed_owners(all);
  std::sort(out.folded.begin(), out.folded.end());
  out.id = folded_id(out.folded);
  std::sort(out.phases.begin(), out.phases.end(),
            [](const Phase& a, const Phase& b) {
              return std::tie(a.start, a.name) < std::tie(b.start, b.name);
            });
  for (const auto field :
       {&Recording::recorder, &Recording::recorder_version, &Recording::kernel,
        &Recording::arch, &Recording::scope, &Recording::runtime,
        &Recording::runtime_version, &Recording::image, &Recording::host}) {
    out.*field = joined(all, field);
  }
  // A fact of them all lies below a mount only if each of them had it.
  out.mounts = all.front().mounts;
  for (const Recording& one : all) {
    std::erase_if(out.mounts, [&](const std::string& path) {
      return !std::ranges::binary_search(one.mounts, path);
    });
  }
  return out;
}

// Counters are summed the way counts of facts are.
std::map<std::string, std::uint64_t> counters(
    const std::vector<Recording>& all) {
  Share sum;
  for (const Recording& one : all) {
    Share share;
    share.phases = one.counters;
    add(sum, share);
  }
  return sum.phases;
}

}  // namespace

Result<Evidence> compact(const Evidence& evidence) {
  Evidence out = canonical(evidence);
  if (out.recordings.empty()) {
    return std::unexpected(
        Error(ErrorCode::InvalidInput, "no recording to compact")
            .with_hint("vambrace record makes one"));
  }
  if (out.recordings.size() == 1) {
    return out;
  }
  Recording one = fold(out.recordings);
  one.counters = counters(out.recordings);
  // Also what only the recordings together show, such as mixed images.
  one.verdict = verdict(out);
  for (Process& process : out.processes) {
    each_list(
        [&](auto& list) {
          for (auto& fact : list) {
            fact.by = By{{one.id, total(fact.by)}};
          }
        },
        process);
  }
  out.recordings = {std::move(one)};
  return out;
}

}  // namespace vambrace::evidence
