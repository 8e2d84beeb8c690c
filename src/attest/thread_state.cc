#include "attest/thread_state.h"

#include <charconv>
#include <map>

namespace vambrace::attest {
namespace {

using Lines = std::map<std::string_view, std::string_view>;

Lines lines_of(std::string_view text) {
  Lines result;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) {
      continue;
    }
    std::string_view value = line.substr(colon + 1);
    while (!value.empty() && (value.front() == '\t' || value.front() == ' ')) {
      value.remove_prefix(1);
    }
    result.emplace(line.substr(0, colon), value);
  }
  return result;
}

template <class T>
Result<> read(const Lines& lines, std::string_view key, int base, T& value) {
  const auto found = lines.find(key);
  if (found == lines.end()) {
    return fail(ErrorCode::InvalidInput, "status: no line {}", key);
  }
  const std::string_view text = found->second;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc() || end != text.data() + text.size()) {
    return fail(ErrorCode::InvalidInput, "status: {} is not a number: {}", key,
                text);
  }
  return {};
}

}  // namespace

Result<ThreadState> parse_status(std::string_view text) {
  const Lines lines = lines_of(text);
  ThreadState state;
  if (const auto name = lines.find("Name"); name != lines.end()) {
    state.name = name->second;
  }
  TRY(read(lines, "Tgid", 10, state.pid));
  TRY(read(lines, "Pid", 10, state.tid));
  TRY(read(lines, "PPid", 10, state.parent));
  TRY(read(lines, "CapInh", 16, state.inheritable));
  TRY(read(lines, "CapPrm", 16, state.permitted));
  TRY(read(lines, "CapEff", 16, state.effective));
  TRY(read(lines, "CapBnd", 16, state.bounding));
  TRY(read(lines, "CapAmb", 16, state.ambient));
  std::uint32_t flag = 0;
  TRY(read(lines, "NoNewPrivs", 10, flag));
  state.no_new_privs = flag != 0;
  TRY(read(lines, "Seccomp", 10, state.seccomp_mode));
  state.seccomp_filters = state.seccomp_mode == 2 ? 1 : 0;
  if (lines.contains("Seccomp_filters")) {
    TRY(read(lines, "Seccomp_filters", 10, state.seccomp_filters));
  }
  return state;
}

}  // namespace vambrace::attest
