#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "recorder/ebpf/docker.h"
#include "recorder/ebpf/oci.h"

namespace vambrace::recorder::ebpf {
namespace {

TEST(DockersAnswer, GivesStatusAndBody) {
  const auto answer =
      parse_answer("HTTP/1.0 404 Not Found\r\nServer: Docker\r\n\r\n{}");
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 404U);
  EXPECT_EQ(answer->body, "{}");
}

TEST(DockersAnswer, IsNoneIfItIsCutShort) {
  for (const char* bytes :
       {"", "HTTP/1.0", "HTTP/1.0 200 OK\r\n", "HTTP/1.0\r\n\r\n",
        "HTTP/1.0 OK\r\n\r\n", "SSH-2.0 200\r\n\r\n"}) {
    EXPECT_FALSE(parse_answer(bytes)) << bytes;
  }
}

TEST(DockersContainer, NeedsAnIdAndToleratesOtherTypes) {
  EXPECT_FALSE(parse_container("[]"));
  EXPECT_FALSE(parse_container(R"({"Id": 7})"));
  const auto container = parse_container(
      R"({"Id": "ab", "Image": 1, "HostConfig": [], "State": {"Pid": -4}})");
  ASSERT_TRUE(container);
  EXPECT_EQ(container->image, "");
  EXPECT_EQ(container->pid, 0);
}

TEST(DockersContainer, HasTheFoldersOfItsRootFromTheTop) {
  const auto container = parse_container(
      R"({"Id": "ab", "GraphDriver": {"Data": {"LowerDir": "/l/2:/l/1",
          "MergedDir": "/m", "UpperDir": "/u"}}})");
  ASSERT_TRUE(container);
  EXPECT_THAT(container->layers, testing::ElementsAre("/u", "/l/2", "/l/1"));
  for (const char* driver :
       {"null", "7", R"({"Data": null})", R"({"Data": {"UpperDir": 1}})"}) {
    const auto other = parse_container(
        fmt::format(R"({{"Id": "ab", "GraphDriver": {}}})", driver));
    ASSERT_TRUE(other) << driver;
    EXPECT_TRUE(other->layers.empty()) << driver;
  }
}

TEST(DockersContainer, TellsWhereSomethingIsMounted) {
  const auto container = parse_container(
      R"({"Id": "ab", "HostConfig": {"Tmpfs": {"/run": "rw"}}, "Mounts": [
          {"Type": "volume", "Destination": "/srv", "RW": true},
          {"Type": "bind", "Destination": "/etc/x", "RW": false},
          {"Destination": "relative"}, {"Destination": 7}, 7]})");
  ASSERT_TRUE(container);
  EXPECT_THAT(container->mounts,
              testing::ElementsAre("/etc/x", "/run", "/srv"));
  const auto none = parse_container(
      R"({"Id": "ab", "HostConfig": {"Tmpfs": null}, "Mounts": null})");
  ASSERT_TRUE(none);
  EXPECT_TRUE(none->mounts.empty());
}

TEST(Pids, ThatCannotBeAreNone) {
  EXPECT_EQ(pid_in_state(R"({"pid": 42})", "pid"), 42);
  for (const char* text : {"", "{}", R"({"pid": "42"})", R"({"pid": -1})",
                           R"({"pid": 4294967338})", R"([42])"}) {
    EXPECT_EQ(pid_in_state(text, "pid"), 0) << text;
  }
  for (const char* pid : {"4294967338", "18446744073709551615"}) {
    const auto container = parse_container(
        fmt::format(R"({{"Id": "ab", "State": {{"Pid": {}}}}})", pid));
    ASSERT_TRUE(container);
    EXPECT_EQ(container->pid, 0) << pid;
  }
}

}  // namespace
}  // namespace vambrace::recorder::ebpf
