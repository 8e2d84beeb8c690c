#include "repository/yaml.h"

#include <yaml-cpp/eventhandler.h>

#include <algorithm>
#include <sstream>

#include "base/json.h"

namespace vambrace::repository {
namespace {

constexpr std::size_t kMaxBytes = 1U << 20;
constexpr std::size_t kMaxDepth = 8;
constexpr std::size_t kMaxNodes = 20'000;

struct Refusal {
  YAML::Mark mark;
  std::string why;
};

// Looks at the document before any of it is built.
class Guard : public YAML::EventHandler {
 public:
  void OnDocumentStart(const YAML::Mark& mark) override {
    if (++documents_ > 1) {
      throw Refusal{mark, "a second document"};
    }
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    count(mark, anchor);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t /*anchor*/) override {
    throw Refusal{mark, "an alias; write the value out"};
  }
  void OnScalar(const YAML::Mark& mark, const std::string& /*tag*/,
                YAML::anchor_t anchor, const std::string& /*text*/) override {
    count(mark, anchor);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& /*tag*/,
                       YAML::anchor_t anchor,
                       YAML::EmitterStyle::value /*style*/) override {
    open(mark, anchor);
  }
  void OnSequenceEnd() override { --depth_; }
  void OnMapStart(const YAML::Mark& mark, const std::string& /*tag*/,
                  YAML::anchor_t anchor,
                  YAML::EmitterStyle::value /*style*/) override {
    open(mark, anchor);
  }
  void OnMapEnd() override { --depth_; }

 private:
  void count(const YAML::Mark& mark, YAML::anchor_t anchor) {
    if (anchor != 0) {
      throw Refusal{mark, "an anchor; write the value out"};
    }
    if (++nodes_ > kMaxNodes) {
      throw Refusal{mark, "too many values"};
    }
  }
  void open(const YAML::Mark& mark, YAML::anchor_t anchor) {
    count(mark, anchor);
    if (++depth_ > kMaxDepth) {
      throw Refusal{mark, "nested too deeply"};
    }
  }

