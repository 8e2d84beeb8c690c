#pragma once

#include <string>

#include "cli/command.h"

// Manual pages for man(1), made from the command table, what each command
// declares, and the embedded pages. Equal input, equal bytes: no date.
namespace vambrace::cli {

// vambrace(1): the overview.
std::string roff_overview();

// vambrace-record(1)
std::string roff_page(const Command& command);

// "vambrace-evidence-merge"
std::string roff_name(const Command& command);

// The Markdown that pages use, as roff.
std::string roff_from_markdown(std::string_view text);

}  // namespace vambrace::cli
