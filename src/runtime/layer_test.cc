#include "runtime/layer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kernel/syscalls.h"

namespace vambrace::runtime {
namespace {

std::set<std::string> names(const std::vector<LayerCall>& calls) {
  std::set<std::string> out;
  for (const LayerCall& call : calls) {
    out.insert(call.name);
  }
  return out;
}

Target target(const char* name, bool no_new_privs) {
  Target out = target_named(name).value();
  out.no_new_privs = no_new_privs;
  return out;
}

TEST(RuntimeLayer, ShipsForEveryTarget) {
  for (const std::string& name : target_names()) {
    for (const bool no_new_privs : {true, false}) {
      const Target of = target(name.c_str(), no_new_privs);
      const RuntimeLayer& layer = runtime_layer(of);
      EXPECT_EQ(layer.runtime, of.runtime) << name;
      EXPECT_EQ(layer.no_new_privs, no_new_privs) << name;
      EXPECT_THAT(names(layer.start), testing::Contains("execve")) << name;
      for (const auto* calls : {&layer.start, &layer.exec, &layer.closure}) {
        for (const LayerCall& call : *calls) {
          EXPECT_TRUE(kernel::syscall_number(kernel::Arch::X86_64, call.name))
              << name << ": " << call.name;
        }
      }
    }
  }
}

// Without no_new_privs the filter is loaded before the user changes.
TEST(RuntimeLayer, DropsPrivilegesUnderTheFilterOnlyWithoutNoNewPrivs) {
  for (const char* name : {"runc", "crun"}) {
    const auto with = names(runtime_layer(target(name, true)).start);
    const auto without = names(runtime_layer(target(name, false)).start);
    EXPECT_FALSE(with.contains("capset")) << name;
    EXPECT_TRUE(without.contains("capset")) << name;
    EXPECT_TRUE(std::ranges::includes(without, with)) << name;
  }
}

TEST(RuntimeLayer, OurLauncherNeedsNothingButTheProgram) {
  EXPECT_THAT(names(runtime_layer(target("process", true)).start),
              testing::ElementsAre("execve", "exit_group", "write"));
}

TEST(RuntimeLayer, RoundTripsAsJson) {
  const RuntimeLayer with = runtime_layer(target("runc", true));
  const RuntimeLayer without = runtime_layer(target("runc", false));
  const auto again = parse_layers(print_layers({with, without}));
  ASSERT_TRUE(again) << again.error().message();
  EXPECT_EQ(*again, (std::vector<RuntimeLayer>{with, without}));
  EXPECT_EQ(choose_layer(*again, target("docker", false)).value(), without);
  EXPECT_EQ(choose_layer(*again, target("crun", true)).error().code(),
            ErrorCode::NotFound);
}

TEST(RuntimeLayer, RefusesAValueThatDoesNotFit) {
  RuntimeLayer layer = runtime_layer(target("runc", true));
  layer.start = {{.name = "prctl", .index = 0, .values = {0xffffffffffffffff}}};
  std::string text = print_layers({layer});
  ASSERT_TRUE(parse_layers(text));
  text.insert(text.find("0xf") + 2, "1");
  EXPECT_FALSE(parse_layers(text));
}

TEST(RuntimeLayer, RefusesAnotherSchema) {
  EXPECT_FALSE(parse_layers(R"({"schema":"vambrace.layer/v2"})"));
}

}  // namespace
}  // namespace vambrace::runtime
