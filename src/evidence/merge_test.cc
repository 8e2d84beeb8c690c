#include "evidence/merge.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <array>

#include "evidence/generated.h"
#include "evidence/json.h"

namespace vambrace::evidence {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<Evidence> some_recordings() {
  std::vector<Evidence> out;
  for (int i = 0; i < 4; ++i) {
    out.push_back(generated::one(i));
  }
  return out;
}

unsigned bits() {
  return *rc::gen::inRange(0U, 16U);
}

RC_GTEST_PROP(MergeProperty, IsCommutative, ()) {
  const auto all = some_recordings();
  const Evidence a = generated::subset(all, bits());
  const Evidence b = generated::subset(all, bits());
  RC_ASSERT(merge(a, b).value() == merge(b, a).value());
}

RC_GTEST_PROP(MergeProperty, IsAssociative, ()) {
  const auto all = some_recordings();
  const Evidence a = generated::subset(all, bits());
  const Evidence b = generated::subset(all, bits());
  const Evidence c = generated::subset(all, bits());
  RC_ASSERT(merge(merge(a, b).value(), c).value() ==
            merge(a, merge(b, c).value()).value());
}

RC_GTEST_PROP(MergeProperty, IsIdempotent, ()) {
  const Evidence a = generated::subset(some_recordings(), bits());
  RC_ASSERT(merge(a, a).value() == a);
}

RC_GTEST_PROP(MergeProperty, DependsOnTheSetOfRecordingsAlone, ()) {
  const auto all = some_recordings();
  const unsigned left = bits();
  const unsigned right = bits();
  RC_ASSERT(merge(generated::subset(all, left), generated::subset(all, right))
                .value() == generated::subset(all, left | right));
}

RC_GTEST_PROP(MergeProperty, OfManyIsWhatMergingInOrderGives, ()) {
  std::map<std::string, Evidence> files;
  std::vector<std::string> names;
  const auto all = some_recordings();
  const int count = *rc::gen::inRange(1, 20);
  for (int i = 0; i < count; ++i) {
    names.push_back(std::to_string(i));
    files.emplace(names.back(), generated::subset(all, bits()));
  }
  Evidence in_order = files.at("0");
  for (const std::string& name : names) {
    in_order = merge(in_order, files.at(name)).value();
  }
  RC_ASSERT(merge_all(names, [&](const std::string& name) -> Result<Evidence> {
              return files.at(name);
            }).value() == in_order);
}

RC_GTEST_PROP(CanonicalProperty, ChangesNothingTheSecondTime, ()) {
  Evidence evidence;
  for (int i = 0; i < 3; ++i) {
    const Evidence one = generated::one(i);
    evidence.recordings.insert(evidence.recordings.begin(),
                               one.recordings.begin(), one.recordings.end());
    evidence.processes.insert(evidence.processes.begin(), one.processes.begin(),
                              one.processes.end());
  }
  const Evidence once = canonical(evidence);
  RC_ASSERT(canonical(once) == once);
  RC_ASSERT(is_canonical(once));
  RC_ASSERT(is_canonical(evidence) == (evidence == once));
  RC_ASSERT(print(evidence) == print(once));
}

RC_GTEST_PROP(CompactProperty, DoesNotDependOnTheOrderOfFolding, ()) {
  const auto all = some_recordings();
  const Evidence direct = compact(generated::subset(all, 0b0111)).value();
  const Evidence half = compact(generated::subset(all, 0b0011)).value();
  const Evidence steps = compact(merge(half, all[2]).value()).value();
  RC_ASSERT(steps == direct);
}

constexpr const char* kFirst = "00000000000000000000000000000001";
constexpr const char* kSecond = "00000000000000000000000000000002";

Evidence evidence_of(const RecordingId& id, std::uint32_t nr,
                     std::uint64_t count) {
  Evidence out;
  out.workload.id = "spiffe://local/web";
  Recording recording;
  recording.id = id;
  out.recordings = {recording};
  Process process;
  process.key.exe = "/bin/web";
  process.syscalls = {
      {.syscall = {kernel::Arch::X86_64, nr},
       .by = {{id, Share{.count = count, .phases = {{"all", count}}}}}}};
  out.processes = {process};
  return out;
}

TEST(Merge, KeepsEachRecordingsShare) {
  const auto both =
      merge(evidence_of(kFirst, 0, 3), evidence_of(kSecond, 0, 4));
  ASSERT_TRUE(both);
  const By& by = both->processes.at(0).syscalls.at(0).by;
  EXPECT_EQ(by.at(kFirst).count, 3U);
  EXPECT_EQ(by.at(kSecond).count, 4U);
  EXPECT_EQ(total(by).count, 7U);
  EXPECT_EQ(total(by).phases.at("all"), 7U);
}

TEST(Merge, RefusesOneIdWithTwoContents) {
  const Evidence original = evidence_of(kFirst, 0, 3);
  // Another count, a fact less, another kernel.
  EXPECT_FALSE(merge(original, evidence_of(kFirst, 0, 4)));
  EXPECT_FALSE(merge(original, evidence_of(kFirst, 1, 3)));
  Evidence other = original;
  other.recordings[0].kernel = "6.1.0";
  const auto result = merge(original, other);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code(), ErrorCode::InvalidInput);
  EXPECT_THAT(result.error().message(), HasSubstr(kFirst));
}

