#include "elf/followed.h"

#include <gtest/gtest.h>

namespace vambrace::elf {
namespace {

// f: mov $39, %eax; call g; syscall; ret    g: ret
constexpr char kCode[] =
    "\xb8\x27\x00\x00\x00\xe8\x03\x00\x00\x00\x0f\x05\xc3\xc3";
constexpr std::uint64_t kBegin = 0x1000;
constexpr std::uint64_t kCalled = 0x100d;

class FollowedTest : public testing::Test {
 protected:
  FollowedTest() {
    image_.bytes = {kCode, sizeof kCode - 1};
    image_.segments = {{.memory = {kBegin, kBegin + image_.bytes.size()},
                        .file_bytes = image_.bytes.size()}};
    image_.code = {image_.segments.front().memory};
    code_.functions = {{.bounds = {kBegin, kCalled}},
                       {.bounds = {kCalled, kCalled + 1}}};
  }

  Moments moments(bool comes_back) {
    return followed_.moments(
        image_, code_, 0,
        [&](std::uint64_t target, bool) {
          EXPECT_EQ(target, kCalled);
          ++asked_;
          return comes_back ? Back::Once : Back::Never;
        },
        effort_);
  }

  Image image_;
  Code code_;
  Followed followed_;
  Effort effort_;
  int asked_ = 0;
};

TEST_F(FollowedTest, FindsAgainWhatDoesNotDependOnOthers) {
  const Moments first = moments(true);
  ASSERT_EQ(first->size(), 2U);  // the call and the system call
  const int asked = asked_;
  EXPECT_EQ(moments(true), first);
  EXPECT_EQ(asked_ - asked, 1);  // only whether the call still comes back
}

TEST_F(FollowedTest, FollowsAnewWhenAnotherCallComesBack) {
  const Moments first = moments(true);
  const Moments other = moments(false);
  EXPECT_NE(first, other);
  // What is behind the call is reached from nowhere that is known.
  EXPECT_NE((*other)[1].registers, (*first)[1].registers);
  EXPECT_EQ((*moments(true))[1].registers, (*first)[1].registers);
}

TEST_F(FollowedTest, CostsTheSameAgain) {
  const Effort full;
  moments(true);
  const std::uint64_t cost = full.left - effort_.left;
  EXPECT_GT(cost, 0U);
  moments(true);
  EXPECT_EQ(full.left - effort_.left, 2 * cost);
}

TEST_F(FollowedTest, DoesNotRememberWhatWasGivenUp) {
  effort_.left = 1;
  const Moments cut = moments(true);
  EXPECT_TRUE(cut->front().given_up);
  effort_ = {};
  EXPECT_FALSE(moments(true)->front().given_up);
}

TEST_F(FollowedTest, GivesUpAlsoWhatItRemembers) {
  moments(true);
  effort_.left = 1;
  EXPECT_TRUE(moments(true)->front().given_up);
}

}  // namespace
}  // namespace vambrace::elf
