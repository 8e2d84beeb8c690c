#pragma once

#include <optional>
#include <string>

#include "base/json_cursor.h"
#include "evidence/evidence.h"

// The parts of an evidence document, each read with its own faults found. For
// parse() alone: the vectors and members of base/json_cursor.h find
// these functions by the types they fill.
namespace vambrace::evidence {

Result<> read(json::Cursor& in, Gap& out);
Result<> read(json::Cursor& in, Verdict& out);
Result<> read(json::Cursor& in, Phase& out);
Result<> read(json::Cursor& in, Workload& out);
Result<> read(json::Cursor& in, Recording& out);
Result<> read(json::Cursor& in, SyscallFact& out);
Result<> read(json::Cursor& in, FileFact& out);
Result<> read(json::Cursor& in, CapabilityFact& out);
Result<> read(json::Cursor& in, NetworkFact& out);
Result<> read(json::Cursor& in, ExecFact& out);
Result<> read(json::Cursor& in, SignalFact& out);
Result<> read(json::Cursor& in, UserFact& out);
Result<> read(json::Cursor& in, MountFact& out);
Result<> read(json::Cursor& in, TraceFact& out);

// 32 lower-case hex digits.
bool is_id(std::string_view text);
Result<> read_time(json::Cursor& in, Instant& out);

// A member that files of earlier versions lack.
template <class T>
json::Field<T> optional(json::Field<T> field) {
  field.optional = true;
  return field;
}

// A word of a closed list, turned into its value by `from`.
template <class From, class T>
Result<> read_word(json::Cursor& in, From from, T& out) {
  std::string storage;
  TRY_ASSIGN(const std::string_view word, in.text(storage));
  const auto value = from(word);
  if (!value) {
    return in.fail("unknown word");
  }
  out = *value;
  return {};
}

}  // namespace vambrace::evidence
