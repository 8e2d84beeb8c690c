#include "policy/decision.h"

#include "base/json.h"
#include "kernel/capabilities.h"

namespace vambrace::policy {
namespace {

bool is_syscall_name(std::string_view name) {
  return std::ranges::any_of(kernel::kAllArches, [&](kernel::Arch arch) {
    return kernel::syscall_number(arch, name).has_value();
  });
}

Result<Subject> syscall_subject(std::string_view name) {
  if (is_syscall_name(name)) {
    return SyscallSubject{std::string(name)};
  }
  Error error(ErrorCode::InvalidInput, fmt::format("unknown system call \"{}\"",
                                                   json::quote_bytes(name)));
  if (const auto near = kernel::nearest_syscall_name(name)) {
    error = std::move(error).with_hint(fmt::format("did you mean {}?", *near));
  }
  return std::unexpected(std::move(error));
}

}  // namespace

Result<Subject> parse_subject(std::string_view what) {
  const std::size_t space = what.find(' ');
  const std::string_view kind = what.substr(0, space);
  const std::string_view name =
      space == std::string_view::npos ? "" : what.substr(space + 1);
  if (kind == "syscall") {
    return syscall_subject(name);
  }
  if (kind == "capability") {
    if (const auto number = kernel::capability_number(name)) {
      return CapabilitySubject{*number};
    }
    return fail(ErrorCode::InvalidInput, "unknown capability \"{}\"",
                json::quote_bytes(name));
  }
  return std::unexpected(
      Error(ErrorCode::InvalidInput,
            fmt::format("\"{}\" names no rule", json::quote_bytes(what)))
          .with_hint("write \"syscall NAME\" or \"capability NAME\""));
}

}  // namespace vambrace::policy
