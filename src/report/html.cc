#include "report/html.h"

#include "base/printable.h"
#include "base/result.h"

namespace vambrace::report {
namespace {

std::string_view reference(char c) {
  switch (c) {
    case '&':
      return "&amp;";
    case '<':
      return "&lt;";
    case '>':
      return "&gt;";
    case '"':
      return "&quot;";
    case '\'':
      return "&#39;";
    case '`':
      return "&#96;";
    default:
      return {};
  }
}

}  // namespace

std::string escape(std::string_view text) {
  std::string out;
  for (const char c : printable(text)) {
    if (const std::string_view instead = reference(c); !instead.empty()) {
      out += instead;
    } else {
      out += c;
    }
  }
  return out;
}

std::string escape_json(std::string_view json) {
  std::string out;
  out.reserve(json.size());
  for (const char c : json) {
    // These stand in strings alone, where the escape means the same.
    if (c == '<' || c == '>' || c == '&') {
      out += fmt::format("\\u{:04x}", c);
    } else {
      out += c;
    }
  }
  return out;
}

Html& Html::open(Literal tag, Attributes attributes) {
  markup_ += "<";
  markup_ += tag.text();
  for (const Attribute& attribute : attributes) {
    markup_ += " ";
    markup_ += attribute.name.text();
    markup_ += "=\"";
    markup_ += escape(attribute.value);
    markup_ += "\"";
  }
  markup_ += ">";
  open_.push_back(tag);
  return *this;
}

Html& Html::close() {
  CHECK(!open_.empty());
  markup_ += "</";
  markup_ += open_.back().text();
  markup_ += ">";
  open_.pop_back();
  return *this;
}

Html& Html::text(std::string_view text) {
  markup_ += escape(text);
  return *this;
}

Html& Html::leaf(Literal tag, Attributes attributes, std::string_view text) {
  return open(tag, attributes).text(text).close();
}

Html& Html::add(const Html& inner) {
  markup_ += inner.markup();
  return *this;
}

const std::string& Html::markup() const {
  CHECK(open_.empty());
  return markup_;
}

}  // namespace vambrace::report
