#include "policy/advisories.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/result.h"
#include "kernel/syscalls.h"

namespace vambrace::policy {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;

constexpr std::uint64_t kAll32 = 0xffffffff;
constexpr std::uint32_t kNetRaw = 13;

const Advisory& advisory_of(std::string_view id) {
  const auto& all = builtin_risks().advisories;
  const auto found = std::ranges::find(all, id, &Advisory::id);
  CHECK(found != all.end());
  return *found;
}

Exposure exposure_of(std::string_view id, const Grants& grants) {
  return standing(builtin_risks(), advisory_of(id), grants).exposure;
}

std::vector<std::string> ids_of(const std::vector<AdvisoryStanding>& all) {
  std::vector<std::string> out;
  for (const AdvisoryStanding& one : all) {
    out.push_back(one.advisory->id);
  }
  return out;
}

std::set<ArgTuple> family(std::uint64_t number) {
  return {{{0, kAll32, number}}};
}

Grants with_capabilities(Grants grants, std::set<std::uint32_t> numbers) {
  grants.capabilities = std::move(numbers);
  return grants;
}

TEST(Advisories, AreOpenWhereEveryStepOfThemIsGranted) {
  EXPECT_EQ(exposure_of("CVE-2017-5123", grants_of_names({"waitid"})),
            Exposure::Open);
  EXPECT_EQ(exposure_of("CVE-2017-5123", grants_of_names({"wait4"})),
            Exposure::Closed);
}

TEST(Advisories, AreClosedWhereOneOfTheirStepsIsRefused) {
  const AdvisoryStanding one =
      standing(builtin_risks(), advisory_of("CVE-2019-10125"),
               grants_of_names({"io_setup"}));
  EXPECT_EQ(one.exposure, Exposure::Closed);
  EXPECT_THAT(one.granted, ElementsAre("io_setup"));
  EXPECT_THAT(one.refused, ElementsAre("io_submit"));
}

TEST(Advisories, AreNarrowedWhereAnotherPathStaysOpen) {
  EXPECT_EQ(exposure_of("CVE-2015-7613", grants_of_names({"shmget"})),
            Exposure::Narrowed);
  EXPECT_EQ(exposure_of("CVE-2015-7613", grants_of_names({"shmat"})),
            Exposure::Closed);
}

TEST(Advisories, OfOneSocketFamilyAreClosedByTheArguments) {
  Grants grants = grants_of_names({"setsockopt"});
  grants.calls["socket"] = family(2);
  EXPECT_EQ(exposure_of("CVE-2016-8655", grants), Exposure::Closed);
  grants.calls["socket"].merge(family(17));
  EXPECT_NE(exposure_of("CVE-2016-8655", grants), Exposure::Closed);
  grants.calls["socket"] = {};
  EXPECT_NE(exposure_of("CVE-2016-8655", grants), Exposure::Closed);
}

TEST(Advisories, ThatNeedACapabilityAreClosedWithoutItAndUserNamespaces) {
  const Grants calls = grants_of_names({"setsockopt", "socket"});
  EXPECT_EQ(exposure_of("CVE-2016-8655", with_capabilities(calls, {})),
            Exposure::Closed);
  EXPECT_EQ(exposure_of("CVE-2016-8655", with_capabilities(calls, {kNetRaw})),
            Exposure::Narrowed);
  // It is not known which are held, so it may be this one.
  EXPECT_EQ(exposure_of("CVE-2016-8655", calls), Exposure::Narrowed);
  const Grants namespaces =
      grants_of_names({"setsockopt", "socket", "unshare"});
  EXPECT_EQ(exposure_of("CVE-2016-8655", with_capabilities(namespaces, {})),
            Exposure::Narrowed);
}

TEST(Advisories, AreReachedByCallsThatDoTheSame) {
  Grants grants = grants_of_names({"setsockopt"});
  grants.calls["socket"] = family(2);
  ASSERT_EQ(exposure_of("CVE-2019-8912", grants), Exposure::Closed);
  // A ring opens sockets of any family.
  grants.calls["io_uring_setup"] = {};
  EXPECT_NE(exposure_of("CVE-2019-8912", grants), Exposure::Closed);

  Grants threads;
  threads.calls["clone"] = {{{0, 0x7e020000, 0}}};
  threads.capabilities.emplace();
  ASSERT_EQ(exposure_of("CVE-2013-1858", threads), Exposure::Closed);
  threads.calls["clone3"] = {};
  EXPECT_NE(exposure_of("CVE-2013-1858", threads), Exposure::Closed);
}

TEST(Advisories, WithoutAKnownPathAreNeverToldToBeClosed) {
  EXPECT_EQ(exposure_of("CVE-2019-11477", {}), Exposure::Unmapped);
  const Grants none{.capabilities = std::set<std::uint32_t>()};
  EXPECT_THAT(ids_of(advisories_beyond(builtin_risks(), none)),
              Not(Contains("CVE-2019-11477")));
}

TEST(Advisories, AreEachWithinOrBeyondOrUnmapped) {
  const Grants grants = grants_of_names({"read", "write", "execve", "socket"});
  const RiskTable& table = builtin_risks();
  const AdvisoryCounts counts = count_advisories(table, grants);
  EXPECT_EQ(advisories_within(table, grants).size(),
            counts.open + counts.narrowed);
  EXPECT_EQ(advisories_beyond(table, grants).size(), counts.closed);
  EXPECT_EQ(counts.open + counts.narrowed + counts.closed + counts.unmapped,
            table.advisories.size());
  EXPECT_GT(counts.unmapped, 0U);
}

TEST(Advisories, AreAllWithinWhatGrantsEverything) {
  Grants all;
  for (const auto& [name, risk] : builtin_risks().syscalls) {
    all.calls[name] = {};
  }
  const AdvisoryCounts counts = count_advisories(builtin_risks(), all);
  EXPECT_EQ(counts.narrowed + counts.closed, 0U);
}

TEST(Advisories, AreAllBeyondWhatGrantsNothing) {
  const Grants none{.capabilities = std::set<std::uint32_t>()};
  const AdvisoryCounts counts = count_advisories(builtin_risks(), none);
  EXPECT_EQ(counts.open + counts.narrowed, 0U);
}

TEST(Advisories, ACallThatMeetsNoNeedBringsNoneWithinReach) {
  const RiskTable& table = builtin_risks();
  const Grants grants =
      grants_of_names({"socket", "bind", "timerfd_create", "renameat", "mmap"});
  const auto within = ids_of(advisories_within(table, grants));
  std::size_t none = 0;
  std::size_t more = 0;
  for (const auto& [name, risk] : table.syscalls) {
    Grants grown = grants;
    grown.calls.try_emplace(name);
    const bool reaches_more = ids_of(advisories_within(table, grown)) != within;
    more += reaches_more ? 1 : 0;
    if (needs_met_by(table, name, grants) == 0) {
      ++none;
      EXPECT_FALSE(reaches_more) << name;
    }
  }
  EXPECT_GT(none, 0U);
  EXPECT_GT(more, 0U);
  EXPECT_EQ(needs_met_by(table, "rename", grants), 0U);
  EXPECT_EQ(needs_met_by(table, "timerfd_settime", grants), 1U);
  // As an equivalent of calls that it makes where no filter sees them.
  EXPECT_GT(needs_met_by(table, "io_uring_setup", grants),
            advisories_by(table, "io_uring_setup").size());
}

// What is granted more can only reach more.
TEST(Advisories, AreNeverClosedByAnotherGrant) {
  Grants grants{.capabilities = std::set<std::uint32_t>()};
  std::size_t closed = builtin_risks().advisories.size();
  for (const auto& [name, risk] : builtin_risks().syscalls) {
    grants.calls[name] = {};
    const AdvisoryCounts counts = count_advisories(builtin_risks(), grants);
    EXPECT_LE(counts.closed, closed) << name;
    closed = counts.closed;
  }
}

TEST(Advisories, NameOnlyCallsThatTheTableClasses) {
  for (const Advisory& one : builtin_risks().advisories) {
    for (const auto& need : one.needs) {
      for (const AdvisoryStep& step : need) {
        EXPECT_TRUE(step.capability ||
                    risk_of(builtin_risks(), step.call) != nullptr)
            << one.id << " " << step.call;
      }
    }
  }
}

// cve.to.syscall.manual of shamedgh/confine (29) and kernel_cve.out of
// vidyalakshmir/SysPartArtifact (36), which have some in common.
TEST(Advisories, OfTheDataSetsThatArePublishedAreThere) {
  std::set<std::string> ids;
  for (const Advisory& one : builtin_risks().advisories) {
    ids.insert(one.id);
  }
  for (const char* id : {"CVE-2008-3527",    "CVE-2009-3624",  "CVE-2010-3858",
                         "CVE-2010-4072",    "CVE-2010-4083",  "CVE-2010-4243",
                         "CVE-2010-4250",    "CVE-2010-4346",  "CVE-2011-1082",
                         "CVE-2012-3375",    "CVE-2012-3511",  "CVE-2012-4530",
                         "CVE-2013-0914",    "CVE-2013-1858",  "CVE-2013-1959",
                         "CVE-2013-1979",    "CVE-2014-4699",  "CVE-2014-5207",
                         "CVE-2014-7970",    "CVE-2014-9529",  "CVE-2014-9585",
                         "CVE-2014-9903",    "CVE-2015-1593",  "CVE-2015-2686",
                         "CVE-2015-3339",    "CVE-2015-7550",  "CVE-2015-7613",
                         "CVE-2015-8543",    "CVE-2016-0728",  "CVE-2016-2383",
                         "CVE-2016-3134",    "CVE-2016-3672",  "CVE-2016-4997",
                         "CVE-2016-4998",    "CVE-2016-7911",  "CVE-2016-8655",
                         "CVE-2016-9604",    "CVE-2016-9793",  "CVE-2017-5123",
                         "CVE-2017-6001",    "CVE-2017-6074",  "CVE-2017-7308",
                         "CVE-2017-12192",   "CVE-2017-14140", "CVE-2017-14954",
                         "CVE-2017-15274",   "CVE-2017-17712", "CVE-2017-18208",
                         "CVE-2017-18509",   "CVE-2018-11508", "CVE-2018-12233",
                         "CVE-2018-13053",   "CVE-2018-14634", "CVE-2018-18281",
                         "CVE-2018-1000199", "CVE-2019-9857",  "CVE-2019-10125",
                         "CVE-2019-11815",   "CVE-2019-13272"}) {
    EXPECT_TRUE(ids.contains(id)) << id;
  }
}

TEST(Advisories, AreFoundByTheCallsThatTakePart) {
  const auto by = advisories_by(builtin_risks(), "waitid");
  ASSERT_EQ(by.size(), 2U);
  EXPECT_EQ(by[0]->id, "CVE-2017-5123");
  EXPECT_EQ(by[1]->id, "CVE-2017-14954");
  EXPECT_THAT(advisories_by(builtin_risks(), "getpid"), IsEmpty());
}

SyscallRule rule_of(kernel::Arch arch, std::string_view name,
                    std::set<ArgTuple> args) {
  return {.syscall = {arch, *kernel::syscall_number(arch, name)},
          .args = std::move(args),
          .reasons = {{}}};
}

TEST(Grants, OfAPolicyUniteItsArchitectures) {
  Policy policy;
  policy.syscalls = {rule_of(kernel::Arch::X86_64, "socket", family(1)),
                     rule_of(kernel::Arch::I386, "socket", family(2))};
  policy.capabilities = {{.number = kNetRaw}};
  const Grants grants = grants_of(policy);
  EXPECT_EQ(grants.calls.at("socket").size(), 2U);
  EXPECT_EQ(grants.capabilities, std::set<std::uint32_t>{kNetRaw});

  policy.syscalls.push_back(rule_of(kernel::Arch::X32, "socket", {}));
  EXPECT_THAT(grants_of(policy).calls.at("socket"), IsEmpty());
}

TEST(Grants, OfAPolicyLeaveOutCallsWithoutAName) {
  Policy policy;
  policy.syscalls = {{.syscall = {kernel::Arch::X86_64, 99999}}};
  EXPECT_THAT(grants_of(policy).calls, IsEmpty());
}

}  // namespace
}  // namespace vambrace::policy
