#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "evidence/evidence.h"
#include "policy/policy.h"

namespace vambrace::policy::securitycontext {

// Whose a path is in a container with a read-only root.
enum class Place {
  Root,     // of the image's file system: read-only
  Engine,   // /proc, /sys and /dev: mounted by the engine, the image has none
  Nowhere,  // on no mount that has a path: "tmpfs:memfd:x", "disconnected:/x"
};
Place place_of(std::string_view path);

// A file that people allowed to be written though nobody was seen to.
struct Added {
  std::string path;  // the last name may be a pattern
  std::string access;
  std::vector<Reason> reasons;
};

// What the app, its helpers and its probes need of the container around them.
//
// A folder is listed for what was made, changed or removed in it, by the
// descriptors that facts come from; writes through inherited descriptors are
// left out, since those files were opened elsewhere. What is below /tmp and
// /var/tmp counts for these as a whole. A folder that the workload makes itself
// is not listed beside the one it is made in, nor is one below a folder whose
// content an engine copies, for files of the image in it or folders that it
// stands for. Folders between which files were certainly renamed or linked
// become the one that both are in, unless that is one of the system's own; what
// is left of these, or not certain, is told as Needs::apart. Calls that need a
// writable folder and become no facts (utimensat, setxattr, ...) are told by
// name. More than kMostSiblings folders with one parent become that parent.
// What the recorded container had a mount for is told apart. What people added
// counts as if it had been seen.
//
// Facts that were not recorded (docs/decisions/0008-file-facts.md) are missing
// here, too.
Needs needs_of(const evidence::Evidence& evidence,
               std::span<const Added> added = {});

constexpr std::size_t kMostSiblings = 8;

}  // namespace vambrace::policy::securitycontext
