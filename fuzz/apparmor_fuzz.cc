#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "enforcer/apparmor/compiled.h"
#include "enforcer/apparmor/labels.h"
#include "enforcer/apparmor/records.h"

namespace {

namespace apparmor = vambrace::enforcer::apparmor;

// What was read says again what was written.
void try_profiles(std::string_view text) {
  const auto profiles = apparmor::parse_profiles(text);
  if (!profiles) {
    CHECK(profiles.error().code() == vambrace::ErrorCode::InvalidInput);
    return;
  }
  std::string again;
  for (const apparmor::Profile& profile : *profiles) {
    CHECK(!profile.name.empty() && !profile.mode.empty());
    again += fmt::format("{} ({})\n", profile.name, profile.mode);
  }
  CHECK(again.size() ==
        text.size() + (text.ends_with('\n') || text.empty() ? 0 : 1));
}

void try_current(std::string_view text) {
  const auto current = apparmor::parse_current(text);
  if (!current || current->profiles.empty()) {
    return;
  }
  const std::string again = fmt::format(
      "{} ({})", fmt::join(current->profiles, "//&"), current->mode);
  CHECK(text.starts_with(again));
  CHECK(apparmor::parse_current(again) == *current);
}

void try_compiled(std::string_view bytes) {
  const auto names = apparmor::compiled_names(bytes);
  if (!names) {
    CHECK(names.error().code() == vambrace::ErrorCode::InvalidInput);
    return;
  }
  for (const std::string& name : *names) {
    CHECK(!name.empty() && name.size() <= bytes.size());
  }
}

void try_record(std::string_view text) {
  if (const auto record = apparmor::parse_record(text)) {
    CHECK(record->name.size() <= text.size());
    CHECK(record->profile.empty() ||
          apparmor::is_about(*record, record->profile) ||
          record->profile.find("//") != std::string::npos);
  }
  const std::vector<std::uint8_t> bytes(text.begin(), text.end());
  // As the kernel writes a name that quotation marks cannot hold: whatever it
  // is, the fields beside it stay what they are.
  const auto named = apparmor::parse_record(fmt::format(
      "audit(1:2): apparmor=\"DENIED\" profile=\"p\" name={:02X} pid=7",
      fmt::join(bytes, "")));
  CHECK(named && named->profile == "p" && named->pid == 7);
  CHECK(named->name == text);
}

}  // namespace

// What the kernel and the profile compiler write; names in it are of anyone.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try_profiles(text);
  try_current(text);
  try_compiled(text);
  try_record(text);
  return 0;
}
