#include "review/rank.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ranges>

#include "policy/samples.h"

namespace vambrace::review {
namespace {

using elf::Link;
using policy::sample::call;
using ::testing::HasSubstr;

constexpr const char* kApp = "/usr/sbin/app";
constexpr const char* kLibc = "/lib/libc.so.6";

elf::Step own(const char* function, Link link = Link::Call) {
  return {kApp, function, 0, link};
}
elf::Step libc(const char* function) {
  return {kLibc, function, 0, Link::Call};
}

elf::ReachedCall reached(const char* name, std::vector<elf::Step> chain,
                         elf::Confidence sure = elf::Confidence::Direct) {
  elf::ReachedCall made{.syscall = call(name),
                        .confidence = sure,
                        .chain = std::move(chain),
                        .objects = {kLibc}};
  const std::string& maker = made.chain.back().object;
  std::uint32_t inside = 0;
  for (const elf::Step& step : std::views::reverse(made.chain)) {
    if (step.object != maker) {
      made.askers.push_back({step.object, step.function, inside});
      break;
    }
    ++inside;
  }
  if (made.askers.empty()) {
    made.askers = {{maker, made.chain.back().function, 0}};
  }
  return made;
}

elf::Reach reach_of(std::vector<elf::ReachedCall> calls,
                    const char* program = kApp) {
  std::ranges::sort(calls, {}, &elf::ReachedCall::syscall);
  return {.program = program, .calls = std::move(calls)};
}

Grant granting(const Risks& risks, const std::string& name,
               std::string limits = "") {
  return {.layer = Layer::Seccomp,
          .subject = "syscall " + name,
          .limits = std::move(limits),
          .arches = {kernel::Arch::X86_64},
          .risk = risks.of_call(name, {})};
}

std::vector<Candidate> ranked(const std::vector<elf::Reach>& reaches,
                              std::initializer_list<const char*> seen,
                              std::initializer_list<const char*> granted = {},
                              const char* narrowed = nullptr) {
  std::set<kernel::Syscall> observed;
  for (const char* name : seen) {
    observed.insert(call(name));
  }
  const Risks risks(policy::builtin_risks());
  std::vector<Grant> grants;
  std::set<std::string> names;
  for (const char* name : granted) {
    grants.push_back(granting(risks, name));
    names.insert(name);
  }
  if (narrowed != nullptr) {
    grants.push_back(granting(risks, narrowed, "argument 0 is 1"));
  }
  return candidates_of(reaches, {.observed = observed,
                                 .answered = {},
                                 .grants = grants,
                                 .allowed = policy::grants_of_names(names),
                                 .risks = risks});
}

std::vector<std::string> subjects(const std::vector<Candidate>& candidates) {
  std::vector<std::string> names;
  for (const Candidate& candidate : candidates) {
    names.push_back(candidate.subject);
  }
  return names;
}

std::optional<Term> term(const Candidate& candidate, std::string_view name) {
  for (const Term& one : candidate.terms) {
    if (one.name == name) {
      return one;
    }
  }
  return std::nullopt;
}

TEST(Rank, LeavesOutWhatWasSeen) {
  const auto made = ranked({reach_of({reached("read", {own("main")}),
                                      reached("kill", {own("main")})})},
                           {"read"});
  EXPECT_THAT(subjects(made), testing::ElementsAre("syscall kill"));
}

TEST(Rank, HasNothingToSayWithoutAnAnalysis) {
  EXPECT_TRUE(ranked({}, {"read"}).empty());
}

TEST(Rank, TellsWhatIsNearToWaysThatWereTakenWithoutCountingIt) {
  const auto made = ranked(
      {reach_of(
          {reached("read", {own("main"), own("serve"), libc("read")}),
           reached("quotactl", {own("main"), own("serve"), libc("quotactl")}),
           reached("acct", {own("main"), own("a"), own("b"), own("c"), own("d"),
                            libc("acct")})})},
      {"read"});
  ASSERT_EQ(made.size(), 2U);
  EXPECT_EQ(made[1].subject, "syscall quotactl");
  EXPECT_THAT(term(made[1], "near")->why,
              HasSubstr("serve is also on the way to what was seen: read"));
  EXPECT_EQ(term(made[1], "near")->points, 0);
  EXPECT_THAT(made[1].why, HasSubstr("serve is also on the way"));
  EXPECT_FALSE(term(made[0], "near"));
}

TEST(Rank, TellsTheSeenCallsOfItsKindWithoutCountingThem) {
  const auto made =
      ranked({reach_of({reached("munlock", {own("main"), libc("munlock")})})},
             {"mmap", "munmap", "mlock"});
  EXPECT_THAT(term(made[0], "sibling")->why, HasSubstr("memory"));
  EXPECT_EQ(term(made[0], "sibling")->points, 0);
}

TEST(Rank, PutsTheProgramsOwnCallsBeforeTheInsideOfLibraries) {
  const auto made = ranked(
      {reach_of(
          {reached("getpmsg", {own("main"), libc("getpmsg")}),
           reached("acct", {own("main"), libc("a"), libc("b"), libc("c")})})},
      {});
  EXPECT_EQ(made[0].subject, "syscall getpmsg");
  EXPECT_GT(term(made[0], "own-code")->points,
            2 * term(made[1], "own-code")->points);
}

TEST(Rank, TakesNoPluginForTheProgramsOwnWish) {
  const elf::Step plugin{"/lib/libnss_x.so.2", "_nss_x", 0, Link::Lookup};
  const auto made =
      ranked({reach_of({reached("acct", {plugin, libc("acct")}),
                        reached("getpmsg", {own("main"), libc("getpmsg")})})},
             {});
  EXPECT_EQ(made[0].subject, "syscall getpmsg");
  EXPECT_GT(term(made[0], "own-code")->points,
            9 * term(made[1], "own-code")->points);
}

// What many programs make is expected before what only this one asks for.
TEST(Rank, CountsTheSharesOfProgramsThatMakeACall) {
  const auto made =
      ranked({reach_of({reached("futex", {libc("x"), libc("futex")}),
                        reached("acct", {own("main"), libc("acct")})})},
             {});
  EXPECT_EQ(made[0].subject, "syscall futex");
  EXPECT_GE(term(made[0], "common")->points, 80);
  EXPECT_LE(term(made[0], "common")->points, 100);
}

TEST(Rank, ExpectsLessOfACallWhereOneThatDoesTheSameWasSeen) {
  const auto made =
      ranked({reach_of({reached("linkat", {own("main"), libc("linkat")}),
                        reached("symlink", {own("main"), libc("symlink")})})},
             {"link", "unlink"});
  EXPECT_EQ(made[0].subject, "syscall symlink");
  EXPECT_FALSE(term(made[0], "instead"));
  EXPECT_LT(term(made[1], "instead")->points, 0);
  EXPECT_EQ(term(made[1], "instead")->why, "what does the same was seen: link");
}

TEST(Rank, PutsDirectCallsBeforeIndirectOnes) {
  const auto made =
      ranked({reach_of({reached("acct", {own("main"), libc("acct")},
                                elf::Confidence::Indirect),
                        reached("getpmsg", {own("main"), libc("getpmsg")})})},
             {});
  EXPECT_EQ(made[0].subject, "syscall getpmsg");
}

TEST(Rank, KnowsTheCallsThatRecordingsMiss) {
  const auto made = ranked(
      {reach_of({reached("mremap", {own("main"), libc("mremap")})})}, {});
  EXPECT_THAT(term(made[0], "missed")->why, HasSubstr("a buffer grows"));
}

TEST(Rank, OneRankIsOneThingToDecideAbout) {
  const auto made =
      ranked({reach_of({reached("setresgid", {libc("x"), libc("setresgid")}),
                        reached("setuid", {own("main"), libc("setuid")}),
                        reached("acct", {own("main"), libc("acct")}),
                        reached("setgid", {own("main"), libc("setgid")}),
                        reached("getpmsg", {libc("getpmsg")})})},
             {}, {}, "setgid");
  EXPECT_THAT(subjects(made),
              testing::ElementsAre("syscall setuid", "syscall setresgid",
                                   "syscall acct", "syscall getpmsg",
                                   "syscall setgid"));
  std::vector<std::uint64_t> ranks;
  for (const Candidate& candidate : made) {
    ranks.push_back(candidate.rank);
  }
  EXPECT_THAT(ranks, testing::ElementsAre(1, 1, 2, 3, 4));
  std::vector<std::size_t> sizes;
  for (const auto& alike : by_rank(made)) {
    sizes.push_back(alike.size());
  }
  EXPECT_THAT(sizes, testing::ElementsAre(2, 1, 1, 1));
}

TEST(Rank, WhatOpensNothingNewIsTheFirstThingToDecideAbout) {
  const auto made =
      ranked({reach_of({reached("futex", {own("main"), libc("futex")}),
                        reached("setresgid", {libc("x"), libc("setresgid")}),
                        reached("mkdirat", {libc("y"), libc("mkdirat")}),
                        reached("setuid", {own("main"), libc("setuid")})})},
             {"mkdir"}, {"mkdir", "setgid", "setuid"});
  EXPECT_THAT(subjects(made),
              testing::ElementsAre("syscall setresgid", "syscall mkdirat",
                                   "syscall futex", "syscall setuid"));
  EXPECT_EQ(made[0].rank, 1U);
  EXPECT_EQ(made[1].rank, 1U);
  EXPECT_EQ(made[2].rank, 2U);
  EXPECT_THAT(made[0].opened_by, testing::ElementsAre("setgid"));
  EXPECT_THAT(made[0].why,
              HasSubstr("opens no more than what is granted (setgid); "));
  EXPECT_THAT(made[2].opened_by, testing::IsEmpty());
  EXPECT_TRUE(made[3].granted);
  EXPECT_THAT(made[3].opened_by, testing::IsEmpty());
}

std::vector<std::string> opened_by(const std::vector<Grant>& grants,
                                   const elf::ReachedCall& call) {
  const Risks risks(policy::builtin_risks());
  std::set<std::string> names;
  for (const Grant& grant : grants) {
    names.insert(grant.subject.substr(grant.subject.find(' ') + 1));
  }
  return candidates_of(std::vector{reach_of({call})},
                       {.observed = {},
                        .answered = {},
                        .grants = grants,
                        .allowed = policy::grants_of_names(names),
                        .risks = risks})
      .at(0)
      .opened_by;
}

TEST(Rank, WhatIsGrantedForSomeArgumentsOrNotToStayOpensNothingElse) {
  const Risks risks(policy::builtin_risks());
  const elf::ReachedCall fchmod =
      reached("fchmod", {own("main"), libc("fchmod")});
  Grant chmod = granting(risks, "chmod");
  EXPECT_THAT(opened_by({chmod}, fchmod), testing::ElementsAre("chmod"));
  chmod.decision = policy::Decision{.what = "syscall chmod", .choice = "keep"};
  EXPECT_THAT(opened_by({chmod}, fchmod), testing::ElementsAre("chmod"));
  chmod.decision->choice = "drop";
  EXPECT_THAT(opened_by({chmod}, fchmod), testing::IsEmpty());
  chmod.decision.reset();
  chmod.waiver = WaiverState{};
  EXPECT_THAT(opened_by({chmod}, fchmod), testing::IsEmpty());
  chmod.waiver.reset();
  chmod.limits = "argument 0 is 1";
  EXPECT_THAT(opened_by({chmod}, fchmod), testing::IsEmpty());
}

// It is no more than chmod, which is more than it.
TEST(Rank, CoveringIsDirected) {
  const Risks risks(policy::builtin_risks());
  EXPECT_THAT(opened_by({granting(risks, "fchmod")},
                        reached("chmod", {own("main"), libc("chmod")})),
              testing::IsEmpty());
}

// What is added is granted wherever there is such a call.
TEST(Rank, OpensNothingNewOnAllArchitecturesOrNot) {
  const Risks risks(policy::builtin_risks());
  elf::ReachedCall fchmod = reached("fchmod", {own("main"), libc("fchmod")});
  Grant chmod = granting(risks, "chmod");
  Grant other = granting(risks, "read");
  other.arches = {kernel::Arch::Aarch64};
  EXPECT_THAT(opened_by({chmod, other}, fchmod), testing::IsEmpty());
  Grant fchmodat = granting(risks, "fchmodat");
  fchmodat.arches = {kernel::Arch::X86_64, kernel::Arch::Aarch64};
  EXPECT_THAT(opened_by({chmod, fchmodat, other}, fchmod),
              testing::ElementsAre("fchmodat"));
  // One of another kind of program than the policy is for.
  fchmod.syscall = {kernel::Arch::I386,
                    *kernel::syscall_number(kernel::Arch::I386, "fchmod")};
  EXPECT_THAT(opened_by({chmod, fchmodat, other}, fchmod), testing::IsEmpty());
}

// CVE-2017-5123 needs waitid.
TEST(Rank, ACallThatLeadsFurtherToAnAdvisoryOpensMore) {
  const Risks risks(policy::builtin_risks());
  const auto call = [](const char* name) {
    return reached(name, {own("main"), libc(name)});
  };
  EXPECT_THAT(opened_by({granting(risks, "wait4")}, call("waitid")),
              testing::IsEmpty());
  EXPECT_THAT(opened_by({granting(risks, "waitid")}, call("wait4")),
              testing::ElementsAre("waitid"));
  EXPECT_THAT(opened_by({granting(risks, "renameat")}, call("rename")),
              testing::ElementsAre("renameat"));
}

// One of them had a hole that the other had not (CVE-2017-5123).
TEST(Rank, CallsWithOtherAdvisoriesAreNotTheSame) {
  const auto made =
      ranked({reach_of({reached("wait4", {own("main"), libc("wait4")}),
                        reached("waitid", {own("main"), libc("waitid")})})},
             {});
  ASSERT_EQ(made.size(), 2U);
  EXPECT_EQ(made[0].risk.exposes, made[1].risk.exposes);
  EXPECT_NE(made[0].rank, made[1].rank);
}

// A table that does not tell what they open says nothing of what is alike.
TEST(Rank, CallsOfUnknownRiskHaveTheirOwn) {
  policy::RiskTable table = policy::builtin_risks();
  table.syscalls.clear();
  const Risks risks(table);
  const std::vector<elf::Reach> reaches = {
      reach_of({reached("setuid", {own("main"), libc("setuid")}),
                reached("setgid", {own("main"), libc("setgid")})})};
  const std::vector<Grant> grants = {granting(risks, "setresuid")};
  const auto made =
      candidates_of(reaches, {.observed = {},
                              .answered = {},
                              .grants = grants,
                              .allowed = policy::grants_of_names({"setresuid"}),
                              .risks = risks});
  ASSERT_EQ(made.size(), 2U);
  EXPECT_EQ(made[0].rank, 1U);
  EXPECT_EQ(made[1].rank, 2U);
}

TEST(Rank, PutsWhatIsGrantedAnywayLast) {
  const auto made =
      ranked({reach_of({reached("getpid", {own("main"), libc("getpid")}),
                        reached("acct", {own("main"), libc("acct")})})},
             {}, {"getpid"});
  EXPECT_THAT(subjects(made),
              testing::ElementsAre("syscall acct", "syscall getpid"));
  EXPECT_TRUE(made[1].granted);
}

TEST(Rank, NamesEachCallOnceWithAllProgramsThatCanMakeIt) {
  const auto made =
      ranked({reach_of({reached("kill", {own("main"), own("x"), own("y")})}),
              reach_of({reached("kill", {{"/bin/sh", "main", 0, Link::Start}})},
                       "/bin/sh")},
             {});
  ASSERT_EQ(made.size(), 1U);
  EXPECT_EQ(made[0].rank, 1U);
  EXPECT_EQ(made[0].also_in.size(), 1U);
  EXPECT_TRUE(term(made[0], "shared"));
}

TEST(Rank, ScoresWhatItsTermsAddUpTo) {
  const auto made =
      ranked({reach_of({reached("unlink", {own("main"), libc("unlink")})})},
             {"rename"});
  std::int64_t sum = 0;
  for (const Term& one : made[0].terms) {
    sum += one.points;
    EXPECT_FALSE(one.why.empty()) << one.name;
  }
  EXPECT_EQ(made[0].score, sum);
  EXPECT_THAT(made[0].why, HasSubstr("was seen: rename"));
}

}  // namespace
}  // namespace vambrace::review
