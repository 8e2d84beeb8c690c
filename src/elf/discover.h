#pragma once

#include <set>
#include <string>
#include <vector>

#include "elf/process.h"
#include "elf/site_values.h"

// What a process loads and looks up by name while it runs: dlopen(3), dlsym(3).
namespace vambrace::elf {

struct Discovered {
  // Names that constants in reached code tell, with who asks.
  std::vector<std::pair<Extra, const Object*>> files;
  std::vector<Found> symbols;
  std::vector<Gap> gaps;  // calls whose name is not a constant
};

Discovered discover(const Process& process, const Walk& walk,
                    SiteValues& values);

// Whether reached code calls an exported function of that name, or may.
bool reaches_export(const Process& process, const Walk& walk,
                    std::string_view name);

}  // namespace vambrace::elf
