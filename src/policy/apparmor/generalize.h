#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "policy/apparmor/segment.h"

// From the paths that were seen to rules for the paths that the next run will
// use. Names that change between runs are replaced where that can be told from
// the names; directories are widened only if there are more rules than a
// profile can hold, in the order of budget.h.
namespace vambrace::policy::apparmor {

// One access that was seen. All observations of one call share a profile.
struct Observation {
  std::string path;    // absolute, as the kernel names it; any bytes but NUL
  std::string access;  // letters; r, m (map as code) and x have a meaning here
  // The file belonged to the process's user; nullopt: not known.
  std::optional<bool> owner;
  std::string process;    // the program's image
  std::string recording;  // tells whether a name differs between recordings
  // The workload made the file and removed or renamed it, whichever of its
  // programs did. Known without it where `access` has both.
  bool made = false;
  // No program of the workload but Python used it: its tempfile draws names
  // that may look like a word.
  bool python = false;
};

// One part of a rule's pattern that is wider than what was seen.
struct Generalization {
  Kind kind = Kind::Number;
  std::string pattern;                // the part: "@{pid}", or "/usr/share/x/*"
  std::vector<std::string> examples;  // what stood there, the first by bytes
  std::size_t seen = 0;               // how many different ones stood there
  std::string allows;  // in words, what the rule permits beyond what was seen
  // Paths, or patterns of them, that stood there and are named like a key or a
  // password (looks_secret): the rule covers whatever will be named so, too.
  std::vector<std::string> secrets;
  bool operator==(const Generalization&) const = default;
};

struct Rule {
  std::string pattern;  // AppArmor's syntax, not yet quoted: see word_of
  std::string access;   // sorted letters
  bool owner = false;   // every access was to a file of the process's user
  std::vector<Generalization> because;  // empty: a literal path
  std::vector<std::string> examples;    // paths, the first by bytes
  std::size_t paths = 0;                // how many different ones were seen
  std::vector<std::string> processes;   // sorted
  bool operator==(const Rule&) const = default;
};

// A path that will probably have another name in the next run, but that no
// pattern may stand for.
struct Kept {
  std::string path;
  // Of the sensitive entry that a pattern would match, or that it is executed.
  std::string reason;
  bool operator==(const Kept&) const = default;
};

// Folders of one directory that a number tells apart and that hold nothing in
// common, some of which were written to. Each keeps its name.
struct Apart {
  std::string directory;           // its pattern, with a slash at its end
  std::vector<std::string> names;  // sorted
  bool operator==(const Apart&) const = default;
};

// What one kind of generalization did for the size of the profile.
struct Tally {
  Kind kind = Kind::Number;
  std::size_t rules = 0;  // that have it
  std::size_t paths = 0;  // that these stand for
  bool operator==(const Tally&) const = default;
};

struct Generalized {
  std::vector<Rule> rules;   // sorted by pattern
  std::vector<Kept> kept;    // sorted by path
  std::vector<Apart> apart;  // sorted by directory
  std::vector<Tally> did;    // by kind
  bool within_budget = true;
  bool operator==(const Generalized&) const = default;
};

struct Budget {
  std::size_t rules = 300;
};

// How many examples a rule and a generalization keep.
constexpr std::size_t kMaxExamples = 3;

// Every observed path is matched by a rule with at least its access, and the
// order of the observations does not matter.
//
// No pattern but a literal one matches a path of sensitive.h, save that a file
// which nobody named (O_TMPFILE: "#INODE") is always "#@{number}" in its
// folder. Files that are executed keep their own names. A name that only might
// change (a number) stays literal until several of its form were seen, or two
// took turns in two recordings; one is enough where a program always writes
// such names, and for a number or hexadecimal digits in the name of a file or
// folder that the workload made and removed. One that no word looks like is
// enough if another with its stem and length was made and removed as well, in
// letters that a word could have. Folders that are told apart by a number are
// one pattern only if two of them have a name below them in common that was
// used alike, so that folders of one's own each do not share what was seen.
// Folders of one to three hexadecimal digits are levels of a store, and one
// pattern, if two of one length hold hashes laid out alike and one has a digit
// in its name. What could be a word, eight small letters, is one of Python's
// temporary names only if it was made and removed and stands behind "tmp" or
// was used by Python alone. Reading, writing and mapping are judged apart, so
// that a file that was only read is not made writable by its siblings.
//
// As long as the rules fit the budget, another recording takes no permission
// away, but that files which it shows to be temporary may get a pattern that
// tells their names better, and that another program may be seen to use a name
// that only Python had used. Past the budget a new rule can move what is
// widened.
//
// `made`: what else the workload made and removed or renamed, folders above the
// files among them; without a slash at the end.
Generalized generalize(std::span<const Observation> seen,
                       const Budget& budget = {},
                       const std::unordered_set<std::string_view>& made = {});

}  // namespace vambrace::policy::apparmor
