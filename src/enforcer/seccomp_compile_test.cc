#include "enforcer/seccomp_compile.h"

#include <gtest/gtest.h>
#include <seccomp.h>

#include <random>

#include "policy/seccomp/compare.h"
#include "runtime/model.h"

namespace vambrace::enforcer {
namespace {

namespace seccomp = policy::seccomp;
using kernel::Arch;
using seccomp::Action;
using seccomp::Profile;

runtime::Target target(std::string_view name) {
  return *runtime::target_named(name);
}

Profile profile(std::string_view text) {
  Result<Profile> parsed = seccomp::parse(text);
  CHECK(parsed);
  return *parsed;
}

TEST(SeccompCompile, AgreesWithTheProfileOnEveryTarget) {
  const Profile p = profile(R"({
    "defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 38,
    "architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"],
    "syscalls": [
      {"names": ["read", "write", "exit_group", "socketcall", "statx"],
       "action": "SCMP_ACT_ALLOW"},
      {"names": ["socket"], "action": "SCMP_ACT_ALLOW",
       "args": [{"index": 0, "value": 1, "op": "SCMP_CMP_EQ"},
                {"index": 0, "value": 2, "op": "SCMP_CMP_EQ"}]},
      {"names": ["clone"], "action": "SCMP_ACT_ALLOW",
       "args": [{"index": 0, "value": 2114060288, "valueTwo": 0,
                 "op": "SCMP_CMP_MASKED_EQ"}]},
      {"names": ["clone3"], "action": "SCMP_ACT_ERRNO", "errnoRet": 38}]})");
  for (const std::string& name : runtime::target_names()) {
    const auto program = compile_checked(p, target(name));
    EXPECT_TRUE(program) << name << ": " << program.error().message();
  }
}

}  // namespace
}  // namespace vambrace::enforcer
