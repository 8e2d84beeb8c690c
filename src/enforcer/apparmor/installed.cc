#include "enforcer/apparmor/installed.h"

#include <algorithm>
#include <optional>
#include <set>

#include "base/printable.h"
#include "policy/apparmor/print.h"

namespace vambrace::enforcer::apparmor {
namespace {

using policy::apparmor::Sources;

constexpr std::uint64_t kMostBytes = 256U << 10;
constexpr std::size_t kMostFiles = 3000;
constexpr unsigned kMostFolders = 8;

Result<> read_folder(const Files& files, const std::string& root,
                     const std::string& folder, unsigned depth, Sources& out) {
  const std::string place = root + "/" + folder;
  const auto names = files.list(place);
  if (!names || depth == kMostFolders) {
    out.emplace(folder, names ? fail(ErrorCode::InvalidInput,
                                     "{}: folders too deep", place)
                              : std::unexpected(names.error()));
    return {};
  }
  out.emplace(folder + "/", "");
  for (const std::string& name : *names) {
    const std::string path = folder + "/" + name;
    if (out.size() >= kMostFiles) {
      return fail(ErrorCode::InvalidInput, "{}: too many files",
                  printable(root));
    }
    if (policy::apparmor::is_passed_over(name)) {
      out.emplace(path, fail(ErrorCode::InvalidInput,
                             "files of such names are not read"));
    } else if (files.is_directory(root + "/" + path)) {
      TRY(read_folder(files, root, path, depth + 1, out));
    } else {
      out.emplace(path, read_regular(files, root + "/" + path, kMostBytes));
    }
  }
  return {};
}

// From "include <abstractions/x> # HASH": the name after "abstractions/", and
// the hash. Only print.h writes such lines, and always in this form.
struct PrintedInclude {
  std::string_view name;
  std::string_view hash;
  auto operator<=>(const PrintedInclude&) const = default;
};
std::optional<PrintedInclude> printed_include(std::string_view line) {
  constexpr std::string_view kBegin = "include <abstractions/";
  constexpr std::string_view kMiddle = "> # ";
  line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
  const std::size_t middle = line.find(kMiddle);
  if (!line.starts_with(kBegin) || middle == std::string_view::npos) {
    return std::nullopt;
  }
  return PrintedInclude{
      .name = line.substr(kBegin.size(), middle - kBegin.size()),
      .hash = line.substr(middle + kMiddle.size())};
}

std::set<PrintedInclude> printed_includes(std::string_view text) {
  std::set<PrintedInclude> out;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    if (const auto found = printed_include(text.substr(0, end))) {
      out.insert(*found);
    }
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

Result<> check(const Result<Sources>& sources, std::string_view name,
               std::string_view hash) {
  const auto same = [&]() -> Result<bool> {
    if (!sources) {
      return std::unexpected(sources.error());
    }
    TRY_ASSIGN(const auto rules, policy::apparmor::read_rules(*sources, name));
    if (!rules.others.empty()) {
      return fail(ErrorCode::InvalidInput, "{}", rules.others.front());
    }
    TRY_ASSIGN(const std::string here,
               policy::apparmor::hash_of(policy::apparmor::granted(rules)));
    return here == hash;
  }();
  if (same && *same) {
    return {};
  }
  return std::unexpected(
      Error(ErrorCode::Denied,
            fmt::format("abstractions/{} of this host is not what the profile "
                        "was made with{}",
                        printable(name),
                        same ? "" : ": " + same.error().message()))
          .with_hint("make the bundle for such hosts: vambrace synth "
                     "--abstractions /etc/apparmor.d -o DIR; or take the name "
                     "from abstractions in bundle.yaml and run synth"));
}

}  // namespace

Result<Sources> installed(const Files& files, const std::string& folder) {
  Sources out;
  for (const char* part : {"abstractions", "tunables"}) {
    const std::string path = folder + "/" + part;
    if (files.is_directory(path)) {
      TRY(read_folder(files, folder, part, 0, out));
    }
  }
  if (const auto top = out.find("abstractions"); top != out.end()) {
    return std::unexpected(top->second.error());
  }
  if (!out.contains("abstractions/")) {
    return fail(ErrorCode::NotFound, "{}: no abstractions in it",
                printable(folder));
  }
  return out;
}

Result<> check_includes(const Files& files, std::string_view text,
                        const std::string& folder) {
  const auto includes = printed_includes(text);
  if (includes.empty()) {
    return {};
  }
  const Result<Sources> sources = installed(files, folder);
  for (const auto& [name, hash] : includes) {
    TRY(check(sources, name, hash));
  }
  return {};
}

}  // namespace vambrace::enforcer::apparmor
