#include "repository/yaml_list.h"

#include <algorithm>

#include "repository/yaml.h"

namespace vambrace::repository {
namespace {

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size() - 1) + 1;
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(end);
  }
  if (!lines.empty() && !lines.back().ends_with('\n')) {
    lines.back() += '\n';
  }
  return lines;
}

// Nothing, or a comment.
bool says_nothing(std::string_view line) {
  const std::size_t at = line.find_first_not_of(" \t\r\n");
  return at == std::string_view::npos || line[at] == '#';
}

// The lines of one entry: the comments after it may be about the next one.
struct Place {
  std::size_t begin = 0;
  std::size_t end = 0;
};

bool has_dash(std::string_view line) {
  const std::size_t at = line.find_first_not_of(' ');
  return at != std::string_view::npos && line[at] == '-';
}

Place place_of(std::size_t line, const std::vector<std::string>& lines) {
  Place place{line, line + 1};
  // The dash may stand on a line of its own.
  while (place.begin > 0 && !has_dash(lines[place.begin])) {
    --place.begin;
  }
  const std::size_t column = lines[place.begin].find('-');
  for (std::size_t at = place.end; at < lines.size(); ++at) {
    if (says_nothing(lines[at])) {
      continue;
    }
    if (lines[at].find_first_not_of(' ') <= column) {
      break;
    }
    place.end = at + 1;
  }
  return place;
}

std::string entry_text(const std::vector<std::string>& lines,
                       std::size_t column) {
  std::string text;
  for (const std::string& line : lines) {
    text +=
        std::string(column, ' ') + (text.empty() ? "- " : "  ") + line + "\n";
  }
  return text;
}

}  // namespace

Result<std::string> edit_yaml_list(
    std::string_view yaml, const std::string& key,
    const std::set<std::size_t>& gone,
    const std::vector<std::vector<std::string>>& added) {
  TRY_ASSIGN(const YAML::Node document, parse_yaml(yaml));
  const YAML::Node list = document[key];
  std::vector<std::string> lines = lines_of(yaml);
  constexpr std::size_t kColumn = 2;

  std::vector<Place> places;
  const bool one_line = list.IsDefined() && list.IsSequence() &&
                        list.size() > 0 &&
                        list.Style() == YAML::EmitterStyle::Flow;
  if (one_line) {
    return std::unexpected(
        Error(ErrorCode::InvalidInput,
              fmt::format("{}is written in one line", where(list, key)))
            .with_hint("give each entry a line of its own that begins with a "
                       "dash"));
  }
  if (list.IsDefined() && list.IsSequence()) {
    for (const YAML::Node& entry : list) {
      places.push_back(
          place_of(static_cast<std::size_t>(entry.Mark().line), lines));
    }
  }
  const std::size_t column =
      places.empty() ? kColumn : lines[places.front().begin].find('-');
  std::string entries;
  for (const std::vector<std::string>& entry : added) {
    entries += entry_text(entry, column);
  }
  const bool emptied = added.empty() && gone.size() == places.size();

  std::string text;
  bool placed = false;
  for (std::size_t at = 0; at < lines.size(); ++at) {
    const auto inside = std::ranges::find_if(places, [&](const Place& place) {
      return place.begin <= at && at < place.end;
    });
    const auto index =
        static_cast<std::size_t>(std::distance(places.begin(), inside));
    if (inside == places.end() || !gone.contains(index)) {
      const std::string& line = lines[at];
      const bool is_key = line.starts_with(key + ":");
      if (is_key && (places.empty() || emptied)) {
        // Keeps a comment, not the brackets.
        const std::size_t comment = line.find('#');
        text +=
            key + (entries.empty() ? ": []" : ":") +
            (comment == std::string::npos ? "\n" : "  " + line.substr(comment));
        text += places.empty() ? entries : "";
        placed = placed || places.empty();
      } else {
        text += line;
      }
    }
    if (!places.empty() && at + 1 == places.back().end) {
      text += entries;
      placed = true;
    }
  }
  if (!placed) {
    text += key + ":" + (entries.empty() ? " []\n" : "\n" + entries);
  }
  return text;
}

}  // namespace vambrace::repository
