#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace vambrace::report {

// A string that stands in our own source: nothing from outside can be one.
class Literal {
 public:
  // Converts on purpose, but only while compiling.
  consteval Literal(const char* text) : text_(text) {}  // NOLINT
  std::string_view text() const { return text_; }

 private:
  std::string_view text_;
};

// `name="value"`; the value is escaped.
struct Attribute {
  Literal name;
  std::string value;
};
using Attributes = std::initializer_list<Attribute>;

// Text between tags or in a quoted attribute, whatever it holds: the characters
// that could end it become references, those that act become \xNN
// (base/printable.h).
std::string escape(std::string_view text);

// JSON to stand in a script element: no character that could end it is left,
// and the JSON means the same.
std::string escape_json(std::string_view json);

// A piece of markup, written from the outside in. Tags and names of attributes
// are literals, all else is escaped: a name of a file cannot become markup.
class Html {
 public:
  Html& open(Literal tag, Attributes attributes = {});
  // Closes what was opened last.
  Html& close();
  Html& text(std::string_view text);
  // open(), text() and close().
  Html& leaf(Literal tag, Attributes attributes, std::string_view text);
  Html& leaf(Literal tag, std::string_view text) { return leaf(tag, {}, text); }
  // Markup that is whole by itself.
  Html& add(const Html& inner);

  // All is closed.
  const std::string& markup() const;

 private:
  std::string markup_;
  std::vector<Literal> open_;
};

}  // namespace vambrace::report
