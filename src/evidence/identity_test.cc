#include "evidence/identity.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vambrace::evidence {
namespace {

using testing::HasSubstr;

std::string refusal(std::string_view id) {
  const auto checked = check_identity(id);
  return checked ? "taken" : checked.error().message();
}

TEST(Identity, IsASpiffeIdOrAPlainName) {
  for (const char* id : {"web", "shop/web-1.2_a", "spiffe://local/nginx",
                         "spiffe://example.org/a/b"}) {
    EXPECT_EQ(refusal(id), "taken") << id;
  }
  EXPECT_EQ(refusal(std::string(255, 'a')), "taken");
}

TEST(Identity, ThatIsNoneIsRefusedWithWhatIsWrong) {
  EXPECT_THAT(refusal(""), HasSubstr("a part of it is empty"));
  EXPECT_THAT(refusal("spiffe://"), HasSubstr("a part of it is empty"));
  EXPECT_THAT(refusal("a//b"), HasSubstr("a part of it is empty"));
  EXPECT_THAT(refusal("web/"), HasSubstr("a part of it is empty"));
  EXPECT_THAT(refusal("spiffe://a/../b"), HasSubstr("a part of it is \"..\""));
  EXPECT_THAT(refusal("a b"), HasSubstr("it holds \" \""));
  EXPECT_THAT(refusal("a\nb"), HasSubstr("it holds \"\\x0a\""));
  EXPECT_THAT(refusal("http://a"), HasSubstr("it holds \":\""));
  EXPECT_THAT(refusal(std::string(256, 'a')), HasSubstr("256 characters"));
}

}  // namespace
}  // namespace vambrace::evidence
