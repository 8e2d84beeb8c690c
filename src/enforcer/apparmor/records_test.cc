#include "enforcer/apparmor/records.h"

#include <gmock/gmock.h>

namespace vambrace::enforcer::apparmor {
namespace {

using testing::ElementsAre;
using testing::Pair;

Record parsed(std::string_view text) {
  const auto record = parse_record(text);
  EXPECT_TRUE(record) << text;
  return record.value_or(Record{});
}

TEST(Record, TellsAFile) {
  const Record record = parsed(
      "audit(1700000000.123:45): apparmor=\"DENIED\" operation=\"open\" "
      "profile=\"web-1a2b//cat\" name=\"/etc/shadow\" pid=12 comm=\"a b\" "
      "requested_mask=\"rw\" denied_mask=\"r\" fsuid=33 ouid=0\n");
  EXPECT_EQ(record.verdict, "DENIED");
  EXPECT_EQ(record.operation, "open");
  EXPECT_EQ(record.profile, "web-1a2b//cat");
  EXPECT_EQ(record.name, "/etc/shadow");
  EXPECT_EQ(record.comm, "a b");
  EXPECT_EQ(record.pid, 12);
  EXPECT_EQ(record.mask, "r");
  EXPECT_TRUE(record.more.empty());
}

TEST(Record, TellsSocketsSignalsAndCapabilities) {
  const Record socket = parsed(
      "x apparmor=\"DENIED\" operation=\"create\" profile=\"p\" pid=1 "
      "comm=\"c\" family=\"inet\" sock_type=\"raw\" protocol=1 "
      "requested_mask=\"create\" denied_mask=\"create\"");
  EXPECT_THAT(socket.more,
              ElementsAre(Pair("family", "inet"), Pair("protocol", "1"),
                          Pair("sock_type", "raw")));
  const Record signal = parsed(
      "x apparmor=\"DENIED\" operation=\"signal\" profile=\"p\" pid=1 "
      "comm=\"c\" requested_mask=\"send\" denied_mask=\"send\" signal=term "
      "peer=\"unconfined\"");
  EXPECT_THAT(signal.more,
              ElementsAre(Pair("peer", "unconfined"), Pair("signal", "term")));
  const Record capability = parsed(
      "x apparmor=\"DENIED\" operation=\"capable\" profile=\"p\" pid=1 "
      "comm=\"c\" capability=21  capname=\"sys_admin\"");
  EXPECT_EQ(capability.name, "sys_admin");
}

TEST(Record, ANameCannotLookLikeAnotherField) {
  // The kernel writes what quotation marks cannot hold in hex.
  const Record record = parsed(
      "x apparmor=\"DENIED\" operation=\"open\" profile=\"p\" "
      "name=2F78222070726F66696C653D226F74686572 pid=1 comm=\"c\" "
      "denied_mask=\"r\"");
  EXPECT_EQ(record.name, "/x\" profile=\"other");
  EXPECT_EQ(record.profile, "p");
  EXPECT_EQ(parsed("x apparmor=\"DENIED\" name=\"/a name=b\" pid=7").pid, 7);
}

TEST(Record, OthersAreNone) {
  EXPECT_EQ(parse_record("audit(1:2): pid=1 uid=0 msg='apparmor'"),
            std::nullopt);
  EXPECT_EQ(parse_record(""), std::nullopt);
}

TEST(Record, OfBrokenTextHoldsWhatIsThere) {
  for (const char* text :
       {"x apparmor=\"", "x apparmor=\"DENIED\" name=",
        "x apparmor=\"DENIED\" =\"", "x apparmor=\"D\" n=2F4"}) {
    parsed(text);
  }
  EXPECT_EQ(parsed("x apparmor=\"D\" name=2F4 x").name, "2F4");
}

TEST(Record, IsAboutAProfileItsChildrenAndStacks) {
  EXPECT_TRUE(is_about({.profile = "web-1"}, "web-1"));
  EXPECT_TRUE(is_about({.profile = "web-1//cat"}, "web-1"));
  EXPECT_TRUE(is_about({.profile = "other//&web-1"}, "web-1"));
  EXPECT_FALSE(is_about({.profile = "web-12"}, "web-1"));
  EXPECT_FALSE(is_about({.profile = "x//web-1"}, "web-1"));
  EXPECT_FALSE(is_about({}, "web-1"));
}

}  // namespace
}  // namespace vambrace::enforcer::apparmor
