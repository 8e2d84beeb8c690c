#include "base/digest.h"

#include <gtest/gtest.h>

namespace vambrace {
namespace {

Digest of(std::initializer_list<std::string_view> parts) {
  return digest_of(std::span(parts.begin(), parts.size()));
}

// The digest of no bytes at all: FIPS 180-4, and of "abc" behind its length in
// eight bytes, by sha256sum(1).
TEST(Digest, IsSha256OfThePartsWithTheirLengths) {
  EXPECT_EQ(hex_of(of({})),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(hex_of(of({"abc"})),
            "ce91dc5eec0139adf091900d225971d6ad246a845bad791b5693a9d0d55dd391");
}

TEST(Digest, TellsHowPartsAreCut) {
  EXPECT_NE(of({"ab", "c"}), of({"a", "bc"}));
  EXPECT_NE(of({"abc"}), of({"abc", ""}));
  EXPECT_NE(of({""}), of({}));
}

TEST(Digest, IsTheSameInPieces) {
  PieceDigest pieces(5);
  pieces.add("ab");
  pieces.add("");
  pieces.add("cde");
  EXPECT_EQ(std::move(pieces).finish(), of({"abcde"}));
}

TEST(Digest, IsReadFromExactlyWhatIsPrinted) {
  const Digest digest = of({"x"});
  EXPECT_EQ(digest_from(hex_of(digest)), digest);
  EXPECT_EQ(digest_from(hex_of(digest).substr(1)), std::nullopt);
  EXPECT_EQ(digest_from(std::string(64, 'A')), std::nullopt);
  EXPECT_EQ(digest_from(std::string(63, 'a') + "-"), std::nullopt);
}

}  // namespace
}  // namespace vambrace
