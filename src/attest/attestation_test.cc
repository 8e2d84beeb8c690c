#include "attest/attestation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

namespace vambrace::attest {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::StartsWith;

policy::seccomp::Difference difference(std::uint32_t nr, std::uint32_t arch) {
  return {.arch = arch,
          .nr = nr,
          .args = {8, 0, 0, 0, 0, 0},
          .left = {policy::seccomp::Action::Allow, 0},
          .right = {policy::seccomp::Action::Errno, 1}};
}

TEST(Attestation, TellsADifferenceByNameAndArguments) {
  EXPECT_EQ(describe_installed(
                difference(135, kernel::audit_arch(kernel::Arch::X86_64))),
            "x86_64 personality(0x8): SCMP_ACT_ALLOW is installed, the bundle "
            "says SCMP_ACT_ERRNO EPERM");
}

TEST(Attestation, KnowsTheOtherTables) {
  EXPECT_THAT(describe_installed(difference(
                  0x40000000 | 39, kernel::audit_arch(kernel::Arch::X32))),
              StartsWith("x32 getpid("));
  EXPECT_THAT(describe_installed(
                  difference(20, kernel::audit_arch(kernel::Arch::I386))),
              StartsWith("i386 getpid("));
}

TEST(Attestation, FindsThisVeryProcessUnconfined) {
  const auto result = attest(
      {.pid = ::getpid()},
      {.capabilities = 0, .no_new_privs = true, .filter = true}, nullptr);
  ASSERT_TRUE(result) << result.error().message();
  EXPECT_FALSE(result->threads.empty());
  EXPECT_FALSE(result->equal());
}

TEST(Attestation, NeedsAProcess) {
  const auto result = attest({.pid = 0x7ffffff0}, {}, nullptr);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code(), ErrorCode::NotFound);
}

TEST(Attestation, IsNotEqualWhereSomethingIsUnknown) {
  Attestation attestation;
  EXPECT_TRUE(attestation.equal());
  attestation.unknown = {"thread 1: 0 of its 1 filters could be read back"};
  EXPECT_FALSE(attestation.equal());
  EXPECT_FALSE(attestation.differs());
}

TEST(ContainerCgroups, BearTheContainersId) {
  const auto cgroups = [](std::string_view lines) {
    return container_cgroups(lines, "ab12");
  };
  const Cgroup docker{"0", "/docker/ab12"};
  EXPECT_THAT(cgroups("9:name=systemd:/\n0::/docker/ab12\n"),
              ElementsAre(docker));
  EXPECT_THAT(cgroups("0::/docker/ab12/init.scope\n"), ElementsAre(docker));
  EXPECT_THAT(cgroups("4:memory:/docker/ab12\n0::/docker/ab12\n"),
              ElementsAre(Cgroup{"4", "/docker/ab12"}, docker));
  EXPECT_THAT(cgroups("0::/system.slice/docker-ab12.scope/a\n"),
              ElementsAre(Cgroup{"0", "/system.slice/docker-ab12.scope"}));
  EXPECT_THAT(cgroups("0::/elsewhere\n"),
              ElementsAre(Cgroup{"0", "/elsewhere"}));
  EXPECT_THAT(cgroups("4:memory:/x\n0::/\n"), IsEmpty());
  EXPECT_THAT(cgroups(""), IsEmpty());
}

TEST(ContainerCgroups, HoldWhatIsInThemAndBelow) {
  const std::vector<Cgroup> docker = {{"0", "/docker/ab12"}};
  EXPECT_TRUE(is_within("1:cpu:/\n0::/docker/ab12\n", docker));
  EXPECT_TRUE(is_within("0::/docker/ab12/init.scope\n", docker));
  EXPECT_FALSE(is_within("0::/docker/ab123\n", docker));
  EXPECT_FALSE(is_within("0::/docker\n", docker));
  EXPECT_FALSE(is_within("4:memory:/docker/ab12\n0::/\n", docker));
}

}  // namespace
}  // namespace vambrace::attest
