#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "cli/command.h"

namespace vambrace {

// The pages src/cli/*.md by file name without ending (cmake/Embed.cmake).
const std::map<std::string_view, std::string_view>& embedded_manuals();

}  // namespace vambrace

namespace vambrace::cli {

// The text of a command's page: evidence_merge.md for "evidence merge", or else
// evidence.md. It begins with "## Examples"; name, synopsis and options are not
// in it but made from the table and the declared options.
std::optional<std::string_view> manual_text(const Command& command);

// "vambrace record [OPTIONS] [-- COMMAND...]"
std::string synopsis(const Command& command);

// The whole page for a terminal. Without color it is plain text.
std::string manual_page(const Command& command, bool color);

// The words of Markdown that pages use, as a terminal shows them: headings,
// code blocks (indented or fenced), `code` and **strong**.
std::string render_markdown(std::string_view text, bool color);

}  // namespace vambrace::cli
