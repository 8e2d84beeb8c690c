#pragma once

#include "policy/apparmor/draft.h"

namespace vambrace::policy::apparmor {

// Widens directories until there are at most `most` rules, or nothing is left
// that may be widened: then it returns false.
//
// The order is fixed, the least additional authority first:
//   1. files that are only read:  DIR/*
//   2. trees that are only read:  DIR/**
//   3. libraries:                 DIR/*.so*
//   4. files that are written:    DIR/*
//   5. trees that are written:    DIR/**
// and in each of these what packages installed first (the same everywhere, so
// reading it tells nothing), then what the kernel shows, temporary files, other
// data, and /etc last; and of these the deepest directories first. All
// directories of one such step are widened together: which of them it is does
// not depend on how many files each happens to have.
//
// Never: anything that is executed, a directory that is not at least two
// below the root, a pattern that matches a path of sensitive.h, a directory
// with a file that has a name like a key's or password's (looks_secret). Trees
// above such a directory are the last to be opened, and only then.
bool widen(Drafts& drafts, std::size_t most);

}  // namespace vambrace::policy::apparmor
