#include "report/page.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "base/json.h"
#include "report/samples.h"
#include "report/skeleton.h"
#include "review/json.h"

namespace vambrace::report {
namespace {

constexpr std::string_view kDataBegin =
    "<script type=\"application/json\" id=\"review\">";

// What stands in the element `review`, as a program would read it.
std::string data_of(std::string_view page) {
  const std::size_t begin = page.find(kDataBegin) + kDataBegin.size();
  return std::string(page.substr(begin, page.find("</script", begin) - begin));
}

TEST(ReviewPage, TellsAllOfAReviewWithoutTheScript) {
  const std::string page = review_page(sample::review(), "bundle");
  for (const std::string_view text :
       {"spiffe://local/nginx", "docker", "14×", "request is 0x0", "a hint",
        "realloc was seen", "entry point", "61 of 98", "futex", "2026-12-31",
        "fs: heap overflow", "CAP_SYS_ADMIN"}) {
    EXPECT_NE(page.find(text), std::string::npos) << text;
  }
}

TEST(ReviewPage, LetsNothingBeLoaded) {
  const std::string page = review_page(sample::review(), "bundle");
  EXPECT_NE(page.find("content=\"default-src 'none'; style-src 'sha256-"),
            std::string::npos);
  for (const std::string_view word : {"unsafe-inline", " src=", "@import",
                                      "innerHTML", "style=", "onclick"}) {
    EXPECT_EQ(page.find(word), std::string::npos) << word;
  }
}

TEST(ReviewPage, HoldsTheReviewAsJson) {
  const review::Review review = sample::review("</script><!--\"'&\\");
  EXPECT_EQ(json::parse(data_of(review_page(review, "b"))).value(),
            json::parse(review::print_review(review)).value());
}

TEST(ReviewPage, SaysUnknownWhereNothingIsKnown) {
  const std::string page = review_page({}, "bundle");
  EXPECT_NE(page.find("Unknown: no program was analyzed"), std::string::npos);
  EXPECT_NE(page.find("<strong>unknown</strong>"), std::string::npos);
  EXPECT_EQ(page.find("100%</strong>"), std::string::npos);
}

TEST(ReviewPage, LinksOnlyWhatIsAnAddress) {
  review::Review review = sample::review();
  review.grants[0].risk.sources = {"javascript:alert(1)", "http://x/"};
  review.candidates.clear();
  review.advisories.clear();
  const std::string page = review_page(review, "bundle");
  EXPECT_EQ(page.find("href=\"java"), std::string::npos);
  EXPECT_EQ(page.find("href=\"http"), std::string::npos);
}

TEST(ReviewPage, LeavesPlaceholdersInNamesAlone) {
  review::Review review = sample::review();
  review.grants[0].subject = "file /{{script}} r";
  EXPECT_NE(review_page(review, "b").find("/{{script}} r"), std::string::npos);
}

// Pieces with which a name could try to get out of its place.
rc::Gen<std::string> hostile_text() {
  return rc::gen::map(
      rc::gen::container<std::vector<std::string>>(
          rc::gen::element<std::string>(
              "<", ">", "\"", "'", "&", "/", "\\", "`", "=", " ", "\n",
              std::string(1, '\0'), "</script>", "<script>", "<!--", "-->",
              "]]>", "{{", "}}", "{{data}}", "\u2028", "\u202e", "\xff", "\xc3",
              "&lt;", "&#60;", "\\x3c", "onload=", "a")),
      [](const std::vector<std::string>& pieces) {
        std::string out;
        for (const std::string& piece : pieces) {
          out += piece;
        }
        return out;
      });
}

RC_GTEST_PROP(ReviewPageProperty, NoTextBecomesMarkup, ()) {
  const std::string text = *hostile_text();
  static const std::string usual =
      skeleton(review_page(sample::review(), "bundle"));
  const review::Review review = sample::review(text);
  const std::string page = review_page(review, "bundle" + text);
  RC_ASSERT(skeleton(page) == usual);
  RC_ASSERT(json::is_utf8(page));
  RC_ASSERT(json::parse(data_of(page)).value() ==
            json::parse(review::print_review(review)).value());
}

}  // namespace
}  // namespace vambrace::report
