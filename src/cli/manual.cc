#include "cli/manual.h"

#include <algorithm>

#include "cli/columns.h"

namespace vambrace::cli {
namespace {

// `code` and **strong**; a mark without its partner stays as it is.
std::string render_inline(std::string_view line, bool color) {
  std::string out;
  while (!line.empty()) {
    const std::string_view mark = line.starts_with("**")  ? "**"
                                  : line.starts_with('`') ? "`"
                                                          : "";
    const std::size_t end =
        mark.empty() ? std::string_view::npos : line.find(mark, mark.size());
    if (end == std::string_view::npos) {
      const std::size_t step = std::max<std::size_t>(1, mark.size());
      out += line.substr(0, step);
      line.remove_prefix(step);
      continue;
    }
    out += bold(line.substr(mark.size(), end - mark.size()), color);
    line.remove_prefix(end + mark.size());
  }
  return out;
}

std::string options_section(const std::vector<OptionSpec>& specs, bool color) {
  Columns columns({{.heading = ""}, {.heading = ""}});
  for (const OptionSpec& spec : specs) {
    const std::string names =
        spec.value.empty() ? spec.names : spec.names + " " + spec.value;
    columns.row(
        {"  " + names,
         spec.about + (spec.repeated && spec.kind == OptionSpec::Kind::Option
                           ? " (repeatable)"
                           : "")});
  }
  columns.row({"  -h, --help", "show this page"});
  return bold("Options", color) + "\n" + columns.print();
}

}  // namespace

std::optional<std::string_view> manual_text(const Command& command) {
  std::string key(command.name);
  std::replace(key.begin(), key.end(), ' ', '_');
  const auto& pages = embedded_manuals();
  auto page = pages.find(key);
  if (page == pages.end()) {
    page = pages.find(key.substr(0, key.find('_')));
  }
  return page == pages.end() ? std::nullopt : std::optional(page->second);
}

std::string synopsis(const Command& command) {
  std::string line = fmt::format("vambrace {} [OPTIONS]", command.name);
  for (const OptionSpec& spec : describe(command)) {
    if (spec.kind == OptionSpec::Kind::Option) {
      continue;
    }
    const bool list = spec.repeated && spec.kind != OptionSpec::Kind::Command;
    const std::string word = spec.names + (list ? "..." : "");
    line += spec.required ? " " + word : " [" + word + "]";
  }
  return line;
}

std::string render_markdown(std::string_view text, bool color) {
  std::string out;
  bool fenced = false;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.starts_with("```")) {
      fenced = !fenced;
    } else if (fenced) {
      out += fmt::format("    {}\n", line);
    } else if (line.starts_with("    ")) {
      out += fmt::format("{}\n", line);
    } else if (line.starts_with('#')) {
      const std::size_t start =
          std::min(line.find_first_not_of("# "), line.size());
      out += bold(line.substr(start), color) + "\n";
    } else {
      out += render_inline(line, color) + "\n";
    }
  }
  return out;
}

std::string manual_page(const Command& command, bool color) {
  std::string page =
      bold(fmt::format("vambrace {}", command.name), color) +
      fmt::format(" - {}\n\nUsage: {}\n\n", command.summary, synopsis(command));
  std::string_view text = manual_text(command).value_or("");
  // A title of the page's own would say the name twice.
  if (text.starts_with("# ")) {
    text.remove_prefix(std::min(text.find('\n'), text.size() - 1) + 1);
  }
  text.remove_prefix(std::min(text.find_first_not_of('\n'), text.size()));
  page += render_markdown(text, color);
  return page + "\n" + options_section(describe(command), color);
}

}  // namespace vambrace::cli
