#include "policy/decision.h"

#include <algorithm>
#include <cctype>

#include "base/json.h"
#include "base/spelling.h"
#include "kernel/capabilities.h"
#include "kernel/sockets.h"

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

Error unknown_capability(std::string_view name) {
  std::string wanted(name);
  std::ranges::transform(wanted, wanted.begin(), [](unsigned char c) {
    return static_cast<char>(std::toupper(c));
  });
  if (!wanted.starts_with("CAP_")) {
    wanted.insert(0, "CAP_");
  }
  std::vector<std::string> names;
  for (std::uint32_t i = 0; i <= kernel::kLastCapability; ++i) {
    names.emplace_back(*kernel::capability_name(i));
  }
  const auto nearest = nearest_spelling(wanted, names);
  return Error(ErrorCode::InvalidInput, fmt::format("unknown capability \"{}\"",
                                                    json::quote_bytes(name)))
      .with_hint(nearest ? fmt::format("did you mean {}?", *nearest)
                         : "names are those of capabilities(7), such as " +
                               names.front() + " or NET_BIND_SERVICE");
}

// The kernel's names have no empty part and none that is "." or "..".
bool is_no_kernel_path(std::string_view pattern) {
  constexpr std::string_view kInside[] = {"//", "/./", "/../"};
  return std::ranges::any_of(kInside,
                             [&](std::string_view part) {
                               return pattern.find(part) != pattern.npos;
                             }) ||
         pattern.ends_with("/.") || pattern.ends_with("/..");
}

Result<Subject> file_subject(std::string_view text) {
  const std::size_t space = text.rfind(' ');
  const std::string_view pattern = text.substr(0, space);
  std::string access(space == std::string_view::npos ? ""
                                                     : text.substr(space + 1));
  std::ranges::sort(access);
  const auto same = std::ranges::unique(access);
  access.erase(same.begin(), same.end());
  const bool known =
      !access.empty() && access.find_first_not_of("acdklmoprwx") == access.npos;
  if (!known || !(pattern.starts_with('/') || pattern.starts_with("@{"))) {
    return std::unexpected(
        Error(ErrorCode::InvalidInput,
              fmt::format("\"file {}\" names no file rule",
                          json::quote_bytes(text)))
            .with_hint("write \"file PATTERN ACCESS\": an absolute path or "
                       "pattern, and letters of acdklmoprwx"));
  }
  if (is_no_kernel_path(pattern)) {
    return std::unexpected(
        Error(
            ErrorCode::InvalidInput,
            fmt::format("\"file {}\" fits no path that AppArmor is asked about",
                        json::quote_bytes(text)))
            .with_hint("name the path as the kernel does: with single slashes, "
                       "without \".\" and \"..\""));
  }
  return FileSubject{std::string(pattern), access};
}

// `named` gives the name of a number below `end`.
template <class Named>
std::vector<std::string> names_below(std::uint32_t end, Named named) {
  std::vector<std::string> names;
  for (std::uint32_t number = 0; number < end; ++number) {
    if (const auto name = named(number)) {
      names.emplace_back(*name);
    }
  }
  return names;
}

Result<> known(std::string_view what, std::string_view word,
               const std::vector<std::string>& names) {
  if (std::ranges::find(names, word) != names.end()) {
    return {};
  }
  const auto nearest = nearest_spelling(word, names);
  return std::unexpected(
      Error(ErrorCode::InvalidInput,
            fmt::format("unknown {} \"{}\"", what, json::quote_bytes(word)))
          .with_hint(nearest ? fmt::format("did you mean {}?", *nearest)
                             : fmt::format("one is {}", names.front())));
}

Result<Subject> socket_subject(std::string_view text) {
  // Beyond every family and type that the kernel has.
  constexpr std::uint32_t kFamilies = 64;
  constexpr std::uint32_t kTypes = 16;
  const std::size_t space = text.find(' ');
  SocketSubject socket{std::string(text.substr(0, space)), ""};
  TRY(known("socket family", socket.family,
            names_below(kFamilies, kernel::socket_family_name)));
  if (space != std::string_view::npos) {
    socket.type = text.substr(space + 1);
    TRY(known("socket type", socket.type,
              names_below(kTypes, kernel::socket_type_name)));
  }
  return socket;
}

Result<Subject> signal_subject(std::string_view name) {
  std::vector<std::string> names =
      names_below(kernel::kFirstRealTimeSignal, kernel::signal_name);
  for (std::uint32_t number = kernel::kFirstRealTimeSignal;
       number <= kernel::kLastSignal; ++number) {
    names.push_back(
        fmt::format("rtmin+{}", number - kernel::kFirstRealTimeSignal));
  }
  TRY(known("signal", name, names));
  return SignalSubject{std::string(name)};
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
    return std::unexpected(unknown_capability(name));
  }
  if (kind == "file") {
    return file_subject(name);
  }
  if (kind == "network") {
    return socket_subject(name);
  }
  if (kind == "signal") {
    return signal_subject(name);
  }
  return std::unexpected(
      Error(ErrorCode::InvalidInput,
            fmt::format("\"{}\" names no rule", json::quote_bytes(what)))
          .with_hint("write \"syscall NAME\", \"capability NAME\", \"file "
                     "PATTERN ACCESS\", \"network FAMILY TYPE\" or \"signal "
                     "NAME\""));
}

}  // namespace vambrace::policy
