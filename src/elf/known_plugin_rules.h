#pragma once

#include <span>
#include <string_view>
#include <vector>

namespace vambrace::elf {

// One way in which software is known to load libraries by name.
//
// It applies if one of `objects` is loaded or one of `imports` is imported, and
// one of `if_present` is in the root (if there are any). Then it stands for
//  * the files that `files` matches, and
//  * the files in `folders` that words of `configs` name.
//
// In paths {lib} stands for the folders of libraries (/usr/lib, with and
// without the architecture, /usr/lib64, /usr/local/lib), {prefix} for /usr,
// /usr/local and the folder above the program's, {version} for the digits in
// the name of the object ("3.11" of libpython3.11.so.1.0), and wildcards for
// those of glob().
struct PluginRule {
  std::string_view name;
  std::string_view why;
  std::string_view source;  // where it is written that it is so
  std::vector<std::string_view> objects = {};  // patterns of file names
  std::vector<std::string_view> imports = {};
  std::vector<std::string_view> if_present = {};
  std::vector<std::string_view> files = {};
  std::vector<std::string_view> configs = {};
  // First words of the lines that name plugins; none: any line may.
  std::vector<std::string_view> directives = {};
  std::vector<std::string_view> folders = {};
  // What a word becomes: "libnss_{}.so.2".
  std::vector<std::string_view> forms = {"{}"};
  // Words where none of the configs is there.
  std::vector<std::string_view> defaults = {};
  std::vector<std::string_view> entries = {};
};

std::span<const PluginRule> plugin_rules();

}  // namespace vambrace::elf
