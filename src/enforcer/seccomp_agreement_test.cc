#include <gtest/gtest.h>

#include "enforcer/random_profile.h"
#include "enforcer/seccomp_compile.h"
#include "policy/seccomp/compare.h"

// What profiles say and what the compiler makes of them, over many profiles.
namespace vambrace::enforcer {
namespace {

namespace seccomp = policy::seccomp;
using seccomp::Profile;

runtime::Target target(std::uint64_t seed) {
  constexpr const char* kNames[] = {"docker", "runc", "crun", "process"};
  return *runtime::target_named(kNames[seed % std::size(kNames)]);
}

// Any profile: either filter and profile agree, or the profile is refused.
TEST(SeccompAgreement, HoldsOrTheProfileIsRefused) {
  std::size_t agreed = 0;
  std::size_t refused = 0;
  const std::uint64_t profiles = rounds(1000);
  for (std::uint64_t seed = 0; seed < profiles; ++seed) {
    const Profile profile = RandomProfile(seed).make(seed % 4 == 0);
    const runtime::Target on = target(seed);
    const Result<seccomp::Program> program = compile(profile, on);
    if (!program) {
      EXPECT_EQ(program.error().code(), ErrorCode::InvalidInput) << seed;
      continue;
    }
    const auto differences = seccomp::compare(*program, profile, on);
    ASSERT_TRUE(differences) << seed;
    if (differences->empty()) {
      ++agreed;
      continue;
    }
    ++refused;
    if (refused % 16 == 0) {
      const auto checked = compile_checked(profile, on);
      ASSERT_FALSE(checked) << seed;
      EXPECT_EQ(checked.error().code(), ErrorCode::Denied) << seed;
    }
  }
  EXPECT_GE(agreed, profiles * 7 / 10);
  RecordProperty("agreed", static_cast<int>(agreed));
  RecordProperty("refused", static_cast<int>(refused));
}

// Profiles of the kind that synthesis renders: nothing is refused.
TEST(SeccompAgreement, HoldsForEveryProfileOfTheKindThatIsRendered) {
  const std::uint64_t profiles = rounds(1000);
  for (std::uint64_t seed = 0; seed < profiles; ++seed) {
    const Profile profile = RandomProfile(seed).make_rendered();
    const auto program = compile_checked(profile, target(seed));
    ASSERT_TRUE(program) << seed << ": " << program.error().message();
  }
}

TEST(SeccompAgreement, HoldsForEveryProfileThatLooksAtNoArgument) {
  const std::uint64_t profiles = rounds(1000);
  for (std::uint64_t seed = 0; seed < profiles; ++seed) {
    Profile profile = RandomProfile(seed).make(true);
    std::erase(profile.architectures, "SCMP_ARCH_X32");
    std::erase(profile.architectures, "SCMP_ARCH_X86");
    for (seccomp::Entry& entry : profile.entries) {
      entry.args.clear();
    }
    const auto program = compile_checked(profile, target(seed));
    EXPECT_TRUE(program) << seed << ": " << program.error().message();
  }
}

TEST(SeccompAgreement, IsLostWhenOneInstructionIsChanged) {
  std::size_t noticed = 0;
  std::size_t changed = 0;
  const std::size_t step = rounds(1000) == 1000 ? 9 : 31;
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    const Profile profile = RandomProfile(seed).make(false);
    const runtime::Target on = target(seed);
    const Result<seccomp::Program> program = compile_checked(profile, on);
    if (!program) {
      continue;
    }
    for (std::size_t at = 0; at < program->size(); at += step) {
      seccomp::Program other = *program;
      other[at].k ^= 1;
      if (!seccomp::validate(other)) {
        continue;
      }
      ++changed;
      noticed += seccomp::compare(other, profile, on)->empty() ? 0 : 1;
    }
  }
  // The rest are changes without effect: a jump over what is never reached, a
  // comparison that another one already decided.
  EXPECT_GT(changed * step, 180U);
  EXPECT_GT(noticed * 10, changed * 7);
  RecordProperty("changed", static_cast<int>(changed));
  RecordProperty("noticed", static_cast<int>(noticed));
}

}  // namespace
}  // namespace vambrace::enforcer
