#pragma once

#include <yaml-cpp/yaml.h>

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace vambrace::repository {

// Reads one YAML document as plain data: mappings, sequences and scalars.
// InvalidInput with the line for anything else: anchors and aliases, several
// documents, double keys, more than 1 MiB, 8 levels or 20,000 nodes.
Result<YAML::Node> parse_yaml(std::string_view text);

// Reads the fields of one mapping; each fault names its line. Unknown keys are
// refused by finish(), with the nearest known one.
class YamlReader {
 public:
  static Result<YamlReader> of(const YAML::Node& node, std::string place);

  Result<std::string> text(const std::string& key);
  Result<std::string> text_or(const std::string& key, std::string fallback);
  Result<std::vector<std::string>> texts(const std::string& key);
  Result<bool> boolean_or(const std::string& key, bool fallback);
  // An undefined node if the key is absent or null.
  YAML::Node optional(const std::string& key);
  bool has(const std::string& key) const;
  // Elements of an optional sequence.
  Result<std::vector<YAML::Node>> items(const std::string& key);
  Result<> finish() const;

  std::string place_of(const std::string& key) const;

 private:
  YamlReader(const YAML::Node& node, std::string place)
      : node_(node), place_(std::move(place)) {}

  YAML::Node node_;
  std::string place_;
  std::set<std::string> known_;
};

// "line 3: target: "
std::string where(const YAML::Node& node, const std::string& place);

// A scalar that reads back as the same text in any YAML parser.
std::string yaml_quoted(std::string_view text);

}  // namespace vambrace::repository
