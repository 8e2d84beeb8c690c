#include "elf/aarch64/words.h"

namespace vambrace::elf::aarch64 {
namespace {

// Loads and stores of a pair of registers.
std::optional<Access> pair_of(Word word) {
  static constexpr Access::Form kForms[] = {
      Access::Form::Offset, Access::Form::After, Access::Form::Offset,
      Access::Form::Before};
  const unsigned opc = field(word, 30, 2);
  Access found{.form = kForms[field(word, 23, 2)],
               .load = (word >> 22 & 1) != 0,
               .vector = (word >> 26 & 1) != 0,
               .base = rn_of(word),
               .first = rd_of(word),
               .second = field(word, 10, 5)};
  if (opc == 3) {
    return std::nullopt;
  }
  if (found.vector) {
    found.bytes = 4U << opc;
  } else {
    found.bytes = opc == 2 ? 8 : 4;
    found.with_sign = opc == 1 && found.load;
  }
  unsigned scale = found.bytes;
  if (!found.vector && opc == 1 && !found.load) {
    // STGP: two registers, and tags in steps of 16 bytes.
    found.bytes = 8;
    scale = 16;
  }
  found.offset = signed_field(word, 15, 7) * std::int64_t{scale};
  return found;
}

// Fills in what the size and opc fields of a single register's access say.
void read_size(Word word, Access& found) {
  const unsigned size = field(word, 30, 2), opc = field(word, 22, 2);
  found.first = rd_of(word);
  if (found.vector) {
    found.bytes = (opc & 2) != 0 ? 16 : 1U << size;
    found.load = (opc & 1) != 0;
    return;
  }
  found.bytes = 1U << size;
  found.load = opc != 0;
  found.with_sign = opc >= 2;
  if (opc == 2 && size == 3) {  // PRFM
    found.bytes = 0;
    found.first = kNoRegister;
    found.load = false;
  }
}

std::optional<Access> single_of(Word word) {
  Access found{.vector = (word >> 26 & 1) != 0, .base = rn_of(word)};
  read_size(word, found);
  if ((word >> 24 & 1) != 0) {  // an unsigned immediate, in steps of the size
    const unsigned scale =
        found.vector && (word >> 23 & 1) != 0 ? 4 : field(word, 30, 2);
    found.offset = std::int64_t{field(word, 10, 12)} << scale;
    return found;
  }
  if ((word >> 21 & 1) != 0) {
    found.form = Access::Form::Register;
    return field(word, 10, 2) == 2 ? std::optional(found) : std::nullopt;
  }
  static constexpr Access::Form kForms[] = {
      Access::Form::Offset, Access::Form::After, Access::Form::Offset,
      Access::Form::Before};
  found.form = kForms[field(word, 10, 2)];
  found.offset = signed_field(word, 12, 9);
  return found;
}

// Of what access_of() does not tell: exclusive and atomic accesses, vectors of
// several registers, tags, copies of memory.
RegisterSet written_by_other_access(Word word) {
  if ((word >> 26 & 1) != 0) {
    return only(rn_of(word));  // its base, if that moves
  }
  if ((word & 0xfffffc00) == 0xf83fd000) {  // LD64B
    return 0xffU << rd_of(word);
  }
  return only(rd_of(word)) | only(rd_of(word) + 1) | only(rn_of(word)) |
         only(rm_of(word)) | only(rm_of(word) + 1) | only(field(word, 10, 5));
}

}  // namespace

std::optional<Access> access_of(Word word) {
  if ((word & 0x3a000000) == 0x28000000) {
    return pair_of(word);
  }
  if ((word & 0x3a000000) == 0x38000000) {
    return single_of(word);
  }
  if ((word & 0x3f200c00) == 0x19000000) {  // LDAPUR, STLUR
    Access found{.base = rn_of(word), .offset = signed_field(word, 12, 9)};
    read_size(word, found);
    return found;
  }
  return std::nullopt;
}

// DecodeBitMasks() of the manual (J1.1.3): a run of ones, turned, repeated.
std::optional<std::uint64_t> bit_mask(Word word) {
  const unsigned n = field(word, 22, 1), turn = field(word, 16, 6),
                 ones = field(word, 10, 6);
  const unsigned length = n << 6 | (~ones & 0x3f);
  if (length < 2 || (n != 0 && !is_wide(word))) {
    return std::nullopt;
  }
  const unsigned size = std::bit_floor(length);
  const unsigned run = (ones & (size - 1)) + 1, by = turn & (size - 1);
  if (run == size) {
    return std::nullopt;
  }
  std::uint64_t element = (std::uint64_t{1} << run) - 1;
  if (by != 0) {
    element = element >> by | element << (size - by);
    element &= size == 64 ? ~0ULL : (std::uint64_t{1} << size) - 1;
  }
  std::uint64_t all = 0;
  for (unsigned at = 0; at < 64; at += size) {
    all |= element << at;
  }
  return is_wide(word) ? all : all & 0xffffffff;
}

RegisterSet written_for_sure(Word word) {
  if (is_immediate_group(word)) {
    // The stack pointer's number stands for zero or for itself: neither counts.
    return only(rd_of(word));
  }
  if (is_register_group(word)) {
    // Conditional comparisons, and those that set flags alone, write nothing.
    const bool compares = (word & 0x1fe00000) == 0x1a400000;
    const bool flags =
        (word & 0x1fe00000) == 0x1a000000 && field(word, 10, 6) != 0;
    return compares || flags ? 0 : only(rd_of(word));
  }
  if (is_memory_group(word)) {
    if (loads_literal(word)) {
      return only(rd_of(word));
    }
    if (const auto access = access_of(word)) {
      return (access->load && !access->vector
                  ? only(access->first) | only(access->second)
                  : 0) |
             (access->writes_base() ? only(access->base) : 0);
    }
    // LDXR, LDAR and the like.
    return (word & 0x3f600000) == 0x08400000 ? only(rd_of(word)) : 0;
  }
  return (word & 0xfff00000) == 0xd5300000 ? only(rd_of(word)) : 0;  // MRS
}

RegisterSet written_at_most(Word word) {
  if (is_memory_group(word)) {
    if (is_literal(word) || access_of(word)) {
      return written_for_sure(word);
    }
    return written_by_other_access(word);
  }
  if ((word & 0xfffff01f) == 0xd503201f) {
    // Hints: those of pointer authentication sign and strip these.
    return word == kNop || word == kBtiC ? 0 : only(kLink) | only(17);
  }
  return only(rd_of(word));
}

}  // namespace vambrace::elf::aarch64
