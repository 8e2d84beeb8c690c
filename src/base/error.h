#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace vambrace {

// What a program can do about an error; the message is for people.
enum class ErrorCode : std::uint8_t {
  InvalidInput,  // the caller's bytes or words are wrong; changing them helps
  NotFound,      // a named thing does not exist
  Denied,        // a rule of ours says no: a gate, a verdict, a budget
  Unsupported,   // this machine, kernel or build cannot do it
  Unavailable,  // it could work later or elsewhere: no root, no daemon, no disk
  Internal,     // our own fault
};

// An error with the sentence a person reads. Gains context on the way up, so
// that the whole reads from the outside in:
// "load profile web: line 14: unknown system call "opnat"".
class [[nodiscard]] Error {
 public:
  Error(ErrorCode code, std::string message)
      : code_(code), message_(std::move(message)) {}

  ErrorCode code() const { return code_; }
  const std::string& message() const { return message_; }
  // What the user can do next; empty if nothing is known to help.
  const std::string& hint() const { return hint_; }

  // The same error, told from one step further out.
  Error during(std::string_view step) && {
    message_.insert(0, std::string(step) + ": ");
    return std::move(*this);
  }
  Error with_hint(std::string hint) && {
    hint_ = std::move(hint);
    return std::move(*this);
  }

 private:
  ErrorCode code_;
  std::string message_;
  std::string hint_;
};

std::string_view to_string(ErrorCode code);

}  // namespace vambrace
