#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "evidence/json.h"
#include "policy/capabilities/reduce.h"
#include "policy/json.h"
#include "policy/risk_json.h"
#include "repository/bundle.h"
#include "runtime/layer.h"

// Every file that we read says which version it is, and no other is taken.
namespace vambrace::repository {
namespace {

struct Format {
  std::string name;
  std::string text;  // a whole file of it
  std::function<Result<>(std::string_view)> read;
};

template <class T>
Result<> outcome(Result<T> result) {
  return result ? Result<>() : std::unexpected(std::move(result).error());
}

std::vector<Format> formats() {
  Manifest manifest;
  manifest.workload.id = "spiffe://local/web";
  evidence::Evidence evidence;
  evidence.workload.id = "spiffe://local/web";
  const auto target = runtime::target_named("runc").value();
  return {
      {"vambrace.evidence", evidence::print(evidence),
       [](auto text) { return outcome(evidence::parse(text)); }},
      {"vambrace.policy", policy::print({.workload = evidence.workload}),
       [](auto text) { return outcome(policy::parse(text)); }},
      {"vambrace.capabilities", policy::capabilities::print({.target = "runc"}),
       [](auto text) { return outcome(policy::capabilities::parse(text)); }},
      {"vambrace.layer",
       runtime::print_layers({runtime::runtime_layer(target)}),
       [](auto text) { return outcome(runtime::parse_layers(text)); }},
      {"vambrace.risks", policy::print_risks({.version = "1"}),
       [](auto text) { return outcome(policy::parse_risks(text)); }},
      {"vambrace.bundle", print_manifest(manifest),
       [](auto text) { return outcome(parse_manifest(text)); }},
  };
}

TEST(Schemas, AreReadInTheVersionThatIsWritten) {
  for (const Format& format : formats()) {
    const Result<> result = format.read(format.text);
    EXPECT_TRUE(result) << format.name << ": " << result.error().message();
  }
}

TEST(Schemas, OfAnotherVersionOrNameAreRefused) {
  for (const Format& format : formats()) {
    const std::string ours = format.name + "/v1";
    const std::size_t at = format.text.find(ours);
    ASSERT_NE(at, std::string::npos) << format.name;
    for (const std::string& other :
         {format.name + "/v2", format.name + "/v10", format.name + "/v0",
          format.name, std::string("vambrace.other/v1"), std::string("v1")}) {
      std::string text = format.text;
      text.replace(at, ours.size(), other);
      const Result<> result = format.read(text);
      ASSERT_FALSE(result) << other;
      EXPECT_EQ(result.error().code(), ErrorCode::InvalidInput);
      EXPECT_THAT(result.error().message() + result.error().hint(),
                  testing::HasSubstr(ours));
    }
  }
}

}  // namespace
}  // namespace vambrace::repository
