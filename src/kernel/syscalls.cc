#include "kernel/syscalls.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <vector>

namespace vambrace::kernel {
namespace {

struct Row {
  std::uint32_t nr;
  std::string_view name;
};

// clang-format off
constexpr Row kX86[] = {
#include "kernel/syscalls_x86_64.inc"
};
constexpr Row kI386[] = {
#include "kernel/syscalls_i386.inc"
};
constexpr Row kX32[] = {
#include "kernel/syscalls_x32.inc"
};
constexpr Row kAarch64[] = {
#include "kernel/syscalls_aarch64.inc"
};
// clang-format on

constexpr std::span<const Row> rows(Arch arch) {
  switch (arch) {
    case Arch::X86_64:
      return kX86;
    case Arch::I386:
      return kI386;
    case Arch::X32:
      return kX32;
    case Arch::Aarch64:
      return kAarch64;
  }
  return {};
}

consteval bool ascending(Arch arch) {
  const std::span<const Row> all = rows(arch);
  for (std::size_t i = 1; i < all.size(); ++i) {
    if (all[i - 1].nr >= all[i].nr) {
      return false;
    }
  }
  return !all.empty();
}
static_assert(ascending(Arch::X86_64) && ascending(Arch::I386) &&
              ascending(Arch::X32) && ascending(Arch::Aarch64));

// One table turned into what look-ups need: names by number, numbers by name.
struct Index {
  std::vector<std::string_view> names;  // empty: no such number
  std::map<std::string_view, std::uint32_t> numbers;
  std::vector<std::uint32_t> used;
};

Index make_index(Arch arch) {
  Index index;
  index.names.resize(rows(arch).back().nr + 1);
  for (const Row& row : rows(arch)) {
    index.names[row.nr] = row.name;
    index.numbers.emplace(row.name, row.nr);
    index.used.push_back(row.nr);
  }
  return index;
}

const Index& index_of(Arch arch) {
  static const std::array<Index, 4> kIndexes = {
      make_index(Arch::X86_64), make_index(Arch::I386), make_index(Arch::X32),
      make_index(Arch::Aarch64)};
  return kIndexes[static_cast<std::size_t>(arch)];
}

// Insertions, deletions, replacements and swaps of neighbors that turn one word
// into the other; stops counting above `limit`.
std::size_t spelling_distance(std::string_view a, std::string_view b,
                              std::size_t limit) {
  const std::size_t gap =
      a.size() > b.size() ? a.size() - b.size() : b.size() - a.size();
  if (gap > limit) {
    return limit + 1;
  }
  std::vector<std::size_t> before(b.size() + 1);
  std::vector<std::size_t> above(b.size() + 1);
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) {
    row[j] = j;
  }
  for (std::size_t i = 1; i <= a.size(); ++i) {
    before.swap(above);
    above.swap(row);
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t change = a[i - 1] == b[j - 1] ? 0 : 1;
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + change});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        row[j] = std::min(row[j], before[j - 2] + 1);
      }
    }
  }
  return row[b.size()];
}

}  // namespace

std::string_view to_string(Arch arch) {
  switch (arch) {
    case Arch::X86_64:
      return "x86_64";
    case Arch::I386:
      return "i386";
    case Arch::X32:
      return "x32";
    case Arch::Aarch64:
      return "aarch64";
  }
  return "unknown";
}

std::optional<Arch> arch_from(std::string_view name) {
  for (const Arch arch : kAllArches) {
    if (to_string(arch) == name) {
      return arch;
    }
  }
  return std::nullopt;
}

std::uint32_t audit_arch(Arch arch) {
  switch (arch) {
    case Arch::X86_64:
    case Arch::X32:
      return 0xc000003e;
    case Arch::I386:
      return 0x40000003;
    case Arch::Aarch64:
      return 0xc00000b7;
  }
  return 0;
}

std::string_view scmp_arch(Arch arch) {
  switch (arch) {
    case Arch::X86_64:
      return "SCMP_ARCH_X86_64";
    case Arch::I386:
      return "SCMP_ARCH_X86";
    case Arch::X32:
      return "SCMP_ARCH_X32";
    case Arch::Aarch64:
      return "SCMP_ARCH_AARCH64";
  }
  return "";
}

std::optional<Arch> arch_from_scmp(std::string_view name) {
  for (const Arch arch : kAllArches) {
    if (scmp_arch(arch) == name) {
      return arch;
    }
  }
  return std::nullopt;
}

std::optional<std::string_view> syscall_name(Syscall syscall) {
  const std::vector<std::string_view>& names = index_of(syscall.arch).names;
  if (syscall.nr >= names.size() || names[syscall.nr].empty()) {
    return std::nullopt;
  }
  return names[syscall.nr];
}

std::optional<std::uint32_t> syscall_number(Arch arch, std::string_view name) {
  const auto& numbers = index_of(arch).numbers;
  const auto it = numbers.find(name);
  return it == numbers.end() ? std::nullopt : std::optional(it->second);
}

std::string syscall_label(Syscall syscall) {
  if (const auto name = syscall_name(syscall)) {
    return std::string(*name);
  }
  return fmt::format("syscall_{}", syscall.nr);
}

std::span<const std::uint32_t> syscall_numbers(Arch arch) {
  return index_of(arch).used;
}

std::optional<std::string_view> nearest_syscall_name(std::string_view name) {
  // A third of the letters may be wrong, three at most.
  const std::size_t limit = std::min<std::size_t>(3, (name.size() + 1) / 3);
  std::optional<std::string_view> best;
  std::size_t least = limit + 1;
  for (const Arch arch : kAllArches) {
    for (const auto& [candidate, nr] : index_of(arch).numbers) {
      const std::size_t distance = spelling_distance(name, candidate, limit);
      if (distance < least) {
        least = distance;
        best = candidate;
      }
    }
  }
  return best;
}

}  // namespace vambrace::kernel
