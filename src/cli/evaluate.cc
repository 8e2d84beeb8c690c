#include "policy/seccomp/evaluate.h"

#include <charconv>

#include "base/json.h"
#include "cli/commands.h"
#include "cli/options.h"
#include "cli/profile_file.h"

namespace vambrace::cli {
namespace {

using kernel::Arch;

// A number, decimal or with 0x.
std::optional<std::uint64_t> number(std::string_view text) {
  const bool hex = text.starts_with("0x");
  text.remove_prefix(hex ? 2 : 0);
  std::uint64_t value = 0;
  const char* end = text.data() + text.size();
  const auto [at, error] =
      std::from_chars(text.data(), end, value, hex ? 16 : 10);
  return error == std::errc() && at == end ? std::optional(value)
                                           : std::nullopt;
}

Result<kernel::Syscall> read_syscall(Arch arch, const std::string& word) {
  if (const auto nr = kernel::syscall_number(arch, word)) {
    return kernel::Syscall{arch, *nr};
  }
  if (const auto nr = number(word); nr && *nr <= 0xffffffff) {
    return kernel::Syscall{arch, static_cast<std::uint32_t>(*nr)};
  }
  Error error(ErrorCode::InvalidInput,
              fmt::format("{} has no call \"{}\"", kernel::to_string(arch),
                          json::quote_bytes(word).substr(0, 60)));
  if (const auto near = kernel::nearest_syscall_name(word)) {
    return std::unexpected(
        std::move(error).with_hint(fmt::format("did you mean \"{}\"?", *near)));
  }
  return std::unexpected(std::move(error));
}

Result<policy::seccomp::Arguments> read_arguments(
    const std::vector<std::string>& words) {
  policy::seccomp::Arguments out{};
  if (words.size() > out.size()) {
    return fail(ErrorCode::InvalidInput, "a call has at most 6 arguments");
  }
  for (std::size_t i = 0; i < words.size(); ++i) {
    const auto value = number(words[i]);
    if (!value) {
      return fail(ErrorCode::InvalidInput, "argument {}: not a number: \"{}\"",
                  i, json::quote_bytes(words[i]).substr(0, 60));
    }
    out[i] = *value;
  }
  return out;
}

}  // namespace

Result<Exit> evaluate(Environment& environment, Words words) {
  std::string path;
  std::string call;
  std::vector<std::string> values;
  std::string arch_name = "x86_64";
  std::string target;
  bool as_json = false;
  Options options;
  options.word("FILE|DIR", path, "a profile, or a folder with seccomp.json");
  options.word("SYSCALL", call, "name or number of the call");
  options.words("ARG", values, "its arguments, 0 where none is given");
  options.choice("--arch", {"x86_64", "i386", "x32", "aarch64"}, arch_name,
                 "whose call it is");
  options.choice("--target", runtime::target_names(), target,
                 "what the profile is for (a bundle's own; a file: docker)");
  options.json(as_json);
  TRY(options.parse(environment, words));

  TRY_ASSIGN(const kernel::Syscall syscall,
             read_syscall(*kernel::arch_from(arch_name), call));
  TRY_ASSIGN(const policy::seccomp::Arguments args, read_arguments(values));
  TRY_ASSIGN(const ProfileFile file,
             read_profile(environment.files, path, target));
  TRY_ASSIGN(
      const policy::seccomp::Outcome outcome,
      during(file.path,
             policy::seccomp::evaluate(
                 file.profile, file.target, kernel::audit_arch(syscall.arch),
                 policy::seccomp::filter_number(syscall), args)));
  environment.output.out(
      as_json
          ? json::print({{"schema", "vambrace.evaluate/v1"},
                         {"target", file.target.name},
                         {"arch", arch_name},
                         {"syscall", kernel::syscall_label(syscall)},
                         {"nr", syscall.nr},
                         {"action", policy::seccomp::to_string(outcome.action)},
                         {"errno", outcome.error}})
          : policy::seccomp::to_string(outcome) + "\n");
  return Exit::Clean;
}

}  // namespace vambrace::cli
