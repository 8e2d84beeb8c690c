#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "enforcer/report.h"
#include "evidence/time.h"
#include "kernel/capabilities.h"
#include "kernel/errnos.h"
#include "policy/decision.h"
#include "policy/explain.h"
#include "recorder/ebpf/build_id.h"
#include "recorder/ebpf/symbols.h"
#include "runtime/target.h"

namespace {

using vambrace::runtime::Version;

void read_numbers(std::string_view text) {
  if (const auto version = vambrace::runtime::parse_version(text)) {
    CHECK(vambrace::runtime::parse_version(to_string(*version)) == *version);
  }
  if (const auto time = vambrace::evidence::parse_time(text)) {
    CHECK(vambrace::evidence::format_time(*time) == text);
  }
  if (const auto error = vambrace::kernel::errno_number(text)) {
    CHECK(vambrace::kernel::errno_name(*error) == text);
  }
  if (const auto number = vambrace::kernel::capability_number(text)) {
    CHECK(*number <= vambrace::kernel::kLastCapability);
  }
}

void ask(std::string_view text) {
  std::vector<std::string> words;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find(' ', at), text.size());
    words.emplace_back(text.substr(at, end - at));
    at = end + 1;
  }
  if (const auto question = vambrace::policy::parse_question(words)) {
    CHECK(question->values.size() <= 6);
  }
  if (const auto subject = vambrace::policy::parse_subject(text); !subject) {
    CHECK(!subject.error().message().empty());
  }
}

}  // namespace

// What is read by hand: numbers and names on command lines, in /proc and in
// ELF files, and what launchers report.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  read_numbers(text);
  ask(text);
  vambrace::enforcer::parse_report(text);
  namespace ebpf = vambrace::recorder::ebpf;
  if (const auto id = ebpf::build_id_in(text)) {
    CHECK(id->find_first_not_of("0123456789abcdef") == std::string::npos);
  }
  ebpf::Symbols::parse(text).name(0xffffffff81000000);
  return 0;
}
