#pragma once

#include <string>
#include <vector>

#include "elf/root.h"

namespace vambrace::elf {

// Folders that /etc/ld.so.conf names, with what it includes, in their order;
// none if there is no such file.
std::vector<std::string> configured_folders(const Root& root);

// A small text file; empty if it cannot be read.
std::string text_of(const Root& root, const std::string& path);

}  // namespace vambrace::elf
