#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "kernel/syscalls.h"

// What a program could do: the answer of the analysis, as values.
namespace vambrace::elf {

// How one function of a chain comes after the one before it.
enum class Link : std::uint8_t {
  Start,         // the kernel or the loader starts it: an entry point
  Initializer,   // the loader calls it: init and fini arrays
  Call,          // called, jumped to or fallen into
  AddressTaken,  // its address is formed there; who calls it is not known
  Data,          // its address stands in data of an object that is loaded
  Lookup,        // found by its name: dlsym, a plugin's entry
};

// "start", "initializer", "call", "address taken", "data", "lookup".
std::string_view to_string(Link link);
std::optional<Link> link_from(std::string_view name);

// One function on the way to a system call.
struct Step {
  std::string object;         // the file's path in the root
  std::string function;       // a symbol; empty: none is known
  std::uint64_t address = 0;  // in the file's own addresses
  Link link = Link::Call;
  auto operator<=>(const Step&) const = default;
};

// How sure it is that the call can be made.
enum class Confidence : std::uint8_t {
  Direct,    // calls alone lead there from an entry point
  Indirect,  // over at least one pointer to a function, which is not followed
};

// "direct", "indirect".
std::string_view to_string(Confidence confidence);
std::optional<Confidence> confidence_from(std::string_view name);

// What one argument of a call is at all its sites.
struct ArgumentBound {
  std::uint8_t index = 0;
  // Masked as the kernel reads it (kernel::arg_spec). Sorted, at most 64.
  std::vector<std::uint64_t> values;
  auto operator<=>(const ArgumentBound&) const = default;
};

// A file whose code wants a system call to be made: it makes it, or calls a
// function of another file that does.
struct Asker {
  std::string object;
  std::string function;  // that makes it or calls; empty: no symbol tells
  // Functions of the file that makes the call, from the one that is called to
  // the one that makes it: 0 if `object` makes it by itself.
  std::uint32_t inside = 0;
  auto operator<=>(const Asker&) const = default;
};
// With more functions in between, a call is rather the library's own affair.
constexpr std::uint32_t kMaxInside = 4;

struct ReachedCall {
  kernel::Syscall syscall;
  Confidence confidence = Confidence::Direct;
  // A shortest chain from an entry point to the function with the call; one of
  // calls alone if there is any. Never empty.
  std::vector<Step> chain;
  // The files in which reached functions make the call: sorted paths.
  std::vector<std::string> objects;
  // By distance, then path; each file once, as near as it is. Without those
  // that call over pointers alone.
  std::vector<Asker> askers;
  // Of the arguments that are recorded, those that are constants at every site
  // that is reached. By ascending index.
  std::vector<ArgumentBound> arguments;
  auto operator<=>(const ReachedCall&) const = default;
};

// What could not be told.
struct Gap {
  // "number-unknown": a system call whose number is not a constant;
  // "library-missing", "library-unreadable": a file that is loaded;
  // "library-untold": a file is loaded whose name is not known;
  // "lookup-untold": a function is looked up by a name that is not known;
  // "other-code": the kernel is entered as another architecture (int 0x80);
  // "script": what a script starts and makes of its interpreter.
  std::string kind;
  std::string object;
  std::string function;
  std::uint64_t address = 0;
  std::string detail;
  auto operator<=>(const Gap&) const = default;
};

// A file that the process has loaded: the program itself comes first, then the
// loader and the libraries in the order in which symbols are looked up.
struct LoadedFile {
  std::string path;
  std::string build_id;  // hexadecimal; empty: it has none
  std::string why;       // "program", "needed by /usr/sbin/nginx", ...
  std::uint64_t code_bytes = 0;
  std::uint64_t functions = 0;
  std::uint64_t reached_functions = 0;
  // Names of the system calls that reached functions of this file make.
  std::vector<std::string> syscalls;
  auto operator<=>(const LoadedFile&) const = default;
};

struct Reach {
  std::string program;
  std::string build_id;
  kernel::Arch arch = kernel::Arch::X86_64;
  std::vector<ReachedCall> calls;  // sorted by system call, each once
  std::vector<Gap> gaps;           // sorted
  std::vector<LoadedFile> files;
  auto operator<=>(const Reach&) const = default;
};

}  // namespace vambrace::elf
