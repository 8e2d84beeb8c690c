#pragma once

#include <rapidcheck.h>

#include "evidence/merge.h"
#include "kernel/errnos.h"

// Random evidence for property tests. Names come from small sets, so that facts
// of different recordings meet.
namespace vambrace::evidence::generated {

namespace gen = rc::gen;

inline std::string name() {
  return *gen::oneOf(
      gen::element<std::string>("/usr/sbin/nginx", "/bin/sh", "", "a\\b",
                                "caf\xc3\xa9", "\xff\x01\"\n"),
      gen::container<std::string>(gen::arbitrary<char>()));
}

inline Instant instant() {
  return Instant(std::chrono::microseconds(
      *gen::inRange<std::int64_t>(0, 4'000'000'000'000'000)));
}

inline std::uint64_t number() {
  return *gen::weightedOneOf<std::uint64_t>(
      {{9, gen::inRange<std::uint64_t>(1, 50)},
       {1, gen::inRange<std::uint64_t>(1, ~0ULL)}});
}

// Some errors, no more than calls.
inline std::map<std::string, std::uint64_t> errnos(std::uint64_t calls) {
  std::map<std::string, std::uint64_t> out;
  while (calls > 0 && *gen::inRange(0, 3) == 0) {
    const std::uint64_t part = *gen::inRange<std::uint64_t>(0, calls) + 1;
    out[kernel::errno_name(*gen::inRange<std::uint32_t>(1, 600))] += part;
    calls -= part;
  }
  return out;
}

inline Share share() {
  Share out;
  const int kind = *gen::inRange(0, 4);
  out.count = kind == 0 ? 0 : number();
  out.denied = kind <= 1 ? number() : 0;
  if (out.count > 1 && *gen::arbitrary<bool>()) {
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

inline kernel::Syscall syscall() {
  const auto arch = *gen::elementOf(std::vector<kernel::Arch>(
      std::begin(kernel::kAllArches), std::end(kernel::kAllArches)));
  return {arch, *gen::oneOf(gen::element<std::uint32_t>(0, 9, 16, 41, 56, 435),
                            gen::inRange<std::uint32_t>(0, 500))};
}

inline std::optional<Arguments> arguments(const kernel::ArgSpec* spec) {
  if (spec == nullptr || *gen::inRange(0, 8) == 0) {
    return std::nullopt;
  }
  Arguments out;
  const int tuples = *gen::element(0, 1, 2, 3, 30, 65);
  for (int i = 0; i < tuples; ++i) {
    std::vector<std::uint64_t> tuple;
    for (const auto& argument : spec->arguments) {
      tuple.push_back(*gen::inRange<std::uint64_t>(0, 90) & argument.mask);
    }
    out.add(std::move(tuple));
  }
  return out;
}

inline Process process(const RecordingId& id) {
  Process out;
  out.key.exe = *gen::element<std::string>("/usr/sbin/nginx", "/bin/sh");
  out.key.build_id =
      *gen::element<std::optional<std::string>>(std::nullopt, "", "0badcafe");
  out.key.script = *gen::element<std::string>("", "/entry\xff.sh");
  out.key.origin = *gen::element(Origin::App, Origin::Runtime);
  const By by = {{id, share()}};
  for (int i = *gen::inRange(0, 5); i > 0; --i) {
    SyscallFact fact{.syscall = syscall(), .by = {{id, share()}}};
    fact.args = arguments(kernel::arg_spec(fact.syscall));
    fact.denied_args = arguments(kernel::arg_spec(fact.syscall));
    out.syscalls.push_back(std::move(fact));
  }
  if (*gen::arbitrary<bool>()) {
    out.files = {
        {.path = name(),
         .access = "r",
         .owner = *gen::element<std::optional<bool>>(std::nullopt, true, false),
         .by = by}};
    out.capabilities = {
        {.number = *gen::inRange<std::uint32_t>(0, 64),
         .during =
             *gen::arbitrary<bool>() ? std::optional(syscall()) : std::nullopt,
         .functions = {"inet_bind", name()},
         .audited = *gen::element(Audited::Yes, Audited::No, Audited::Unknown),
         .overridden = *gen::arbitrary<bool>(),
         .user_namespace = "initial",
         .by = by}};
    out.network = {{.operation = "bind",
                    .family = "inet",
                    .type = "stream",
                    .protocol = 6,
                    .address = name(),
                    .port = *gen::inRange<std::uint32_t>(0, 70000),
                    .by = by}};
    out.execs = {{.path = name(), .by = by}};
    out.signals = {{.signal = *gen::inRange<std::uint32_t>(0, 65), .by = by}};
  }
  return out;
}

inline Recording recording(const RecordingId& id) {
  Recording out;
  out.id = id;
  out.recorder = "ebpf";
  out.recorder_version = "0.1.0";
  out.start = instant();
  out.end = std::max(out.start, instant());
  out.kernel = *gen::element<std::string>("6.1.0", "6.18.0");
  out.arch = "x86_64";
  out.scope = "command";
  out.runtime = *gen::element<std::string>("runc", "");
  out.image = *gen::element<std::string>("sha256:aa", "sha256:bb");
  out.host = name();
  out.command = {name(), name()};
  out.no_new_privs = *gen::arbitrary<bool>();
  out.phases = {{"startup", out.start}};
  out.probes = {{"syscalls", "tp_btf/sys_enter"}};
  out.counters = {{"events", number()}};
  std::vector<Gap> gaps;
  if (*gen::arbitrary<bool>()) {
    gaps.push_back(
        {*gen::element<std::string>("filter_active", "map_full"), name()});
  }
  out.verdict = judge(gaps);
  return out;
}

// Evidence of one recording; different numbers give different ids.
inline Evidence one(int number_of_recording) {
  const RecordingId id = fmt::format("{:032x}", number_of_recording);
  Evidence out;
  out.workload = {"spiffe://local/nginx", "", ""};
  out.recordings = {recording(id)};
  for (int i = *gen::inRange(0, 4); i > 0; --i) {
    out.processes.push_back(process(id));
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
