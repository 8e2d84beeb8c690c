#include "kernel/sockets.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <csignal>

namespace vambrace::kernel {
namespace {

TEST(Sockets, FamiliesHaveTheNumbersOfThisSystem) {
  EXPECT_EQ(socket_family_name(AF_UNIX), "unix");
  EXPECT_EQ(socket_family_name(AF_INET6), "inet6");
  EXPECT_EQ(socket_family_name(AF_NETLINK), "netlink");
  EXPECT_EQ(socket_family_name(AF_RDS), "rds");
  EXPECT_EQ(socket_family_name(AF_MPLS), "mpls");
  EXPECT_EQ(socket_family_name(AF_ALG), "alg");
  EXPECT_EQ(socket_family_name(AF_XDP), "xdp");
  EXPECT_EQ(socket_family_name(AF_UNSPEC), std::nullopt);
  EXPECT_EQ(socket_family_name(12), std::nullopt);
  EXPECT_EQ(socket_family_name(4096), std::nullopt);
}

TEST(Sockets, TypesLoseTheirFlags) {
  EXPECT_EQ(socket_type_name(SOCK_STREAM | SOCK_CLOEXEC), "stream");
  EXPECT_EQ(socket_type_name(SOCK_RAW), "raw");
  EXPECT_EQ(socket_type_name(SOCK_SEQPACKET), "seqpacket");
  EXPECT_EQ(socket_type_name(SOCK_PACKET), "packet");
  EXPECT_EQ(socket_type_name(0), std::nullopt);
}

TEST(Sockets, SignalsHaveTheNumbersOfThisSystem) {
  EXPECT_EQ(signal_name(0), "exists");
  EXPECT_EQ(signal_name(SIGTERM), "term");
  EXPECT_EQ(signal_name(SIGTSTP), "stp");
  EXPECT_EQ(signal_name(SIGWINCH), "winch");
  EXPECT_EQ(signal_name(SIGSYS), "sys");
  EXPECT_EQ(signal_name(kFirstRealTimeSignal), std::nullopt);
}

}  // namespace
}  // namespace vambrace::kernel
