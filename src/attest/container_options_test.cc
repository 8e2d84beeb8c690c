#include "attest/container_options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vambrace::attest {
namespace {

using policy::securitycontext::SecurityContext;
using policy::securitycontext::User;
using testing::ElementsAre;
using testing::IsEmpty;

// As Docker 20.10 answers for the options that the context below renders to.
constexpr const char* kEqual = R"({"user":"999:998","privileged":false,
  "read_only":true,"tmpfs":{"/run":"rw,nosuid"},
  "mounts":[{"Type":"volume","Name":"x","Source":"/s","Destination":"/data",
             "Driver":"local","Mode":"z","RW":true,"Propagation":""},
            {"Type":"bind","Source":"/c","Destination":"/conf","RW":false}],
  "cap_add":["CHOWN"],"cap_drop":["ALL"],
  "security":["no-new-privileges","seccomp={\"defaultAction\":\"x\"}"],
  "apparmor":"web"})";

SecurityContext context() {
  return {.user = User{999, 998},
          .mounts = {{.folder = "/data", .memory = false}, {.folder = "/run"}},
          .capabilities = {0},
          .apparmor = "web"};
}

std::vector<std::string> ids(const ContainerOptions& running,
                             const SecurityContext& expected = context(),
                             const std::vector<std::string>& volumes = {}) {
  std::vector<std::string> unknown;
  std::vector<std::string> out;
  for (const Finding& finding :
       judge_options(running, expected, volumes, unknown)) {
    out.push_back(finding.id);
  }
  for (const std::string& one : unknown) {
    out.push_back("unknown: " + one);
  }
  return out;
}

ContainerOptions equal() {
  return parse_options(kEqual).value();
}

TEST(ContainerOptions, AreReadFromWhatDockerTells) {
  const ContainerOptions options = equal();
  EXPECT_EQ(options.user, "999:998");
  EXPECT_THAT(options.memory, ElementsAre("/run"));
  EXPECT_THAT(options.mounts, ElementsAre("/data"));
  EXPECT_THAT(options.added, ElementsAre("CAP_CHOWN"));
  EXPECT_FALSE(options.default_seccomp);
  EXPECT_TRUE(options.no_new_privs);
  EXPECT_THAT(ids(options), IsEmpty());
}

TEST(ContainerOptions, NullIsNone) {
  const auto options = parse_options(
      R"({"user":"","privileged":true,"read_only":false,"tmpfs":null,
          "mounts":[],"cap_add":null,"cap_drop":null,"security":null,
          "apparmor":""})");
  ASSERT_TRUE(options);
  EXPECT_THAT(ids(*options),
              ElementsAre("user", "root-writable", "mount-missing",
                          "mount-missing", "privileged", "capabilities",
                          "no-new-privileges", "seccomp", "apparmor"));
  EXPECT_FALSE(parse_options("{}"));
  EXPECT_FALSE(parse_options(""));
}

TEST(ContainerOptions, AFolderThatIsWritableBesideIsFound) {
  ContainerOptions running = equal();
  running.mounts.insert("/extra");
  EXPECT_THAT(ids(running), ElementsAre("mount-added"));
  EXPECT_THAT(ids(running, context(), {"/extra/"}), IsEmpty());
  EXPECT_THAT(ids(running, context(), {"/ext"}), ElementsAre("mount-added"));
  SecurityContext open = context();
  open.read_only_root = false;
  EXPECT_THAT(ids(running, open), IsEmpty());
}

TEST(ContainerOptions, AUserByNameIsUnknown) {
  ContainerOptions running = equal();
  running.user = "redis";
  EXPECT_THAT(ids(running), ElementsAre(testing::StartsWith("unknown: ")));
  running.user = "999";
  EXPECT_THAT(ids(running), IsEmpty());
  running.user = "999:0";
  EXPECT_THAT(ids(running), ElementsAre("user"));
}

TEST(ContainerOptions, NoNewPrivilegesMayBeTakenBack) {
  std::string text = kEqual;
  text.replace(text.find("no-new-privileges"), 17, "no-new-privileges=false");
  EXPECT_THAT(ids(parse_options(text).value()),
              ElementsAre("no-new-privileges"));
}

}  // namespace
}  // namespace vambrace::attest