  std::size_t documents_ = 0;
  std::size_t depth_ = 0;
  std::size_t nodes_ = 0;
};

Result<> guard(const std::string& text) {
  std::istringstream stream(text);
  YAML::Parser parser(stream);
  Guard handler;
  while (parser.HandleNextDocument(handler)) {
  }
  return {};
}

std::unexpected<Error> at(const YAML::Node& node, const std::string& place,
                          std::string_view why) {
  return fail(ErrorCode::InvalidInput, "{}{}", where(node, place), why);
}

// The known word nearest in spelling: sharing most of its beginning and end.
std::optional<std::string> nearest(const std::string& word,
                                   const std::set<std::string>& known) {
  std::optional<std::string> best;
  std::size_t best_common = word.size() / 2;
  for (const std::string& candidate : known) {
    const auto front = std::ranges::mismatch(word, candidate).in1;
    const auto head = static_cast<std::size_t>(front - word.begin());
    std::size_t tail = 0;
    while (tail + head < std::min(word.size(), candidate.size()) &&
           word[word.size() - 1 - tail] ==
               candidate[candidate.size() - 1 - tail]) {
      ++tail;
    }
    if (head + tail > best_common) {
      best_common = head + tail;
      best = candidate;
    }
  }
  return best;
}

Result<> refuse_double_keys(const YAML::Node& node, const std::string& place) {
  std::set<std::string> keys;
  for (const auto& item : node) {
    if (!item.first.IsScalar()) {
      return at(item.first, place, "a key that is no word");
    }
    if (!keys.insert(item.first.Scalar()).second) {
      return at(item.first, place,
                fmt::format("a double key: \"{}\" is there already",
                            json::quote_bytes(item.first.Scalar())));
    }
  }
  return {};
}

}  // namespace

std::string where(const YAML::Node& node, const std::string& place) {
  const YAML::Mark mark = node.Mark();
  const std::string line =
      mark.is_null() ? "" : fmt::format("line {}: ", mark.line + 1);
  return line + (place.empty() ? "" : place + ": ");
}

Result<YAML::Node> parse_yaml(std::string_view text) {
  if (text.size() > kMaxBytes) {
    return fail(ErrorCode::InvalidInput, "{} bytes of YAML, more than {}",
                text.size(), kMaxBytes);
  }
  if (!json::is_utf8(text)) {
    return fail(ErrorCode::InvalidInput, "not UTF-8 text");
  }
  const std::string copy(text);
  try {
    TRY(guard(copy));
    return YAML::Load(copy);
  } catch (const Refusal& refusal) {
    return fail(ErrorCode::InvalidInput, "line {}: {}", refusal.mark.line + 1,
                refusal.why);
  } catch (const YAML::Exception& error) {
    return fail(ErrorCode::InvalidInput, "line {}: not YAML: {}",
                error.mark.line + 1, json::quote_bytes(error.msg));
  }
}

Result<YamlReader> YamlReader::of(const YAML::Node& node, std::string place) {
  if (!node.IsMap()) {
    return at(node, place, "not a mapping");
  }
  TRY(refuse_double_keys(node, place));
  return YamlReader(node, std::move(place));
}

std::string YamlReader::place_of(const std::string& key) const {
  return place_.empty() ? key : place_ + "." + key;
}

bool YamlReader::has(const std::string& key) const {
  const YAML::Node node = node_;
  return node[key].IsDefined() && !node[key].IsNull();
}

YAML::Node YamlReader::optional(const std::string& key) {
  known_.insert(key);
  const YAML::Node node = node_;
  return has(key) ? node[key] : YAML::Node(YAML::NodeType::Undefined);
}

Result<std::string> YamlReader::text(const std::string& key) {
  const YAML::Node node = optional(key);
  if (!node.IsDefined()) {
    return at(node_, place_of(key), "missing");
  }
  if (!node.IsScalar()) {
    return at(node, place_of(key), "not a text");
  }
  return node.Scalar();
}

Result<std::string> YamlReader::text_or(const std::string& key,
                                        std::string fallback) {
  known_.insert(key);
  return has(key) ? text(key) : Result<std::string>(std::move(fallback));
}

Result<std::vector<std::string>> YamlReader::texts(const std::string& key) {
  TRY_ASSIGN(const std::vector<YAML::Node> nodes, items(key));
  std::vector<std::string> out;
  for (const YAML::Node& node : nodes) {
    if (!node.IsScalar()) {
      return at(node, place_of(key), "not a list of texts");
    }
    out.push_back(node.Scalar());
  }
  return out;
}

Result<bool> YamlReader::boolean_or(const std::string& key, bool fallback) {
  TRY_ASSIGN(const std::string word, text_or(key, fallback ? "true" : "false"));
  if (word != "true" && word != "false") {
    return at(optional(key), place_of(key), "not true or false");
  }
  return word == "true";
}

Result<std::vector<YAML::Node>> YamlReader::items(const std::string& key) {
  const YAML::Node node = optional(key);
  std::vector<YAML::Node> out;
  if (!node.IsDefined()) {
    return out;
  }
  if (!node.IsSequence()) {
    return at(node, place_of(key), "not a list");
  }
  for (const auto& item : node) {
    out.push_back(item);
  }
  return out;
}

Result<> YamlReader::finish() const {
  for (const auto& item : node_) {
    const std::string& key = item.first.Scalar();
    if (known_.contains(key)) {
      continue;
    }
    Error error(ErrorCode::InvalidInput,
                fmt::format("{}unknown key \"{}\"", where(item.first, place_),
                            json::quote_bytes(key)));
    if (const auto near = nearest(key, known_)) {
      error = std::move(error).with_hint("did you mean \"" + *near + "\"?");
    }
    return std::unexpected(std::move(error));
  }
  return {};
}

std::string yaml_quoted(std::string_view text) {
  const bool plain =
      !text.empty() && std::ranges::all_of(text, [](unsigned char c) {
        return std::isalnum(c) != 0 || c == '/' || c == '_' || c == '.' ||
               c == '-' || c == ' ' || c == ':';
      });
  const bool risky =
      !plain || std::isalpha(static_cast<unsigned char>(text[0])) == 0 ||
      text.ends_with(' ') || text.ends_with(':') ||
      text.find(": ") != std::string_view::npos || text == "true" ||
      text == "false" || text == "null" || text == "yes" || text == "no" ||
      text == "on" || text == "off";
  // A JSON string is a YAML double-quoted scalar.
  return risky ? json::Value(std::string(text)).dump() : std::string(text);
}

}  // namespace vambrace::repository