TEST(Merge, RefusesArgumentsThatOneRecordingCannotHaveHadTwice) {
  Evidence a = evidence_of(kFirst, 135, 3);  // personality
  Evidence b = a;
  a.processes[0].syscalls[0].args = Arguments{.tuples = {{0}}};
  b.processes[0].syscalls[0].args = Arguments{.tuples = {{8}}};
  EXPECT_FALSE(merge(a, b));
  EXPECT_FALSE(merge(b, a));
}

TEST(Merge, RefusesTwoWorkloadsAndTwoOwners) {
  Evidence a = evidence_of(kFirst, 0, 1);
  Evidence b = evidence_of(kSecond, 0, 1);
  b.workload.owner = "team";
  EXPECT_EQ(merge(a, b)->workload.owner, "team");
  a.workload.owner = "others";
  EXPECT_FALSE(merge(a, b));
  b.workload = {"spiffe://local/db", "", ""};
  EXPECT_FALSE(merge(a, b));
}

TEST(Merge, TreatsArgumentsThatNobodyWatchedAsAny) {
  Evidence watched = evidence_of(kFirst, 135, 1);
  watched.processes[0].syscalls[0].args = Arguments{.tuples = {{0}}};
  const Evidence unwatched = evidence_of(kSecond, 135, 1);
  const auto both = merge(watched, unwatched);
  ASSERT_TRUE(both);
  EXPECT_TRUE(both->processes[0].syscalls[0].args->unbounded);
}

TEST(Merge, TurnsTooManyArgumentsIntoAny) {
  Evidence a = evidence_of(kFirst, 135, 99);
  Evidence b = evidence_of(kSecond, 135, 99);
  a.processes[0].syscalls[0].args.emplace();
  b.processes[0].syscalls[0].args.emplace();
  for (std::uint64_t i = 0; i < 40; ++i) {
    a.processes[0].syscalls[0].args->add({i});
    b.processes[0].syscalls[0].args->add({i + 30});
  }
  const auto both = merge(a, b);
  ASSERT_TRUE(both);
  EXPECT_TRUE(both->processes[0].syscalls[0].args->unbounded);
  EXPECT_TRUE(both->processes[0].syscalls[0].args->tuples.empty());
}

TEST(Total, StopsAtTheLargestNumber) {
  const By by = {{kFirst, Share{.count = ~0ULL, .phases = {{"all", ~0ULL}}}},
                 {kSecond, Share{.count = 1, .phases = {{"all", 1}}}}};
  EXPECT_EQ(total(by).count, ~0ULL);
  EXPECT_EQ(total(by).phases.at("all"), ~0ULL);
}

TEST(Total, KeepsTheEarliestAndTheLatest) {
  const auto at = [](int n) { return Instant(std::chrono::microseconds(n)); };
  const By by = {{kFirst, Share{.count = 1, .first = at(5), .last = at(9)}},
                 {kSecond, Share{.count = 1, .first = at(3), .last = at(4)}}};
  EXPECT_EQ(total(by).first, at(3));
  EXPECT_EQ(total(by).last, at(9));
}

TEST(Verdict, IsCompleteOnlyWithoutGaps) {
  EXPECT_EQ(judge({}).state, State::Complete);
  EXPECT_EQ(judge({{"map_full", ""}}).state, State::Incomplete);
  EXPECT_EQ(judge({{"filter_active", ""}}).state, State::Filtered);
  EXPECT_EQ(judge({{"filter_active", ""}, {"map_full", ""}}).state,
            State::Incomplete);
  EXPECT_THAT(judge({{"b", ""}, {"a", ""}, {"b", ""}}).gaps,
              ElementsAre(Gap{"a", ""}, Gap{"b", ""}));
}

