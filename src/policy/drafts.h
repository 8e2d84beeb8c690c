#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "policy/reasons.h"

// Rules that are gathered fact by fact: for sockets.cc and mounts.cc.
namespace vambrace::policy {

// Rules by what they are about, without their reasons.
template <class Rule>
using Drafts = std::map<Rule, Reasons>;

template <class Rule>
std::vector<Rule> finished(Drafts<Rule>& drafts) {
  std::vector<Rule> rules;
  for (auto& [draft, reasons] : drafts) {
    rules.push_back(draft);
    rules.back().reasons = reasons.sorted();
  }
  return rules;
}

// "network", or "network: /bin/x" for a helper's rules.
inline std::string place_of(std::string_view what, const std::string& program) {
  return program.empty()
             ? std::string(what)
             : fmt::format("{}: {}", what, json::quote_bytes(program));
}

}  // namespace vambrace::policy
