#pragma once

#include <rapidcheck.h>

#include <random>

#include "evidence/merge.h"
#include "kernel/errnos.h"

// Random evidence for property tests. Names come from small sets, so that facts
// of different recordings meet.
//
// rapidcheck draws the seed and counts the rounds; the values come from a plain
// generator: drawing each from rapidcheck takes a hundred times as long, and
// what it shrinks is no easier to read.
namespace vambrace::evidence::generated {

class Source {
 public:
  explicit Source(std::uint64_t seed) : random_(seed) {}

  // Below `end`.
  std::uint64_t below(std::uint64_t end) { return random_() % end; }
  bool flip() { return below(2) == 0; }
  template <class T>
  T pick(std::initializer_list<T> of) {
    return *(of.begin() + below(of.size()));
  }
  std::string word(std::initializer_list<const char*> of) { return pick(of); }

  std::string name() {
    if (flip()) {
      return word({"/usr/sbin/nginx", "/bin/sh", "", "a\\b", "caf\xc3\xa9",
                   "\xff\x01\"\n"});
    }
    std::string out;
    for (std::uint64_t left = below(40); left > 0; --left) {
      out += static_cast<char>(below(256));
    }
    return out;
  }

  std::string path() {
    std::string out = "/" + name();
    std::erase(out, '\0');
    return out;
  }

