#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace vambrace::cli {

// A table whose columns line up, for people. Cells are counted in characters of
// UTF-8; escape sequences for color count nothing.
//
//   Columns table({{"process"}, {"calls", Columns::Align::Right}});
//   table.row({"/usr/sbin/nginx", "74"});
//   environment.output.out(table.print());
class Columns {
 public:
  enum class Align : std::uint8_t { Left, Right };
  struct Column {
    std::string heading;  // all empty: no heading line
    Align align = Align::Left;
  };

  explicit Columns(std::vector<Column> columns)
      : columns_(std::move(columns)) {}

  // Missing cells are empty; more cells than columns is a broken promise.
  void row(std::vector<std::string> cells);
  bool empty() const { return rows_.empty(); }

  // Two spaces between columns, no spaces at the end of a line.
  std::string print() const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

// How many characters a terminal shows for this text.
std::size_t shown_width(std::string_view text);

// "1 recording", "2 recordings": the noun takes an s.
std::string counted(std::size_t number, std::string_view noun);

// The text as it is, or in bold for a terminal that shows colors.
std::string bold(std::string_view text, bool color);

}  // namespace vambrace::cli
