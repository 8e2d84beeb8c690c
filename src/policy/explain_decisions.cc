#include "policy/explain_decisions.h"

#include <algorithm>

#include "base/json.h"
#include "kernel/sockets.h"
#include "policy/file_decisions.h"

namespace vambrace::policy {
namespace {

bool pattern_matches(const std::string& text, const std::string& path) {
  const auto pattern = decided_pattern(text);
  return text == path || (pattern && pattern->matches(path));
}

bool sends(std::string_view call) {
  constexpr std::string_view kCalls[] = {
      "kill", "tkill", "tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo"};
  return std::ranges::find(kCalls, call) != std::end(kCalls);
}

// Also of the call that makes sockets, unless another family is asked for.
bool is_about(const SocketSubject& socket, const Question& question) {
  if (question.name != "socket" && question.name != "socketpair") {
    return false;
  }
  const auto is = [&](std::size_t at, std::string_view name, auto named) {
    return name.empty() || at >= question.values.size() ||
           !question.values[at] || named(*question.values[at]) == name;
  };
  return is(0, socket.family, kernel::socket_family_name) &&
         is(1, socket.type, kernel::socket_type_name);
}

bool is_about(const std::string& what, const Question& question) {
  const auto subject = parse_subject(what);
  if (!subject) {
    return false;  // the manifest's reader has refused it
  }
  if (const auto* call = std::get_if<SyscallSubject>(&*subject)) {
    return !question.name.empty() && call->name == question.name;
  }
  if (const auto* file = std::get_if<FileSubject>(&*subject)) {
    return !question.path.empty() &&
           pattern_matches(file->pattern, question.path);
  }
  if (const auto* socket = std::get_if<SocketSubject>(&*subject)) {
    return is_about(*socket, question);
  }
  if (const auto* signal = std::get_if<SignalSubject>(&*subject)) {
    return question.signal == *signal || sends(question.name);
  }
  const auto* capability = std::get_if<CapabilitySubject>(&*subject);
  return capability != nullptr && question.name.empty() &&
         question.path.empty() && !question.signal &&
         capability->number == question.capability;
}

}  // namespace

std::vector<std::string> said_about(const Question& question,
                                    const std::vector<Decision>& decisions,
                                    const std::vector<Waiver>& waivers,
                                    std::string_view day) {
  std::vector<std::string> said;
  for (const Decision& decision : decisions) {
    if (is_about(decision.what, question)) {
      said.push_back(fmt::format(
          "decision \"{}: {}\" by {}: {}", json::quote_bytes(decision.what),
          json::quote_bytes(decision.choice), json::quote_bytes(decision.who),
          json::quote_bytes(decision.why)));
    }
  }
  for (const Waiver& waiver : waivers) {
    if (is_about(waiver.what, question)) {
      said.push_back(fmt::format("waived by {} until {}{}: {}",
                                 json::quote_bytes(waiver.who),
                                 json::quote_bytes(waiver.until),
                                 waiver.until < day ? ", which has passed" : "",
                                 json::quote_bytes(waiver.why)));
    }
  }
  return said;
}

std::string how_to_add(std::string_view what) {
  std::string word = "'";
  for (const char c : what) {
    word += c == '\'' ? std::string("'\\''") : std::string(1, c);
  }
  word += '\'';
  // What a shell takes as it is between double quotes looks like a decision.
  if (what.find_first_of("'\"$`\\!") == std::string_view::npos) {
    word = fmt::format("\"{}\"", what);
  }
  return fmt::format(
      "to grant it: vambrace review DIR add {} --why WHY, then vambrace synth "
      "-o DIR",
      word);
}

}  // namespace vambrace::policy
