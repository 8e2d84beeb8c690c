#include "policy/seccomp/covering.h"

#include <algorithm>
#include <set>

#include "policy/seccomp/trace.h"

namespace vambrace::policy::seccomp {
namespace {

using kernel::Arch;

// Well above the highest number of any table, 547 of x32.
constexpr std::uint32_t kPastTables = 640;
constexpr std::uint64_t kGarbage = 0xdeadbeefcafe4240;
constexpr std::size_t kMaxProduct = 3000;
constexpr std::size_t kMaxAround = 6000;

// What is known about the arguments of one call.
struct Looked {
  std::array<std::set<std::uint64_t>, 6> values;  // what is compared with
  std::array<std::set<std::uint64_t>, 6> masks;
  std::vector<Arguments> bases;
};

void look(const Evaluator& evaluator, std::uint32_t arch, std::uint32_t nr,
          Looked& looked) {
  const CallRules* rules = evaluator.rules(arch, nr);
  if (rules == nullptr) {
    return;
  }
  for (const Alternative& rule : rules->alternatives) {
    Arguments base{};
    for (const Condition& condition : rule.all) {
      std::uint64_t value = condition.value;
      if (condition.op == Compare::MaskedEq) {
        looked.masks[condition.index].insert(condition.value);
        value = condition.value_two;
      }
      looked.values[condition.index].insert(value);
      // A value for which the condition holds, if there is one.
      const bool above =
          condition.op == Compare::Gt || condition.op == Compare::Ne;
      const bool below = condition.op == Compare::Lt;
      base[condition.index] = above ? value + 1 : below ? value - 1 : value;
    }
    looked.bases.push_back(base);
  }
}

// The halves that a program compares are put together to whole values.
void look(std::span<const Instruction> program, std::uint32_t arch,
          std::uint32_t nr, Looked& looked) {
  const Trace traced = trace(program, arch, nr);
  std::array<std::set<std::uint32_t>, 6> low;
  std::array<std::set<std::uint32_t>, 6> high;
  for (const Test& test : traced.tests) {
    if (test.offset < 16) {
      continue;  // the instruction pointer
    }
    const std::size_t index = (test.offset - 16) / 8;
    const bool upper = (test.offset & 4U) != 0;
    (upper ? high : low)[index].insert(test.k);
    if (test.mask != kLowHalf) {
      looked.masks[index].insert(
          upper ? static_cast<std::uint64_t>(test.mask) << 32 : test.mask);
    }
  }
  for (std::size_t i = 0; i < 6; ++i) {
    if (low[i].empty() && high[i].empty()) {
      continue;
    }
    low[i].insert(0);
    high[i].insert(0);
    for (const std::uint32_t up : high[i]) {
      for (const std::uint32_t down : low[i]) {
        looked.values[i].insert(static_cast<std::uint64_t>(up) << 32 | down);
      }
    }
  }
  for (const Call& witness : traced.witnesses) {
    looked.bases.push_back(witness.args);
  }
}

std::vector<std::uint64_t> candidates(const std::set<std::uint64_t>& values,
                                      const std::set<std::uint64_t>& masks) {
  if (values.empty() && masks.empty()) {
    return {};
  }
  std::set<std::uint64_t> out{0, ~0ULL, kLowHalf, kLowHalf + 1};
  for (const std::uint64_t value : values) {
    out.insert({value, value - 1, value + 1});
    out.insert(value ^ (kLowHalf + 1));                       // upper half
    out.insert((value & kLowHalf) | (kGarbage & ~kLowHalf));  // upper half
    out.insert((value & ~kLowHalf) | (kGarbage & kLowHalf));  // lower half
    for (const std::uint64_t mask : masks) {
      out.insert((value & mask) | ~mask);
      out.insert((value & mask) | (kGarbage & ~mask));
      out.insert(value ^ (mask & (0 - mask)));
    }
  }
  return {out.begin(), out.end()};
}

using Candidates = std::array<std::vector<std::uint64_t>, 6>;

std::vector<Arguments> product(const Candidates& choices) {
  std::vector<Arguments> out{Arguments{}};
  for (std::size_t i = 0; i < 6; ++i) {
    if (choices[i].empty()) {
      continue;
    }
    std::vector<Arguments> next;
    next.reserve(out.size() * choices[i].size());
    for (const Arguments& args : out) {
      for (const std::uint64_t value : choices[i]) {
        next.push_back(args);
        next.back()[i] = value;
      }
    }
    out = std::move(next);
  }
  return out;
}

// Each base with one argument replaced, then with two, as far as the budget
// goes; the bases take turns so that none is left out.
std::vector<Arguments> around(const std::vector<Arguments>& bases,
                              const Candidates& choices) {
  std::set<Arguments> out(bases.begin(), bases.end());
  for (const Arguments& base : bases) {
    for (std::size_t i = 0; i < 6; ++i) {
      for (const std::uint64_t value : choices[i]) {
        Arguments args = base;
        args[i] = value;
        out.insert(args);
      }
    }
  }
  const std::size_t share = kMaxAround / std::max<std::size_t>(1, bases.size());
  for (const Arguments& base : bases) {
    std::size_t used = 0;
    for (std::size_t i = 0; i < 6; ++i) {
      for (std::size_t j = i + 1; j < 6; ++j) {
        for (std::size_t n = 0;
             n < choices[i].size() * choices[j].size() && used < share; ++n) {
          Arguments args = base;
          args[i] = choices[i][n / choices[j].size()];
          args[j] = choices[j][n % choices[j].size()];
          used += out.insert(args).second ? 1 : 0;
        }
      }
    }
  }
  return {out.begin(), out.end()};
}

bool loads_arguments(std::span<const Instruction> program, std::uint32_t arch,
                     std::uint32_t nr) {
  bool loads = false;
  run(program, {.nr = nr, .arch = arch, .ip = 0, .args = {}}, &loads);
  return loads;
}

bool anything_looks(const Sources& sources, std::uint32_t arch,
                    std::uint32_t nr) {
  return std::ranges::any_of(sources.programs,
                             [&](std::span<const Instruction> program) {
                               return loads_arguments(program, arch, nr);
                             }) ||
         std::ranges::any_of(sources.evaluators, [&](const Evaluator* each) {
           const CallRules* rules = each->rules(arch, nr);
           return rules != nullptr && !rules->alternatives.empty();
         });
}

}  // namespace

std::vector<Numbers> covering_numbers(const Sources& sources) {
  std::set<std::uint32_t> compared;
  for (const std::span<const Instruction> program : sources.programs) {
    for (const Instruction& in : program) {
      if ((in.code & 0x07U) == 0x05 && in.code != 0x05) {
        compared.insert({in.k, in.k - 1, in.k + 1});
      }
    }
  }
  std::set<std::uint32_t> ends{kX32Bit - 1, 0x7fffffff, 0x80000000, 0x80000001,
                               0xbfffffff,  0xc0000000, 0xfffffffe, 0xffffffff};
  ends.insert(compared.begin(), compared.end());
  std::set<std::uint32_t> plain = ends;
  for (std::uint32_t nr = 0; nr < kPastTables; ++nr) {
    plain.insert(nr);
  }
  std::set<std::uint32_t> both = plain;
  for (std::uint32_t nr = 0; nr < kPastTables; ++nr) {
    both.insert(nr | kX32Bit);
  }
  constexpr std::uint32_t kNobody = 0x12345678;
  const auto list = [](const std::set<std::uint32_t>& numbers) {
    return std::vector<std::uint32_t>(numbers.begin(), numbers.end());
  };
  return {{kernel::audit_arch(Arch::X86_64), list(both)},
          {kernel::audit_arch(Arch::I386), list(plain)},
          {kernel::audit_arch(Arch::Aarch64), list(plain)},
          {kNobody, list(ends)}};
}

std::vector<Arguments> covering_arguments(const Sources& sources,
                                          std::uint32_t arch,
                                          std::uint32_t nr) {
  if (!anything_looks(sources, arch, nr)) {
    return {Arguments{}};
  }
  Looked looked;
  for (const std::span<const Instruction> program : sources.programs) {
    look(program, arch, nr, looked);
  }
  for (const Evaluator* evaluator : sources.evaluators) {
    look(*evaluator, arch, nr, looked);
  }
  Candidates choices;
  std::size_t total = 1;
  for (std::size_t i = 0; i < 6; ++i) {
    choices[i] = candidates(looked.values[i], looked.masks[i]);
    if (!choices[i].empty() && total <= kMaxProduct) {
      total *= choices[i].size();
    }
  }
  if (total <= kMaxProduct) {
    return product(choices);
  }
  looked.bases.push_back(Arguments{});
  std::ranges::sort(looked.bases);
  const auto twice = std::ranges::unique(looked.bases);
  looked.bases.erase(twice.begin(), twice.end());
  return around(looked.bases, choices);
}

}  // namespace vambrace::policy::seccomp
