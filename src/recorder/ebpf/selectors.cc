#include "recorder/ebpf/selectors.h"

#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <optional>
#include <string_view>

#include "host/disk_files.h"

namespace vambrace::recorder::ebpf {
namespace {

vmb_selector_key key_of(const struct stat& info) {
  vmb_selector_key key{};
  key.inode = info.st_ino;
  key.device = ::major(info.st_dev) << 20 | ::minor(info.st_dev);
  return key;
}

// Where the shell would find this name.
std::optional<std::string> in_path(const std::string& name) {
  const char* variable = ::getenv("PATH");
  std::string_view rest = variable == nullptr ? "" : variable;
  while (!rest.empty()) {
    const std::size_t colon = std::min(rest.find(':'), rest.size());
    const std::string path = std::string(rest.substr(0, colon)) + "/" + name;
    if (::access(path.c_str(), X_OK) == 0) {
      return path;
    }
    rest.remove_prefix(std::min(colon + 1, rest.size()));
  }
  return std::nullopt;
}

bool is_many_programs(const std::string& name) {
  constexpr std::array<std::string_view, 3> kKnown = {"busybox", "toybox",
                                                      "coreutils"};
  return std::ranges::find(kKnown, name) != kKnown.end();
}

}  // namespace

Result<std::vector<vmb_selector_key>> selector_keys(
    const std::string& selector) {
  struct stat info{};
  if (selector.contains('/')) {
    if (::stat(selector.c_str(), &info) != 0) {
      return std::unexpected(
          system_error("--workload " + selector, errno)
              .with_hint("give the path of a program, or only its name"));
    }
    std::vector keys = {key_of(info)};
    // Of a script the kernel knows its interpreter's file, and the words by
    // which it was asked for.
    for (const std::string& words :
         {selector,
          std::filesystem::absolute(selector).lexically_normal().string()}) {
      vmb_selector_key script{};
      if (words.size() < sizeof script.name) {
        std::memcpy(script.name, words.data(), words.size());
        keys.push_back(script);
      }
    }
    return keys;
  }
  vmb_selector_key named{};
  if (selector.empty() || selector.size() >= sizeof named.name) {
    return fail(ErrorCode::InvalidInput, "--workload \"{}\": not a name",
                selector);
  }
  std::memcpy(named.name, selector.data(), selector.size());
  std::vector keys = {named};
  if (const auto path = in_path(selector)) {
    std::error_code error;
    const std::string file =
        std::filesystem::canonical(*path, error).filename().string();
    if (!error && file != selector && !is_many_programs(file) &&
        ::stat(path->c_str(), &info) == 0) {
      keys.push_back(key_of(info));
    }
  }
  return keys;
}

}  // namespace vambrace::recorder::ebpf
