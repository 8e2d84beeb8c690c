#include "elf/loader_conf.h"

#include "elf/glob.h"
#include "elf/loader_words.h"

namespace vambrace::elf {
namespace {

constexpr std::uint64_t kMaxText = 1U << 20;
constexpr std::size_t kMaxConfigured = 1000;
// Files that are read in all: they may include each other many times.
constexpr std::size_t kMaxIncluded = 64;

void read_conf(const Root& root, const std::string& path, std::size_t& files,
               std::vector<std::string>& folders) {
  if (++files > kMaxIncluded || folders.size() >= kMaxConfigured) {
    return;
  }
  const std::string text = text_of(root, path);
  for (std::string_view line : split(text, "\n")) {
    line = line.substr(0, line.find('#'));
    const auto words = split(line, " \t\r");
    if (words.empty() || words[0] == "hwcap") {
      continue;
    }
    if (words[0] != "include") {
      // Old files name the type of a library: "/usr/lib=libc5".
      folders.emplace_back(words[0].substr(0, words[0].find('=')));
      continue;
    }
    for (std::size_t i = 1; i < words.size() && files <= kMaxIncluded; ++i) {
      const std::string pattern =
          words[i].starts_with('/')
              ? std::string(words[i])
              : folder_of(path) + "/" + std::string(words[i]);
      for (const std::string& included : glob(root, pattern)) {
        read_conf(root, included, files, folders);
      }
    }
  }
}

}  // namespace

std::string text_of(const Root& root, const std::string& path) {
  const auto file = root.read(path, kMaxText);
  return file ? std::string(file->bytes.text()) : std::string();
}

std::vector<std::string> configured_folders(const Root& root) {
  std::vector<std::string> folders;
  std::size_t files = 0;
  read_conf(root, "/etc/ld.so.conf", files, folders);
  std::erase_if(folders,
                [](const std::string& path) { return !path.starts_with('/'); });
  return folders;
}

}  // namespace vambrace::elf
