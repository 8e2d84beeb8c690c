#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"
#include "report/page.h"
#include "report/samples.h"
#include "report/skeleton.h"

// Whatever stands in the names of a review, its page has the same tags and
// attributes, is UTF-8, and ends where it ends.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  namespace report = vambrace::report;
  // A page repeats the text some hundred times.
  const std::string_view text(reinterpret_cast<const char*>(data),
                              std::min<std::size_t>(size, 256));
  static const std::string usual =
      report::skeleton(report::review_page(report::sample::review(), "bundle"));
  const std::string page = report::review_page(report::sample::review(text),
                                               "bundle" + std::string(text));
  CHECK(report::skeleton(page) == usual);
  CHECK(vambrace::json::is_utf8(page));
  return 0;
}
