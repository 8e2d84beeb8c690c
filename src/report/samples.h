#pragma once

#include <string>
#include <string_view>

#include "base/json.h"
#include "review/review.h"

// A review with one of everything, for tests. `tail` stands at the end of every
// text that could come from outside.
namespace vambrace::report::sample {

inline kernel::Syscall call(const char* name) {
  return {kernel::Arch::X86_64,
          kernel::syscall_number(kernel::Arch::X86_64, name).value()};
}

class Teller {
 public:
  explicit Teller(std::string_view tail) : tail_(tail) {}
  std::string operator()(std::string_view text) const {
    return std::string(text) + tail_;
  }

 private:
  std::string tail_;
};

inline review::Risk risk(const Teller& t, review::RiskClass level) {
  return {level,
          t("controls other processes"),
          {t("https://man7.org/linux/man-pages/"), t("ptrace(2)")},
          {t("CVE-2022-0185")}};
}

inline review::Grant grant(const Teller& t) {
  review::Grant grant;
  grant.subject = t("syscall ptrace");
  grant.program = t("/usr/bin/gdb");
  grant.limits = t("request is 0x0");
  grant.arches = {kernel::Arch::X86_64};
  grant.risk = risk(t, review::RiskClass::High);
  grant.needs = {{review::Role::App,
                  t("/usr/sbin/nginx"),
                  t("/etc/script"),
                  12,
                  {t("startup"), t("serving")}},
                 {review::Role::Helper, t("/bin/sh"), "", 2, {t("serving")}}};
  grant.count = 14;
  grant.recordings = 2;
  grant.phases = {{t("startup"), 2}, {t("serving"), 12}};
  grant.traits = {review::Trait::Rare, review::Trait::OnePhase};
  policy::Reason reason;
  reason.exe = t("/usr/sbin/nginx");
  reason.note = t("a note");
  grant.reasons = {reason};
  grant.decision = {t("syscall ptrace"), t("keep"), t("Ada"), t("needed")};
  grant.waiver = {
      {t("syscall ptrace"), t("Ada"), t("until fixed"), t("2026-12-31")},
      "expiring",
      20,
      30};
  return grant;
}

inline review::Candidate candidate(const Teller& t) {
  review::Candidate candidate;
  candidate.rank = 1;
  candidate.score = 7;
  candidate.subject = t("syscall mremap");
  candidate.syscall = call("mremap");
  candidate.program = t("/usr/sbin/nginx");
  candidate.also_in = {t("/bin/sh")};
  candidate.chain = {
      {t("/usr/sbin/nginx"), t("main"), 0x1000, elf::Link::Start},
      {t("/lib/libc.so.6"), t("realloc"), 0x2000, elf::Link::Call}};
  candidate.objects = {t("/lib/libc.so.6")};
  candidate.terms = {{"near", 7, t("realloc was seen")}};
  candidate.why = t("near to what was seen");
  candidate.risk = risk(t, review::RiskClass::Low);
  candidate.decision = {t("syscall mremap"), t("drop"), t("Ada"), t("no")};
  return candidate;
}

inline review::Coverage coverage(const Teller& t) {
  review::Coverage coverage;
  coverage.calls = {61, 98};
  coverage.programs = {{t("/usr/sbin/nginx"),
                        {61, 98},
                        {{t("/usr/sbin/nginx"),
                          t("program"),
                          {40, 50},
                          900,
                          700,
                          {t("mremap"), t("splice")}}},
                        {t("futex")}}};
  coverage.phases = {{t("startup"), 50, 20}, {t("serving"), 41, 11}};
  coverage.growth_by = "recording";
  coverage.growth = {{t("r1"), "2026-11-01T00:00:00Z", 50, 50},
                     {t("r2"), "2026-11-02T00:00:00Z", 11, 61}};
  coverage.outlook = {"yes", t("11 calls were seen once"), 11, 3, 20};
  return coverage;
}

inline review::Review review(std::string_view tail = "") {
  const Teller t(tail);
  review::Review review;
  review.workload = {t("spiffe://local/nginx"), t("web"), t("team")};
  review.day = "2026-12-11";
  review.summary.target = t("docker");
  review.summary.risk_table = t("1");
  review.summary.recordings = 2;
  review.summary.first = "2026-11-01T00:00:00Z";
  review.summary.last = "2026-11-02T00:00:00Z";
  review.summary.kernels = {t("6.1.0")};
  review.summary.programs = {t("/usr/sbin/nginx")};
  review.summary.analyzed = {t("/usr/sbin/nginx")};
  review.grants = {grant(t)};
  review.candidates = {candidate(t)};
  // Findings quote names when they are made.
  const Teller told(json::quote_bytes(tail));
  review.findings = {{"waiver-expired", "high", told("seccomp: ptrace"),
                      told("a message"), told("a hint")}};
  review.coverage = coverage(t);
  review.gaps = {{"evidence", t("ring"), t("r1"), t("lost"), t("again")}};
  review.decisions = {
      {{t("syscall mremap"), t("drop"), t("Ada"), t("no")}, "pending"}};
  review.waivers = {
      {{t("syscall ptrace"), t("Ada"), t("until fixed"), t("2026-12-31")},
       "expiring",
       20,
       30}};
  review.advisories = {{t("CVE-2022-0185"),
                        t("fs: heap overflow"),
                        "open",
                        {t("fsopen")},
                        {t("CAP_SYS_ADMIN")},
                        {t("https://kernel.org/")}},
                       {t("CVE-2016-8655"),
                        t("net/packet: a race"),
                        "closed",
                        {},
                        {t("CAP_NET_RAW")},
                        {t("https://kernel.org/")}}};
  return review;
}

}  // namespace vambrace::report::sample
