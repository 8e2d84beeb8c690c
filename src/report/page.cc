#include "report/page.h"

#include <algorithm>
#include <map>

#include "base/json.h"
#include "base/result.h"
#include "report/parts.h"
#include "review/json.h"

namespace vambrace {

// page.html, style.css and script.js, and the SHA-256 of each in base64.
const std::map<std::string_view, std::string_view>& embedded_page();
const std::map<std::string_view, std::string_view>& embedded_page_hashes();

}  // namespace vambrace

namespace vambrace::report {
namespace {

using Values = std::map<std::string_view, std::string>;

// The template with each {{name}} replaced. What is put in is not looked at
// again: a name that looks like a placeholder stays as it is.
std::string filled(std::string_view page, const Values& values) {
  std::string out;
  while (true) {
    const std::size_t begin = page.find("{{");
    out += page.substr(0, begin);
    if (begin == std::string_view::npos) {
      return out;
    }
    const std::size_t end = page.find("}}", begin);
    CHECK(end != std::string_view::npos);
    const auto value = values.find(page.substr(begin + 2, end - begin - 2));
    CHECK(value != values.end());
    out += value->second;
    page.remove_prefix(end + 2);
  }
}

// Nothing may be loaded or sent, and no other script or style runs.
std::string content_policy() {
  const auto& hashes = embedded_page_hashes();
  return fmt::format(
      "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; "
      "base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'",
      hashes.at("style"), hashes.at("script"));
}

std::string within_reach(const review::Review& review) {
  return std::to_string(std::ranges::count_if(review.advisories,
                                              &review::Advisory::within_reach));
}

}  // namespace

std::string review_page(const review::Review& review, std::string_view bundle) {
  const auto& texts = embedded_page();
  const auto count = [](const auto& items) {
    return std::to_string(items.size());
  };
  return filled(texts.at("page"),
                {{"policy", content_policy()},
                 {"name", escape(review.workload.id)},
                 {"style", std::string(texts.at("style"))},
                 {"script", std::string(texts.at("script"))},
                 {"title", title_part(review).markup()},
                 {"figures", figures_part(review).markup()},
                 {"origins", origins_part(review).markup()},
                 {"facts", facts_part(review).markup()},
                 {"findings", findings_part(review).markup()},
                 {"findings-count", count(review.findings)},
                 {"grants", grants_part(review).markup()},
                 {"grants-count", count(review.grants)},
                 {"candidates", candidates_part(review).markup()},
                 {"candidates-count", count(review.candidates)},
                 {"coverage", coverage_part(review).markup()},
                 {"coverage-percent", percent(review.coverage.calls)},
                 {"gaps", gaps_part(review).markup()},
                 {"gaps-count", count(review.gaps)},
                 {"decisions", decisions_part(review).markup()},
                 {"decisions-count", std::to_string(review.decisions.size() +
                                                    review.waivers.size())},
                 {"advisories", advisories_part(review).markup()},
                 {"advisories-count", within_reach(review)},
                 {"day", escape(review.day)},
                 {"bundle", escape(json::quote_bytes(bundle))},
                 {"version", VAMBRACE_VERSION},
                 {"data", escape_json(review::print_review(review))}});
}

}  // namespace vambrace::report