TEST(Verdict, KnowsWhatOnlyAllRecordingsShow) {
  EXPECT_EQ(verdict({}).gaps.at(0).kind, "no_recording");
  Evidence a = evidence_of(kFirst, 0, 1);
  Evidence b = evidence_of(kSecond, 0, 1);
  EXPECT_EQ(verdict(merge(a, b).value()).state, State::Complete);
  a.recordings[0].image = "sha256:aa";
  // The other's digest is unknown, which is not the same as equal.
  EXPECT_THAT(verdict(merge(a, b).value()).gaps,
              ElementsAre(Gap{"mixed_images", "sha256:aa, unknown"}));
}

TEST(Compact, FoldsAllRecordingsAndRefusesALaterOverlap) {
  const Evidence a = evidence_of(kFirst, 0, 3);
  const Evidence b = evidence_of(kSecond, 0, 4);
  const auto one = compact(merge(a, b).value());
  ASSERT_TRUE(one);
  ASSERT_EQ(one->recordings.size(), 1U);
  EXPECT_THAT(one->recordings[0].folded, ElementsAre(kFirst, kSecond));
  EXPECT_EQ(total(one->processes[0].syscalls[0].by).count, 7U);

  const auto overlap = merge(*one, a);
  ASSERT_FALSE(overlap);
  EXPECT_THAT(overlap.error().message(), HasSubstr(kFirst));
  EXPECT_FALSE(overlap.error().hint().empty());

  const Evidence third = evidence_of("00000000000000000000000000000003", 0, 1);
  EXPECT_TRUE(merge(*one, third));
  EXPECT_EQ(compact(*one).value(), *one);
}

TEST(Compact, SaysThatMountsWereWatchedOnlyIfTheyAlwaysWere) {
  const Evidence old = evidence_of(kFirst, 0, 1);
  Evidence fresh = evidence_of(kSecond, 0, 1);
  fresh.recordings[0].probes.emplace(kMountProbe, "lsm/sb_mount");
  Evidence other = evidence_of("00000000000000000000000000000003", 0, 1);
  other.recordings[0].probes.emplace(kMountProbe, "lsm/sb_mount");
  const auto watched = [](const Evidence& a, const Evidence& b) {
    return compact(merge(a, b).value())
        ->recordings[0]
        .probes.contains(std::string(kMountProbe));
  };
  EXPECT_TRUE(watched(fresh, other));
  EXPECT_FALSE(watched(old, fresh));
}

TEST(Compact, KeepsTheGapsOfAll) {
  Evidence a = evidence_of(kFirst, 0, 1);
  Evidence b = evidence_of(kSecond, 0, 1);
  a.recordings[0].verdict = judge({{"map_full", "syscalls"}});
  a.recordings[0].image = "sha256:aa";
  b.recordings[0].image = "sha256:bb";
  const auto one = compact(merge(a, b).value());
  ASSERT_TRUE(one);
  EXPECT_THAT(verdict(*one).gaps,
              ElementsAre(Gap{"map_full", "syscalls"},
                          Gap{"mixed_images", "sha256:aa, sha256:bb"}));
}

// Five files with one recording each; `changed` holds the first's again, with
// another count.
Result<Evidence> merge_five(int changed) {
  const std::vector<std::string> names{"0", "1", "2", "3", "4"};
  return merge_all(names, [&](const std::string& name) -> Result<Evidence> {
    const int i = std::stoi(name);
    const std::string id = fmt::format("{:032x}", i == changed ? 1 : i + 1);
    return evidence_of(id, 0, i == changed ? 7 : 3);
  });
}

TEST(MergeAll, NamesTheFirstThatDoesNotFit) {
  EXPECT_EQ(merge_five(-1)->recordings.size(), 5U);
  for (int changed = 1; changed < 5; ++changed) {
    const auto merged = merge_five(changed);
    ASSERT_FALSE(merged) << changed;
    EXPECT_THAT(merged.error().message(),
                testing::StartsWith(fmt::format("{}: ", changed)));
    EXPECT_THAT(merged.error().message(), HasSubstr("different content"));
  }
}

