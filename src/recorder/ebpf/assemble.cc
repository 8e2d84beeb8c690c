#include "recorder/ebpf/assemble.h"

#include <cstring>
#include <map>
#include <optional>

#include "evidence/merge.h"
#include "kernel/errnos.h"
#include "kernel/syscalls.h"
#include "recorder/ebpf/addresses.h"
#include "recorder/ebpf/gaps.h"
#include "recorder/ebpf/mount_facts.h"
#include "recorder/ebpf/origins.h"

namespace vambrace::recorder::ebpf {
namespace {

using evidence::Arguments;
using evidence::Gap;
using evidence::Instant;
using evidence::Process;
using evidence::Share;
using kernel::Syscall;

constexpr std::uint32_t kSigsys = 0x10000;

Syscall syscall_of(std::uint32_t arch, std::uint32_t nr) {
  return {static_cast<kernel::Arch>(arch & 3), nr};
}

std::string error_of(std::uint32_t error) {
  return error == kSigsys ? "SIGSYS" : kernel::errno_name(error);
}

std::string phase_of(const vmb_phase& phase, const Frame& frame) {
  const std::string_view bytes(phase.name, VMB_PHASE_NAME);
  std::string name(bytes.substr(0, bytes.find('\0')));
  const auto slice = frame.slices.find(name);
  return slice == frame.slices.end() ? name : slice->second;
}

// Each phase once, where it began; then the tests.
void add_phases(evidence::Recording& recording, const Raw& raw,
                const Frame& frame) {
  std::set<std::string> known;
  const auto add = [&](std::string name, Instant start) {
    if (known.insert(name).second) {
      recording.phases.push_back({std::move(name), start});
    }
  };
  for (const vmb_phase& phase : raw.phases) {
    add(phase_of(phase, frame),
        Instant(std::chrono::microseconds(
            (static_cast<std::int64_t>(phase.start) + frame.clock_offset) /
            1000)));
  }
  for (const evidence::Span& test : frame.tests.all()) {
    add(test.name, test.from);
  }
  if (!frame.tests.empty()) {
    add(std::string(evidence::kAcrossTests), frame.tests.all().front().from);
  }
  std::ranges::stable_sort(recording.phases, {}, &evidence::Phase::start);
}

// Builds the processes of one evidence, fact by fact.
class Builder {
 public:
  Builder(const Raw& raw, const Frame& frame)
      : raw_(raw),
        frame_(frame),
        keys_(process_keys(raw, frame.scope, frame.with_harness,
                           frame.probe_commands)) {}

  std::vector<Process> build() {
    for (const auto& [key, tally] : raw_.facts) {
      if (tally.count != 0 && keys_of(key.image)) {
        count(call(key.image, syscall_of(key.arch, key.nr)), key.phase, tally);
      }
    }
    for (const auto& [key, tally] : raw_.errnos) {
      if (keys_of(key.image)) {
        add_error(key, tally);
      }
    }
    for (const auto& [key, value] : raw_.tuples) {
      if (keys_of(key.image)) {
        arguments(key.image, key.arch, key.denied, key.nr)
            .add({key.value, key.value + std::min<std::uint32_t>(key.used, 3)});
      }
    }
    for (const auto& [key, seen] : raw_.tuple_counts) {
      if (keys_of(key.image) && seen > VMB_MAX_TUPLES) {
        Arguments& found = arguments(key.image, key.arch, key.denied, key.nr);
        found.tuples.clear();
        found.unbounded = true;
      }
    }
    for (const auto& [key, tally] : raw_.others) {
      if (keys_of(key.image)) {
        // The call may not have come to its end.
        add_other(key,
                  {std::max<u64>(tally.count, 1), tally.first, tally.last});
      }
    }
    for (const auto& [key, file] : raw_.files) {
      if (keys_of(key.image)) {
        add_file(key, file);
      }
    }
    for (std::size_t row = 0; row < raw_.mounts.size(); ++row) {
      if (keys_of(raw_.mounts[row].first.image)) {
        add_mount(row);
      }
    }
    for (const auto& [key, tally] : raw_.caps) {
      if (keys_of(key.image)) {
        add_capability(key, tally);
      }
    }
    return finish();
  }

 private:
  struct Draft {
    std::map<Syscall, evidence::SyscallFact> calls;
    Process process;
  };

  bool keys_of(std::uint32_t image) const {
    return image < keys_.size() && keys_[image].has_value();
  }

  Draft& draft(std::uint32_t image) { return drafts_[image]; }

