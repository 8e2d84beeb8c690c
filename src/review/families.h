#pragma once

#include <cstdint>
#include <span>
#include <string_view>

// What is known of system calls beside their risk: which do the same thing in
// another way, which most programs make, and which are often missed.
namespace vambrace::review {

// Calls of one kind: who makes one often makes another of them on another day.
struct Family {
  std::string_view about;  // "names of files"
  std::span<const std::string_view> calls;
};

// A call may be in several.
std::span<const Family> families();

// How many of kProgramsCounted programs made it (commonness.inc names
// the source); 0: at most one did.
std::uint32_t commonness(std::string_view syscall);
constexpr std::uint32_t kProgramsCounted = 250;

// When a call that recordings are known to miss is made: "a log is reopened";
// empty: not one of those (Optimus, Journal of Cloud Computing 2024, Table 1).
std::string_view missed_when(std::string_view syscall);

}  // namespace vambrace::review
