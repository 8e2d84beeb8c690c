#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "policy/apparmor/shape.h"

// What the name of one file or directory shows about itself: which part of it
// would be another in the next run.
namespace vambrace::policy::apparmor {

enum class Kind : std::uint8_t {
  Pid,             // of a process or a thread, in /proc
  Number,          // a name that is a number, or ends in one
  Hex,             // hexadecimal digits, by their length
  Uuid,            //
  TempName,        // mkstemp and its kin
  LibraryVersion,  // what follows the major version in the name of a library
  LogRotation,     // access.log.1, access.log.2.gz
  Date,            //
  Unnamed,         // a file that the kernel named by its inode: O_TMPFILE
  WorkerIndex,     // a word with a number: worker3
  Siblings,        // all files of a directory (that end so)
  Subtree,         // all that is below a directory
};

std::string_view to_string(Kind kind);

// What is done with a file, as far as it matters for how freely its name is
// generalized: code is mapped only from names that a package installed or that
// were seen to change; executed files are not generalized at all.
enum class Purpose : std::uint8_t { Read, Write, Map };

// Where a name stands, and what for.
struct Place {
  // The pattern of the directory so far, with a slash at its end.
  std::string_view directory;
  Purpose purpose = Purpose::Read;
  // The workload itself made the file and removed or renamed it: proof that the
  // name is not one that somebody else relies on.
  bool made = false;
  // It names a file that Python alone used.
  bool python = false;
  // It names a file, and not only folders.
  bool file = false;
};

// How a name could be generalized.
struct Form {
  Shape shape;
  Kind kind = Kind::Number;
  // How many different names of this form it takes. 1: the form is proof
  // enough, as with a process number in /proc. Two that took turns in two
  // recordings are enough for any, and one of letters drawn by lot beside
  // another name that siblings.cc takes for its witness.
  unsigned needed = 2;
};

// Directories that packages or the administrator fill: the same in each run,
// so no name there is generalized because of its form alone, but for versions
// of libraries.
bool is_static(std::string_view directory);

// nullopt: the name is what it is. A name is never generalized to less than
// itself: the shape matches it.
std::optional<Form> form_of(std::string_view name, const Place& place);

// What only two names that took turns in two recordings show: that the last
// letters of the name, of a length that mkstemp and its kin draw, were drawn by
// lot. For names that the workload itself made and removed and that nothing
// else explains; every word of that length looks so.
std::optional<Form> drawn_form_of(std::string_view name, const Place& place);

}  // namespace vambrace::policy::apparmor
