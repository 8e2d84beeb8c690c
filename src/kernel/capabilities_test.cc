#include "kernel/capabilities.h"

#include <gtest/gtest.h>
#include <linux/capability.h>

namespace vambrace::kernel {
namespace {

TEST(Capabilities, HaveTheKernelsNumbers) {
  EXPECT_EQ(capability_number("CAP_CHOWN"), CAP_CHOWN);
  EXPECT_EQ(capability_number("CAP_NET_BIND_SERVICE"), CAP_NET_BIND_SERVICE);
  EXPECT_EQ(capability_number("CAP_SYS_ADMIN"), CAP_SYS_ADMIN);
  EXPECT_EQ(capability_number("CAP_MKNOD"), CAP_MKNOD);
  EXPECT_EQ(capability_number("CAP_SYSLOG"), CAP_SYSLOG);
  EXPECT_EQ(capability_number("CAP_CHECKPOINT_RESTORE"),
            CAP_CHECKPOINT_RESTORE);
  EXPECT_EQ(kLastCapability, CAP_LAST_CAP);
}

TEST(Capabilities, AreFoundWithoutPrefixAndInAnyCase) {
  EXPECT_EQ(capability_number("net_raw"), CAP_NET_RAW);
  EXPECT_EQ(capability_number("cap_Net_Raw"), CAP_NET_RAW);
  EXPECT_EQ(capability_number("CAP_"), std::nullopt);
  EXPECT_EQ(capability_number("CAP_EVERYTHING"), std::nullopt);
}

TEST(Capabilities, EachNameLeadsBackToItsNumber) {
  for (std::uint32_t number = 0; number <= kLastCapability; ++number) {
    EXPECT_EQ(capability_number(*capability_name(number)), number);
  }
  EXPECT_EQ(capability_name(kLastCapability + 1), std::nullopt);
}

}  // namespace
}  // namespace vambrace::kernel
