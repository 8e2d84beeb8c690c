#include "review/sarif.h"

#include <algorithm>

#include "base/json.h"
#include "policy/apparmor/text_hash.h"

namespace vambrace::review {
namespace {

using json::Value;

// SARIF has three levels (section 3.27.10); what is only told is a note.
std::string_view level_of(std::string_view severity) {
  return severity == "high"     ? "error"
         : severity == "medium" ? "warning"
                                : "note";
}

// The file of the bundle that a person would change.
std::string_view file_of(const policy::Finding& finding) {
  const std::string_view place = finding.place;
  return finding.id == "layer-edited"         ? place
         : place.starts_with("bundle.yaml")   ? "bundle.yaml"
         : place.starts_with("seccomp")       ? "seccomp.json"
         : place.starts_with("apparmor")      ? "apparmor.profile"
         : place.starts_with("capabilities:") ? "capabilities.json"
                                              : "policy.json";
}

// A path as a URI: relative (RFC 3986, section 3.3), or of a file (RFC 8089).
std::string uri_of(std::string_view folder, std::string_view file) {
  std::string path(folder);
  if (!path.empty() && !path.ends_with('/')) {
    path += '/';
  }
  path += file;
  std::string uri = path.starts_with('/') ? "file://" : "";
  for (const char c : path) {
    const bool plain =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
        (c >= '0' && c <= '9') ||
        std::string_view("-._~/").find(c) != std::string_view::npos;
    uri += plain ? std::string(1, c)
                 : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return uri;
}

// Two findings of one rule and place differ in their words, not in counts.
std::string without_counts(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool digit = c >= '0' && c <= '9';
    if (!digit) {
      out += c;
    } else if (!out.ends_with('#')) {
      out += '#';
    }
  }
  return out;
}

Value result_of(const policy::Finding& finding,
                const std::optional<Changes>& since, std::string_view folder) {
  Value result = {
      {"ruleId", finding.id},
      {"level", level_of(finding.severity)},
      {"message",
       {{"text", fmt::format("{}: {}{}{}", finding.place, finding.message,
                             finding.hint.empty() ? "" : ". ", finding.hint)}}},
      {"locations",
       Value::array({{{"physicalLocation",
                       {{"artifactLocation",
                         {{"uri", uri_of(folder, file_of(finding))}}},
                        {"region", {{"startLine", 1}}}}}}})},
      // The same finding again, whatever its counts say by then.
      {"partialFingerprints",
       {{"vambrace/v1",
         fmt::format("{}:{}:{}", finding.id,
                     policy::apparmor::lasting_place(finding.place),
                     without_counts(finding.message))}}}};
  if (since) {
    const bool is_new =
        std::ranges::find(since->found, finding) != since->found.end();
    result["baselineState"] = is_new ? "new" : "unchanged";
  }
  return result;
}

}  // namespace

std::string sarif(const Review& review, const std::optional<Changes>& since,
                  std::string_view folder) {
  Value rules = Value::array();
  Value results = Value::array();
  std::set<std::string> ids;
  for (const policy::Finding& finding : review.findings) {
    ids.insert(finding.id);
    results.push_back(result_of(finding, since, folder));
  }
  for (const std::string& id : ids) {
    rules.push_back({{"id", id}, {"shortDescription", {{"text", id}}}});
  }
  return json::print(
      {{"$schema", "https://json.schemastore.org/sarif-2.1.0.json"},
       {"version", "2.1.0"},
       {"runs", Value::array({{{"tool",
                                {{"driver",
                                  {{"name", "vambrace review"},
                                   {"version", VAMBRACE_VERSION},
                                   {"rules", rules}}}}},
                               {"results", results}}})}});
}

}  // namespace vambrace::review
