#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "elf/root.h"
#include "kernel/syscalls.h"

// Libraries that no object needs and that are loaded all the same: what dlopen
// is known to be called for.
namespace vambrace::elf {

// What is known of a process before its plugins are.
struct PluginQuery {
  std::string program;  // its path in the root
  // Resolved paths of all objects that are loaded, the program first.
  std::vector<std::string> loaded;
  // True if any of them imports that function.
  std::function<bool(std::string_view)> imports;
  kernel::Arch arch = kernel::Arch::X86_64;
};

struct Plugin {
  std::string path;  // resolved
  std::string rule;  // "nss", "gconv", "pam", ...: the table's name for it
  std::string why;   // a sentence's end: "a service that nsswitch.conf names"
  // Names, with "*" for any bytes, of the functions that its user looks up.
  std::vector<std::string> entries;
  auto operator<=>(const Plugin&) const = default;
};

// What the rules of known_plugin_rules.h find in the root, sorted by path, each
// path once (by the first rule that finds it).
//
// More than a process loads where that depends on what it is asked to do (any
// native module of Python that is installed), and never all: a program may load
// what it finds by rules of its own, what its user names, or what is installed
// later. Plugins need libraries and have plugins themselves: ask again with
// them among the loaded ones until nothing new comes.
std::vector<Plugin> known_plugins(const Root& root, const PluginQuery& query);

}  // namespace vambrace::elf
