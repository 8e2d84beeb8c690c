#include "enforcer/apparmor/records.h"

#include <algorithm>
#include <charconv>
#include <span>

namespace vambrace::enforcer::apparmor {
namespace {

// The fields whose values come from outside, and may therefore be in hex.
constexpr std::string_view kForeign[] = {"comm",    "name",     "peer",
                                         "profile", "src_name", "srcname",
                                         "target",  "addr",     "peer_addr"};
// What every record has, and what tells nothing more about it.
constexpr std::string_view kOwn[] = {
    "apparmor", "operation", "profile",        "name",        "comm",
    "pid",      "class",     "requested_mask", "denied_mask", "requested",
    "denied",   "fsuid",     "ouid",           "capname",     "capability"};

int digit(char c) {
  if (c >= '0' && c <= '9') {
    return c - '0';
  }
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

// Bytes of "2F746D70"; the text itself if it is none.
std::string from_hex(std::string_view text) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
    const int high = digit(text[i]);
    const int low = digit(text[i + 1]);
    if (high < 0 || low < 0) {
      return std::string(text);
    }
    bytes += static_cast<char>(high * 16 + low);
  }
  return text.size() % 2 == 0 ? bytes : std::string(text);
}

bool among(std::span<const std::string_view> list, std::string_view word) {
  return std::ranges::find(list, word) != list.end();
}

// key="value" and key=value, one blank between them.
std::map<std::string, std::string> fields_of(std::string_view text) {
  std::map<std::string, std::string> fields;
  while (!text.empty()) {
    const std::size_t equals = text.find('=');
    if (equals == std::string_view::npos) {
      break;
    }
    const std::string_view before = text.substr(0, equals);
    const std::string key(before.substr(before.rfind(' ') + 1));
    text.remove_prefix(equals + 1);
    const bool quoted = text.starts_with('"');
    text.remove_prefix(quoted ? 1 : 0);
    const std::size_t end =
        std::min(text.find(quoted ? '"' : ' '), text.size());
    const std::string_view value = text.substr(0, end);
    fields[key] =
        !quoted && among(kForeign, key) ? from_hex(value) : std::string(value);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return fields;
}

}  // namespace

std::optional<Record> parse_record(std::string_view text) {
  const std::size_t begin = text.find(" apparmor=\"");
  if (begin == std::string_view::npos) {
    return std::nullopt;
  }
  text.remove_prefix(begin + 1);
  while (text.ends_with('\n') || text.ends_with('\0')) {
    text.remove_suffix(1);
  }
  std::map<std::string, std::string> fields = fields_of(text);
  const auto take = [&](const char* key) {
    const auto found = fields.find(key);
    return found == fields.end() ? std::string() : found->second;
  };
  Record record{.verdict = take("apparmor"),
                .operation = take("operation"),
                .profile = take("profile"),
                .name = take("name"),
                .comm = take("comm"),
                .mask = take("denied_mask")};
  if (record.name.empty()) {
    record.name = take("capname");
  }
  for (const char* key : {"requested_mask", "denied", "requested"}) {
    record.mask = record.mask.empty() ? take(key) : record.mask;
  }
  const std::string pid = take("pid");
  std::from_chars(pid.data(), pid.data() + pid.size(), record.pid);
  for (auto& [key, value] : fields) {
    if (!among(kOwn, key)) {
      record.more.emplace(key, std::move(value));
    }
  }
  return record;
}

bool is_about(const Record& record, std::string_view profile) {
  for (std::string_view rest = record.profile; !rest.empty();) {
    const std::size_t end = std::min(rest.find("//&"), rest.size());
    std::string_view one = rest.substr(0, end);
    if (one == profile || (one.starts_with(profile) &&
                           one.substr(profile.size()).starts_with("//"))) {
      return true;
    }
    rest.remove_prefix(std::min(end + 3, rest.size()));
  }
  return false;
}

}  // namespace vambrace::enforcer::apparmor
