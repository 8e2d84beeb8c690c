#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace vambrace::enforcer::apparmor {

// One record of AppArmor in the kernel's audit log. Names are bytes of whoever
// made them: print them quoted.
struct Record {
  std::string verdict;    // "DENIED", "ALLOWED" (in complain mode), "STATUS"
  std::string operation;  // "open", "exec", "signal", "capable", ...
  std::string profile;    // "web-1a2b//helper"; of a stack, all of it
  std::string name;       // the path, profile or capability; may be empty
  std::string comm;       // the thread's name
  int pid = 0;
  // What was refused, else what was asked for: "r", "send", ...
  std::string mask;
  // Everything else that tells what it was about: "family", "peer", ...
  std::map<std::string, std::string> more;
  auto operator<=>(const Record&) const = default;
};

// "audit(1700000000.123:45): apparmor="DENIED" operation="open" ...", what
// stands before it left alone; nullopt for a record of somebody else. Values
// stand in quotation marks, or in hex where they hold what these cannot, so no
// file name can look like another field.
std::optional<Record> parse_record(std::string_view text);

// What AppArmor did about one profile and its children in one trial.
struct Watched {
  std::string profile;                      // that was in force; empty: none
  std::string why_not;                      // then, a sentence
  std::map<Record, std::uint64_t> records;  // without pids, and how often
  // Why a denial may be missing, a sentence each.
  std::vector<std::string> losses;
  std::string kept;  // why the profile is still loaded; empty: it is not
};

// Whether a record is about a profile, or one of its children.
bool is_about(const Record& record, std::string_view profile);

}  // namespace vambrace::enforcer::apparmor
