#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace vambrace::recorder::ebpf {

// The kernel's functions by address.
class Symbols {
 public:
  // From the text of /proc/kallsyms; addresses that are hidden give no symbol.
  static Symbols parse(std::string_view kallsyms);

  // The function that holds the address; empty if unknown.
  std::string_view name(std::uint64_t address) const;
  // A stack from the check outwards, without the tracing machinery.
  std::vector<std::string> names(
      const std::vector<std::uint64_t>& addresses) const;

 private:
  std::map<std::uint64_t, std::string> by_address_;
};

}  // namespace vambrace::recorder::ebpf
