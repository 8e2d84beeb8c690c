#pragma once

#include "elf/image.h"
#include "elf/instruction.h"

namespace vambrace::elf::aarch64 {

// The places that the code of a file speaks of.
//
// An address takes two instructions: ADRP has its page of 4 KiB, and ADD, LDR
// or STR the rest. Compilers put the first far before the second, use it for
// several, and place neighbors of one address by adding to it ("section
// anchors"). So registers, and slots of the frame, are followed through all of
// the file's code, over branches and from one part of a function to another
// ("foo.cold"), with every known address that each may hold. What is not known
// to be overwritten counts as still there: too many places, none too few.
//
// Two things are taken for granted. An address that is handed over as an
// argument, or is kept in memory other than the frame, is one of a variable or
// function of its own, not a neighbor of what is meant. And a handler of
// exceptions that stands in another part than its function forms its addresses
// itself.
Mentions find_mentions(const Image& image);

}  // namespace vambrace::elf::aarch64
