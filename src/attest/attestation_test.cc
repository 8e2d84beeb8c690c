#include "attest/attestation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

namespace vambrace::attest {
namespace {

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
      ::getpid(), {.capabilities = 0, .no_new_privs = true, .filter = true},
      nullptr);
  ASSERT_TRUE(result) << result.error().message();
  EXPECT_FALSE(result->threads.empty());
  EXPECT_FALSE(result->equal());
}

TEST(Attestation, NeedsAProcess) {
  const auto result = attest(0x7ffffff0, {}, nullptr);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code(), ErrorCode::NotFound);
}

}  // namespace
}  // namespace vambrace::attest
