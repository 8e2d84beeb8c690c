#include "recorder/ebpf/symbols.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace vambrace::recorder::ebpf {
namespace {

// What stands between the check and our program on the stack.
bool is_tracing(std::string_view name) {
  constexpr std::array<std::string_view, 5> kPrefixes = {
      "bpf_", "__bpf_", "__traceiter_", "trace_call_bpf", "__probestub_"};
  return std::any_of(
      kPrefixes.begin(), kPrefixes.end(),
      [&](std::string_view prefix) { return name.starts_with(prefix); });
}

}  // namespace

Symbols Symbols::parse(std::string_view kallsyms) {
  Symbols symbols;
  while (!kallsyms.empty()) {
    const std::size_t end = std::min(kallsyms.find('\n'), kallsyms.size());
    const std::string_view line = kallsyms.substr(0, end);
    kallsyms.remove_prefix(std::min(end + 1, kallsyms.size()));
    std::uint64_t address = 0;
    const auto [rest, error] =
        std::from_chars(line.data(), line.data() + line.size(), address, 16);
    const auto used = static_cast<std::size_t>(rest - line.data());
    if (error != std::errc{} || address == 0 || line.size() < used + 4) {
      continue;
    }
    const char kind = line[used + 1];
    if (kind != 't' && kind != 'T' && kind != 'w' && kind != 'W') {
      continue;
    }
    std::string_view name = line.substr(used + 3);
    name = name.substr(0, name.find_first_of("\t ["));
    symbols.by_address_.emplace_hint(symbols.by_address_.end(), address, name);
  }
  return symbols;
}

std::string_view Symbols::name(std::uint64_t address) const {
  const auto above = by_address_.upper_bound(address);
  if (above == by_address_.begin()) {
    return "";
  }
  return std::prev(above)->second;
}

std::vector<std::string> Symbols::names(
    const std::vector<std::uint64_t>& addresses) const {
  std::vector<std::string> result;
  for (const std::uint64_t address : addresses) {
    if (address == 0) {
      break;
    }
    // Return addresses point behind the call.
    std::string_view found = name(address - 1);
    // The compiler's copies of a function are that function.
    found = found.substr(0, found.find('.'));
    if (found.empty() || is_tracing(found)) {
      continue;
    }
    if (result.empty() || result.back() != found) {
      result.emplace_back(found);
    }
  }
  // What jumped from the check to our program has lost its name by now: others
  // stand at its address, or before it.
  const auto check = std::ranges::find(result, "cap_capable");
  if (check != result.end()) {
    result.erase(result.begin(), check);
  }
  return result;
}

}  // namespace vambrace::recorder::ebpf
