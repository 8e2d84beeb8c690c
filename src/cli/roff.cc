#include "cli/roff.h"

#include <algorithm>
#include <cctype>

#include "cli/manual.h"
#include "cli/overview.h"

namespace vambrace::cli {
namespace {

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\') {
      out += "\\e";
    } else if (c == '-') {
      out += "\\-";
    } else {
      out += c;
    }
  }
  return out;
}

// A line of text must not be taken for a request.
std::string text_line(std::string_view text) {
  const bool request = text.starts_with('.') || text.starts_with('\'');
  return (request ? "\\&" : "") + escaped(text) + "\n";
}

std::string upper(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](unsigned char c) {
    return static_cast<char>(std::toupper(c));
  });
  return out;
}

std::string title(std::string_view name) {
  return fmt::format(".TH {} 1 \"\" \"vambrace {}\" \"Vambrace\"\n",
                     escaped(upper(name)), VAMBRACE_VERSION);
}

std::string literal(std::string_view text) {
  std::string out = ".nf\n";
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    out += text_line(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out + ".fi\n";
}

constexpr std::string_view kExitStatus =
    ".SH EXIT STATUS\n"
    "0 done and clean; 1 done, with findings or denials; 2 wrong use or "
    "unusable input; 3 refused; 4 this machine lacks something; 70 our own "
    "fault.\n";

}  // namespace

std::string roff_name(const Command& command) {
  std::string name = "vambrace-" + std::string(command.name);
  std::ranges::replace(name, ' ', '-');
  return name;
}

std::string roff_from_markdown(std::string_view text) {
  std::string out;
  bool code = false;    // inside .nf
  bool fenced = false;  // inside ```
  const auto set_code = [&](bool wanted) {
    if (code != wanted) {
      out += wanted ? ".PP\n.nf\n" : ".fi\n";
      code = wanted;
    }
  };
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.starts_with("```")) {
      fenced = !fenced;
      set_code(fenced);
    } else if (fenced || line.starts_with("    ")) {
      set_code(true);
      out += text_line(line);
    } else if (line.empty()) {
      // A blank line between two lines of code belongs to it.
      if (code && text.starts_with("    ")) {
        out += "\n";
      } else {
        set_code(false);
        out += ".PP\n";
      }
    } else if (line.starts_with('#')) {
      set_code(false);
      const std::size_t start =
          std::min(line.find_first_not_of("# "), line.size());
      out += line.starts_with("###") ? ".SS " : ".SH ";
      out += line.starts_with("###") ? escaped(line.substr(start))
                                     : escaped(upper(line.substr(start)));
      out += "\n";
    } else if (line.starts_with("* ") || line.starts_with("- ")) {
      set_code(false);
      out +=
          ".IP \\(bu 2\n" + text_line(render_markdown(line.substr(2), false));
      out.pop_back();
    } else {
      set_code(false);
      std::string plain = render_markdown(line, false);
      plain.pop_back();
      out += text_line(plain);
    }
  }
  set_code(false);
  return out;
}

std::string roff_overview() {
  std::string out = title("vambrace") +
                    ".SH NAME\nvambrace \\- cut a container's runtime armor to "
                    "the workload\n.SH SYNOPSIS\nvambrace COMMAND [OPTIONS]\n"
                    ".SH DESCRIPTION\n" +
                    literal(overview(false)) + std::string(kExitStatus) +
                    ".SH SEE ALSO\n";
  std::string pages;
  for (const Command& command : commands()) {
    pages += (pages.empty() ? "" : ",\n") + escaped(roff_name(command)) + "(1)";
  }
  return out + pages + "\n";
}

std::string roff_page(const Command& command) {
  const std::string name = roff_name(command);
  std::string out = title(name);
  out += fmt::format(".SH NAME\n{} \\- {}\n", escaped(name),
                     escaped(command.summary));
  out += ".SH SYNOPSIS\n" + text_line(synopsis(command));
  std::string_view text = manual_text(command).value_or("");
  if (text.starts_with("# ")) {
    text.remove_prefix(std::min(text.find('\n'), text.size()));
  }
  out += roff_from_markdown(text) + ".SH OPTIONS\n";
  for (const OptionSpec& spec : describe(command)) {
    const std::string value = spec.value.empty() ? "" : " " + spec.value;
    out += ".TP\n" + text_line(spec.names + value) + text_line(spec.about);
  }
  out += ".TP\n\\-h, \\-\\-help\nshow this page\n";
  return out + std::string(kExitStatus) + ".SH SEE ALSO\nvambrace(1)\n";
}

}  // namespace vambrace::cli