  evidence::SyscallFact& call_fact(std::uint32_t image, Syscall syscall) {
    evidence::SyscallFact& fact = draft(image).calls[syscall];
    fact.syscall = syscall;
    return fact;
  }

  Share& call(std::uint32_t image, Syscall syscall) {
    return call_fact(image, syscall).by[frame_.recording.id];
  }

  Arguments& arguments(std::uint32_t image, std::uint32_t arch,
                       std::uint32_t denied, std::uint32_t nr) {
    evidence::SyscallFact& fact = call_fact(image, syscall_of(arch, nr));
    std::optional<Arguments>& chosen =
        denied != 0 ? fact.denied_args : fact.args;
    if (!chosen) {
      chosen.emplace();
    }
    return *chosen;
  }

  Instant instant(std::uint64_t ktime) const {
    const std::int64_t nanoseconds =
        static_cast<std::int64_t>(ktime) + frame_.clock_offset;
    return Instant(std::chrono::microseconds(nanoseconds / 1000));
  }

  std::string phase_name(std::uint32_t phase) const {
    if (phase >= raw_.phases.size()) {
      return "startup";
    }
    return phase_of(raw_.phases[phase], frame_);
  }

  // The test that this surely belongs to, where tests are known. The end is
  // counted in jiffies.
  std::string phase_name(std::uint32_t phase, const vmb_tally& tally) const {
    constexpr std::chrono::milliseconds kTick{10};
    const std::string_view test =
        frame_.tests.around(instant(tally.first) - kTick,
                            instant(std::max(tally.first, tally.last)) + kTick);
    return test.empty() ? phase_name(phase) : std::string(test);
  }

  void extend(Share& share, const vmb_tally& tally) const {
    const Instant first = instant(tally.first);
    const Instant last = instant(std::max(tally.first, tally.last));
    const bool fresh = share.first == Instant{} && share.last == Instant{};
    share.first = fresh ? first : std::min(share.first, first);
    share.last = fresh ? last : std::max(share.last, last);
  }

  void count(Share& share, std::uint32_t phase, const vmb_tally& tally) const {
    share.count += tally.count;
    share.phases[phase_name(phase, tally)] += tally.count;
    extend(share, tally);
  }

  void add_error(const vmb_errno_key& key, const vmb_tally& tally) {
    Share& share = call(key.image, syscall_of(key.arch, key.nr));
    if (key.denied != 0) {
      share.denied += tally.count;
      share.denied_errnos[error_of(key.error)] += tally.count;
    } else {
      share.errnos[error_of(key.error)] += tally.count;
    }
    extend(share, tally);
  }

  void add_other(const vmb_other_key& key, const vmb_tally& tally) {
    Process& process = draft(key.image).process;
    switch (key.kind) {
      case VMB_OTHER_EXEC: {
        evidence::ExecFact fact;
        if (key.protocol >= raw_.images.size() || key.protocol == 0) {
          return;
        }
        fact.path = path_of(raw_.images[key.protocol]);
        count(fact.by[frame_.recording.id], key.phase, tally);
        process.execs.push_back(std::move(fact));
        return;
      }
      case VMB_OTHER_SIGNAL: {
        evidence::SignalFact fact;
        fact.signal = key.type;
        fact.other = side_of(key);
        count(fact.by[frame_.recording.id], key.phase, tally);
        process.signals.push_back(std::move(fact));
        return;
      }
      case VMB_OTHER_USER: {
        evidence::UserFact fact;
        std::memcpy(&fact.uid, key.address, sizeof fact.uid);
        std::memcpy(&fact.gid, key.address + sizeof fact.uid, sizeof fact.gid);
        fact.raised = key.type != 0;
        count(fact.by[frame_.recording.id], key.phase, tally);
        process.users.push_back(std::move(fact));
        return;
      }
      case VMB_OTHER_TRACE: {
        evidence::TraceFact fact = trace_fact(raw_, key);
        count(fact.by[frame_.recording.id], key.phase, tally);
        process.traces.push_back(std::move(fact));
        return;
      }
      default: {
        evidence::NetworkFact fact = network_fact(key, frame_.redact);
        count(fact.by[frame_.recording.id], key.phase, tally);
        process.network.push_back(std::move(fact));
        return;
      }
    }
  }