  Instant instant() {
    return Instant(std::chrono::microseconds(below(4'000'000'000'000'000)));
  }

  std::uint64_t number() {
    return below(10) != 0 ? 1 + below(49) : 1 + below(~0ULL - 1);
  }

  // Some errors, no more than calls.
  std::map<std::string, std::uint64_t> errnos(std::uint64_t calls) {
    std::map<std::string, std::uint64_t> out;
    while (calls > 0 && below(3) == 0) {
      const std::uint64_t part = below(calls) + 1;
      out[kernel::errno_name(1 + static_cast<std::uint32_t>(below(599)))] +=
          part;
      calls -= part;
    }
    return out;
  }

  Share share() {
    Share out;
    const std::uint64_t kind = below(4);
    out.count = kind == 0 ? 0 : number();
    out.denied = kind <= 1 ? number() : 0;
    if (out.count > 1 && flip()) {
      out.phases = {{"startup", 1}, {"serving", out.count - 1}};
    } else if (out.count > 0) {
      out.phases = {{"startup", out.count}};
    }
    out.errnos = errnos(out.count);
    out.denied_errnos = errnos(out.denied);
    out.first = instant();
    out.last = std::max(out.first, instant());
    return out;
  }

  kernel::Syscall syscall() {
    const auto arch = kernel::kAllArches[below(std::size(kernel::kAllArches))];
    const auto any = static_cast<std::uint32_t>(below(500));
    return {arch, flip() ? pick<std::uint32_t>({0, 9, 16, 41, 56, 435}) : any};
  }

  std::optional<Arguments> arguments(const kernel::ArgSpec* spec) {
    if (spec == nullptr || below(8) == 0) {
      return std::nullopt;
    }
    Arguments out;
    for (int left = pick({0, 1, 2, 3, 30, 65}); left > 0; --left) {
      std::vector<std::uint64_t> tuple;
      for (const auto& argument : spec->arguments) {
        tuple.push_back(below(90) & argument.mask);
      }
      out.add(std::move(tuple));
    }
    return out;
  }

  CapabilityFact capability(const By& by) {
    return {.number = static_cast<std::uint32_t>(below(64)),
            .during = flip() ? std::optional(syscall()) : std::nullopt,
            .functions = {word({"inet_bind", "cap_vm_enough_memory"}), name()},
            .audited = pick({Audited::Yes, Audited::No, Audited::Unknown}),
            .overridden = below(4) == 0,
            .user_namespace = word({"initial", "own", "nested", "other"}),
            .by = by};
  }

  std::optional<std::string> known(std::string text) {
    std::erase(text, '\0');
    return below(4) == 0 ? std::nullopt : std::optional(std::move(text));
  }

  MountFact mount(const By& by) {
    return {
        .operation =
            std::string(kMountOperations[below(std::size(kMountOperations))]),
        .fstype = word({"", "tmpfs", "a\"b"}),
        .options = pick<std::vector<std::string>>(
            {{}, {"ro"}, {"nosuid", "rw"}, {"0x2000000", "rw"}}),
        .source = known(flip() ? path() : word({"", "none", "a, /** rw,\n"})),
        .target = known(path()),
        .by = by};
  }

  TraceFact trace(const By& by) {
    const Side other = pick({Side::Program, Side::Outside, Side::Unknown});
    return {.access = word({"read", "trace"}),
            .other = other,
            .exe = other == Side::Program ? name() : "",
            .by = by};
  }

  Process process(const RecordingId& id) {
    Process out;
    out.key.exe = word({"/usr/sbin/nginx", "/bin/sh"});
    out.key.build_id =
        pick<std::optional<std::string>>({std::nullopt, "", "0badcafe"});
    out.key.script = word({"", "/entry\xff.sh"});
    out.key.origin = pick({Origin::App, Origin::Runtime});
    const By by = {{id, share()}};
    for (std::uint64_t left = below(5); left > 0; --left) {
      SyscallFact fact{.syscall = syscall(), .by = {{id, share()}}};
      fact.args = arguments(kernel::arg_spec(fact.syscall));
      fact.denied_args = arguments(kernel::arg_spec(fact.syscall));
      out.syscalls.push_back(std::move(fact));
    }
    if (flip()) {
      out.files = {
          {.path = path(),
           .access = word({"r", "acrw", "acikmoprwx"}),
           .owner = pick<std::optional<bool>>({std::nullopt, true, false}),
           .by = by}};
      out.capabilities = {capability(by)};
      out.network = {{.operation = "bind",
                      .family = "inet",
                      .type = "stream",
                      .protocol = 6,
                      .address = name(),
                      .port = static_cast<std::uint32_t>(below(70'000)),
                      .by = by}};
      out.execs = {{.path = name(), .by = by}};
      out.signals = {
          {.signal = static_cast<std::uint32_t>(below(65)),
           .other = pick({Side::Program, Side::Outside, Side::Unknown}),
           .by = by}};
      out.users = {{.uid = static_cast<std::uint32_t>(below(3)),
                    .gid = static_cast<std::uint32_t>(below(~0U)),
                    .raised = flip(),
                    .by = by}};
      out.mounts = {mount(by)};
      out.traces = {trace(by)};
    }
    return out;
  }

  Recording recording(const RecordingId& id) {
    Recording out;
    out.id = id;
    out.recorder = "ebpf";
    out.recorder_version = "0.1.0";
    out.start = instant();
    out.end = std::max(out.start, instant());
    out.kernel = word({"6.1.0", "6.18.0"});
    out.arch = "x86_64";
    out.scope = "command";
    out.runtime = word({"runc", ""});
    out.image = word({"sha256:aa", "sha256:bb"});
    if (flip()) {
      out.mounts = {"/a" + path(), "/b" + path()};
    }
    if (flip()) {
      out.found = {"/a" + path(), "/b" + path()};
      out.owners = {{"/a" + path(), 0, 33, 02775},
                    {"/b" + path(), 33, 33, 0700}};
    }
    out.host = name();
    out.command = {name(), name()};
    out.no_new_privs = flip();
    out.phases = {{"startup", out.start}};
    out.probes = {{"syscalls", "tp_btf/sys_enter"}};
    if (flip()) {
      out.probes.emplace(kFoundProbe, "getdents64");
    }
    if (flip()) {
      out.probes.emplace(kMountProbe, "lsm/sb_mount");
      out.probes.emplace(kTraceProbe, "lsm/ptrace_access_check");
    }
    out.counters = {{"events", number()}};
    std::vector<Gap> gaps;
    if (flip()) {
      gaps.push_back({word({"filter_active", "map_full"}), name()});
    }
    out.verdict = judge(gaps);
    return out;
  }

 private:
  std::mt19937_64 random_;
};

inline Source source() {
  return Source(*rc::gen::arbitrary<std::uint64_t>());
}

inline Instant instant() {
  return source().instant();
}

// Evidence of one recording; different numbers give different ids.
inline Evidence one(int number_of_recording) {
  Source from(*rc::gen::arbitrary<std::uint64_t>() * 64 +
              static_cast<std::uint64_t>(number_of_recording));
  const RecordingId id = fmt::format("{:032x}", number_of_recording);
  Evidence out;
  out.workload = {"spiffe://local/nginx", "", ""};
  out.recordings = {from.recording(id)};
  for (std::uint64_t left = from.below(4); left > 0; --left) {
    out.processes.push_back(from.process(id));
  }
  return canonical(std::move(out));
}

// The recordings of a subset (bit i: the i-th), merged.
inline Evidence subset(const std::vector<Evidence>& all, unsigned bits) {
  Evidence out;
  out.workload = all.front().workload;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if ((bits >> i & 1) != 0) {
      out = merge(out, all[i]).value();
    }
  }
  return out;
}

}  // namespace vambrace::evidence::generated
