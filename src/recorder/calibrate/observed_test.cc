#include "recorder/calibrate/observed.h"

#include <gtest/gtest.h>

namespace vambrace::recorder {
namespace {

using runtime::LayerCall;

evidence::SyscallFact fact(
    std::string_view name,
    std::vector<std::vector<std::uint64_t>> tuples = {}) {
  evidence::SyscallFact result;
  const auto arch = kernel::Arch::X86_64;
  result.syscall = {arch, *kernel::syscall_number(arch, name)};
  if (!tuples.empty()) {
    result.args.emplace();
    for (const auto& tuple : tuples) {
      result.args->add(tuple);
    }
  }
  return result;
}

evidence::Process process(std::string_view script, evidence::Origin origin,
                          std::vector<evidence::SyscallFact> calls) {
  evidence::Process result;
  result.key.script = script;
  result.key.origin = origin;
  result.syscalls = std::move(calls);
  return result;
}

TEST(ObservedLayer, HoldsOnlyWhatTheRuntimeDidAfterTheFilter) {
  evidence::Evidence seen;
  using evidence::Origin;
  seen.processes = {
      process(evidence::kBeforeFilter, Origin::Runtime, {fact("mount")}),
      process(evidence::kAfterFilter, Origin::Runtime,
              {fact("execve"), fact("prctl", {{8}, {24}})}),
      process(evidence::kExecAfterFilter, Origin::Runtime, {fact("capset")}),
      process("after the filter", Origin::App, {fact("read")})};
  const ObservedLayer layer = observed_layer(seen);
  EXPECT_EQ(layer.start,
            (std::vector<LayerCall>{{"execve", 0, {}}, {"prctl", 0, {8, 24}}}));
  EXPECT_EQ(layer.exec, (std::vector<LayerCall>{{"capset", 0, {}}}));
}

TEST(ObservedLayer, KeepsOnlyTheNamespacesOfClone) {
  evidence::Evidence seen;
  seen.processes = {process(evidence::kAfterFilter, evidence::Origin::Runtime,
                            {fact("clone", {{0x50f00}})})};
  EXPECT_EQ(observed_layer(seen).start,
            (std::vector<LayerCall>{{"clone", 0, {0}}}));
}

TEST(ObservedLayer, UnitesCallsAndTheirValues) {
  std::vector<LayerCall> all = {{"prctl", 0, {8}}, {"read", 0, {}}};
  unite(all, {{"close", 0, {}}, {"prctl", 0, {8, 24}}});
  EXPECT_EQ(all,
            (std::vector<LayerCall>{
                {"close", 0, {}}, {"prctl", 0, {8, 24}}, {"read", 0, {}}}));
}

TEST(ObservedLayer, NamesWhatAnotherLayerDoesNotAllow) {
  const std::vector<LayerCall> allowed = {{"prctl", 0, {8}}, {"read", 0, {}}};
  EXPECT_EQ(beyond({{"prctl", 0, {8, 24}}, {"read", 0, {}}, {"write", 0, {}}},
                   allowed),
            (std::vector<LayerCall>{{"prctl", 0, {24}}, {"write", 0, {}}}));
}

}  // namespace
}  // namespace vambrace::recorder