  void add_file(const vmb_file_key& key, const vmb_file& file) {
    const auto path = path_of(raw_, key, file);
    if (!path) {
      return;  // counted: gaps_of() tells
    }
    evidence::FileFact fact;
    fact.path = *path;
    fact.access = letters_of(key.access);
    if ((key.access & VMB_FILE_NAMED_ONLY) == 0) {
      fact.owner = (key.access & VMB_FILE_OWNED) != 0;
    }
    count(fact.by[frame_.recording.id], key.phase, file.tally);
    auto& files = draft(key.image).process.files;
    if ((key.access & VMB_FILE_MADE) != 0) {
      files.push_back(fact);
      files.back().access = "c";
    }
    files.push_back(std::move(fact));
  }

  void add_mount(std::size_t row) {
    const auto& [key, mount] = raw_.mounts[row];
    evidence::MountFact fact = mount_fact(raw_, row);
    count(fact.by[frame_.recording.id], key.phase, mount.tally);
    draft(key.image).process.mounts.push_back(std::move(fact));
  }

  void add_capability(const vmb_cap_key& key, const vmb_tally& tally) {
    evidence::CapabilityFact fact;
    fact.number = key.cap;
    if (key.during_nr != 0) {
      fact.during = syscall_of(key.during_arch, key.during_nr - 1);
    }
    if (const auto found = raw_.stacks.find(key.stack);
        found != raw_.stacks.end()) {
      fact.functions = found->second;
    }
    if ((key.flags & VMB_CAP_AUDIT_KNOWN) != 0) {
      fact.audited = (key.flags & VMB_CAP_NO_AUDIT) != 0
                         ? evidence::Audited::No
                         : evidence::Audited::Yes;
    }
    fact.overridden = (key.flags & VMB_CAP_OVERRIDDEN) != 0;
    fact.user_namespace = (key.flags & VMB_CAP_NS_OWN) != 0      ? "own"
                          : (key.flags & VMB_CAP_NS_NESTED) != 0 ? "nested"
                          : (key.flags & VMB_CAP_NS_OTHER) != 0  ? "other"
                                                                 : "initial";
    Share& share = fact.by[frame_.recording.id];
    if ((key.flags & VMB_CAP_REFUSED) != 0) {
      share.denied = tally.count;
      share.denied_errnos["EPERM"] = tally.count;
      extend(share, tally);
    } else {
      count(share, key.phase, tally);
    }
    draft(key.image).process.capabilities.push_back(std::move(fact));
  }

  std::vector<Process> finish() {
    std::vector<Process> processes;
    for (std::uint32_t image = 1; image < keys_.size(); ++image) {
      if (!keys_[image]) {
        continue;
      }
      Draft& draft = drafts_[image];
      draft.process.key = *keys_[image];
      for (auto& [syscall, fact] : draft.calls) {
        draft.process.syscalls.push_back(std::move(fact));
      }
      processes.push_back(std::move(draft.process));
    }
    return processes;
  }

  const Raw& raw_;
  const Frame& frame_;
  std::vector<std::optional<evidence::ProcessKey>> keys_;
  std::map<std::uint32_t, Draft> drafts_;
};

}  // namespace

evidence::Evidence assemble(const Raw& raw, const Frame& frame) {
  evidence::Evidence result;
  result.workload = frame.workload;
  result.processes = Builder(raw, frame).build();

  evidence::Recording recording = frame.recording;
  recording.phases.clear();
  add_phases(recording, raw, frame);
  recording.counters = counters_of(raw);
  if (const auto found = raw.found.find(frame.scope);
      found != raw.found.end()) {
    recording.found.assign(found->second.begin(), found->second.end());
  }
  if (const auto owners = raw.owners.find(frame.scope);
      owners != raw.owners.end()) {
    for (const auto& [path, folder] : owners->second) {
      recording.owners.push_back(folder);
    }
  }
  if (raw.looked.contains(frame.scope)) {
    recording.probes[std::string(evidence::kFoundProbe)] = "getdents64";
  }
  std::vector<Gap> gaps = frame.gaps;
  for (Gap& gap : gaps_of(raw, frame.scope)) {
    gaps.push_back(std::move(gap));
  }
  if (frame.light) {
    gaps.push_back({"no_exit_probe",
                    "recorded with --light: errnos, refused calls and files "
                    "were not watched"});
  }
  for (Gap& gap : gaps_in(result.processes)) {
    gaps.push_back(std::move(gap));
  }
  recording.verdict = evidence::judge(std::move(gaps));
  result.recordings.push_back(std::move(recording));
  return evidence::canonical(std::move(result));
}

}  // namespace vambrace::recorder::ebpf