TEST(MergeAll, NeedsOneThatCanBeRead) {
  const Reader broken = [](const std::string& name) -> Result<Evidence> {
    return fail(ErrorCode::NotFound, "{} is not there", name);
  };
  EXPECT_EQ(merge_all({}, broken).error().code(), ErrorCode::InvalidInput);
  EXPECT_EQ(merge_all(std::vector<std::string>{"x"}, broken).error().code(),
            ErrorCode::NotFound);
}

TEST(Compact, KeepsWhatAnyFoundAndWhetherAllLooked) {
  Evidence a = evidence_of(kFirst, 0, 1);
  Evidence b = evidence_of(kSecond, 0, 1);
  a.recordings[0].found = {"/srv/b", "/srv/c"};
  b.recordings[0].found = {"/srv/a", "/srv/b"};
  a.recordings[0].probes.emplace(kFoundProbe, "getdents64");
  const auto half = compact(merge(a, b).value());
  EXPECT_THAT(half->recordings[0].found,
              ElementsAre("/srv/a", "/srv/b", "/srv/c"));
  EXPECT_FALSE(half->recordings[0].probes.contains(std::string(kFoundProbe)));
  b.recordings[0].probes.emplace(kFoundProbe, "getdents64");
  EXPECT_TRUE(compact(merge(a, b).value())
                  ->recordings[0]
                  .probes.contains(std::string(kFoundProbe)));
}

TEST(Compact, KeepsTheOwnersOnWhichAllAgree) {
  Evidence a = evidence_of(kFirst, 0, 1);
  Evidence b = evidence_of(kSecond, 0, 1);
  a.recordings[0].owners = {{"/srv/a", 33, 33, 0755}, {"/srv/b", 0, 0, 0755}};
  b.recordings[0].owners = {{"/srv/b", 0, 0, 0700}, {"/srv/c", 1, 1, 0700}};
  EXPECT_THAT(compact(merge(a, b).value())->recordings[0].owners,
              ElementsAre(OwnedFolder{"/srv/a", 33, 33, 0755},
                          OwnedFolder{"/srv/c", 1, 1, 0700}));
}

TEST(Compact, NeedsARecording) {
  EXPECT_FALSE(compact({}));
}

TEST(Canonical, AddsUpFactsThatAreThereTwice) {
  Evidence evidence = evidence_of(kFirst, 0, 3);
  evidence.processes.push_back(evidence.processes[0]);
  const Evidence out = canonical(evidence);
  ASSERT_EQ(out.processes.size(), 1U);
  EXPECT_EQ(out.processes[0].syscalls.at(0).by.at(kFirst).count, 6U);
}

TEST(Canonical, IsToldFromWhatWouldChange) {
  Evidence fine = evidence_of(kFirst, 0, 3);
  fine.processes[0].syscalls.push_back(
      evidence_of(kFirst, 135, 3).processes[0].syscalls[0]);  // personality
  fine = canonical(std::move(fine));
  ASSERT_TRUE(is_canonical(fine));
  const auto changes = std::to_array<void (*)(Evidence&)>({
      [](Evidence& e) { e.recordings.push_back(e.recordings[0]); },
      [](Evidence& e) { e.recordings[0].folded = {kSecond, kFirst}; },
      [](Evidence& e) { e.recordings[0].verdict.state = State::Incomplete; },
      [](Evidence& e) { e.processes.push_back(e.processes[0]); },
      [](Evidence& e) { std::ranges::reverse(e.processes[0].syscalls); },
      [](Evidence& e) { e.processes[0].syscalls[1].args.reset(); },
      [](Evidence& e) { e.processes[0].syscalls[0].by.clear(); },
      [](Evidence& e) { e.processes[0].syscalls[0].by[kFirst].count = 0; },
      [](Evidence& e) { e.processes[0].syscalls[0].by[kFirst].errnos["E"]; },
  });
  for (std::size_t i = 0; i < changes.size(); ++i) {
    Evidence other = fine;
    changes[i](other);
    EXPECT_FALSE(is_canonical(other)) << i;
    EXPECT_NE(canonical(other), other) << i;
  }
}

TEST(Canonical, DropsWhatSaysNothing) {
  Evidence evidence = evidence_of(kFirst, 0, 0);
  EXPECT_TRUE(canonical(evidence).processes[0].syscalls.empty());
}

}  // namespace
}  // namespace vambrace::evidence
