#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/result.h"
#include "policy/seccomp/evaluate.h"
#include "policy/seccomp/lint.h"
#include "policy/seccomp/profile.h"

namespace {

namespace seccomp = vambrace::policy::seccomp;
namespace kernel = vambrace::kernel;
namespace runtime = vambrace::runtime;

// Asks about every call that an architecture has, one above, and one that no
// architecture has, with arguments that no condition expects and with zeros.
void ask(const seccomp::Evaluator& evaluator) {
  constexpr std::uint64_t kWide = 0xdeadbeefcafe4240;
  constexpr seccomp::Arguments kOdd = {kWide, kWide, kWide,
                                       kWide, kWide, kWide};
  for (const kernel::Arch arch : kernel::kAllArches) {
    const std::uint32_t audit = kernel::audit_arch(arch);
    for (const std::uint32_t nr : kernel::syscall_numbers(arch)) {
      for (const std::uint32_t near : {nr, nr + 1, ~nr}) {
        const std::uint32_t number = seccomp::filter_number({arch, near});
        evaluator.outcome(audit, number, {});
        const seccomp::Outcome outcome = evaluator.outcome(audit, number, kOdd);
        CHECK(!to_string(outcome).empty());
      }
    }
  }
}

}  // namespace

// A profile that is read prints and reads the same again, and every target
// either refuses it or has an answer for every call.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto profile = seccomp::parse(text);
  if (!profile) {
    CHECK(!profile.error().message().empty());
    return 0;
  }
  const auto again = seccomp::parse(seccomp::print(*profile));
  CHECK(again.has_value() && *again == *profile);
  for (const std::string& name : runtime::target_names()) {
    const runtime::Target target = *runtime::target_named(name);
    const auto evaluator = seccomp::Evaluator::of(*profile, target);
    const auto remarks = seccomp::lint(*profile, target);
    CHECK(evaluator.has_value() == remarks.has_value());
    if (evaluator) {
      ask(*evaluator);
    }
  }
  return 0;
}
