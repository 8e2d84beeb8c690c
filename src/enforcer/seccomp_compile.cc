#include "enforcer/seccomp_compile.h"

#include <linux/audit.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include "base/fd.h"
#include "base/json.h"
#include "policy/seccomp/compare.h"
#include "policy/seccomp/effective.h"
#include "runtime/model.h"

namespace vambrace::enforcer {
namespace {

using kernel::Arch;
using policy::seccomp::Action;
using policy::seccomp::Condition;
using policy::seccomp::Entry;
using policy::seccomp::Instruction;
using policy::seccomp::Outcome;
using policy::seccomp::Profile;
using policy::seccomp::Program;

using Context = std::unique_ptr<void, decltype(&seccomp_release)>;

std::string reason(int negative_errno) {
  return std::strerror(-negative_errno);
}

std::uint32_t action_of(Action action, std::optional<std::uint32_t> errno_ret) {
  const bool numbered = action == Action::Errno || action == Action::Trace;
  return policy::seccomp::to_return_value(
      {.action = action, .error = numbered ? errno_ret.value_or(EPERM) : 0});
}

scmp_compare compare_of(policy::seccomp::Compare op) {
  using policy::seccomp::Compare;
  switch (op) {
    case Compare::Ne:
      return SCMP_CMP_NE;
    case Compare::Lt:
      return SCMP_CMP_LT;
    case Compare::Le:
      return SCMP_CMP_LE;
    case Compare::Eq:
      return SCMP_CMP_EQ;
    case Compare::Ge:
      return SCMP_CMP_GE;
    case Compare::Gt:
      return SCMP_CMP_GT;
    case Compare::MaskedEq:
      return SCMP_CMP_MASKED_EQ;
  }
  return SCMP_CMP_EQ;
}

// "SCMP_ARCH_X86_64" to libseccomp's token; 0 if this libseccomp lacks it.
std::uint32_t token_of(std::string_view scmp_name) {
  std::string name(scmp_name.substr(std::string_view("SCMP_ARCH_").size()));
  for (char& c : name) {
    c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return name == "native" ? seccomp_arch_native()
                          : seccomp_arch_resolve_name(name.c_str());
}

Result<> add_architectures(scmp_filter_ctx context, const Profile& profile,
                           const runtime::Target& target) {
  const std::uint32_t own = token_of(kernel::scmp_arch(target.arch));
  std::vector<std::uint32_t> tokens{own};
  for (const std::string& name : profile.architectures) {
    tokens.push_back(token_of(name));
    if (tokens.back() == 0) {
      return fail(ErrorCode::Unsupported, "libseccomp does not know {}", name);
    }
  }
  for (const std::uint32_t token : tokens) {
    const int status = seccomp_arch_add(context, token);
    if (status != 0 && status != -EEXIST) {
      return fail(ErrorCode::InvalidInput,
                  "libseccomp refuses an architecture of the profile: {}",
                  reason(status));
    }
  }
  // A new context has the architecture of this machine.
  if (own != seccomp_arch_native()) {
    seccomp_arch_remove(context, seccomp_arch_native());
  }
  return {};
}

Result<> add_rule(scmp_filter_ctx context, std::uint32_t action, int call,
                  std::span<const scmp_arg_cmp> conditions,
                  const std::string& place) {
  const int status = seccomp_rule_add_array(
      context, action, call, static_cast<unsigned>(conditions.size()),
      conditions.data());
  if (status != 0) {
    return fail(ErrorCode::InvalidInput, "{}: libseccomp refuses the rule: {}",
                place, reason(status));
  }
  return {};
}

Result<> add_name(scmp_filter_ctx context, const Entry& entry,
                  const std::string& name, std::uint32_t action,
                  const std::string& place) {
  const int call = seccomp_syscall_resolve_name(name.c_str());
  if (call == __NR_SCMP_ERROR) {
    return {};
  }
  std::vector<scmp_arg_cmp> conditions;
  std::uint32_t seen = 0;
  bool repeated = false;
  for (const Condition& each : entry.args) {
    conditions.push_back({.arg = each.index,
                          .op = compare_of(each.op),
                          .datum_a = each.value,
                          .datum_b = each.value_two});
    repeated = repeated || ((seen >> each.index) & 1U) != 0;
    seen |= 1U << each.index;
  }
  if (!repeated) {
    return add_rule(context, action, call, conditions, place);
  }
  for (const scmp_arg_cmp& each : conditions) {
    TRY(add_rule(context, action, call, {&each, 1}, place));
  }
  return {};
}

// Names that the target's libseccomp does not have are left out, in case the
// one of this machine is newer.
bool target_knows(const runtime::Target& target, const std::string& name) {
  bool in_a_table = false;
  for (const Arch arch : kernel::kAllArches) {
    const auto nr = kernel::syscall_number(arch, name);
    in_a_table = in_a_table || nr.has_value();
    if (nr && runtime::libseccomp_knows(target, {arch, *nr})) {
      return true;
    }
  }
  return !in_a_table;
}

Result<Program> exported(scmp_filter_ctx context) {
  const Fd file(memfd_create("filter", MFD_CLOEXEC));
  if (!file) {
    return fail(ErrorCode::Unavailable, "memfd_create: {}",
                std::strerror(errno));
  }
  if (const int status = seccomp_export_bpf(context, file.get()); status != 0) {
    return fail(ErrorCode::InvalidInput,
                "libseccomp cannot make a filter of the profile: {}",
                reason(status));
  }
  struct stat info{};
  if (fstat(file.get(), &info) != 0) {
    return fail(ErrorCode::Unavailable, "fstat: {}", std::strerror(errno));
  }
  static_assert(sizeof(Instruction) == 8);
  Program program(static_cast<std::size_t>(info.st_size) / sizeof(Instruction));
  const ssize_t wanted =
      static_cast<ssize_t>(program.size() * sizeof(Instruction));
  if (pread(file.get(), program.data(), static_cast<std::size_t>(wanted), 0) !=
      wanted) {
    return fail(ErrorCode::Internal, "the exported filter cannot be read back");
  }
  return program;
}

// The highest number that the profile names for an architecture, asked of
// libseccomp as runc does (patchbpf, findLastSyscalls); 0: none.
std::uint32_t last_call(const Profile& profile, const runtime::Target& target,
                        std::uint32_t token) {
  int last = 0;
  for (const Entry& entry : profile.entries) {
    for (const std::string& name : entry.names) {
      if (target_knows(target, name)) {
        last = std::max(last,
                        seccomp_syscall_resolve_name_arch(token, name.c_str()));
      }
    }
  }
  return static_cast<std::uint32_t>(last);
}

constexpr std::uint16_t kLoad = 0x20;
constexpr std::uint16_t kGo = 0x05;
constexpr std::uint16_t kIfEqual = 0x15;
constexpr std::uint16_t kIfGreater = 0x25;
constexpr std::uint16_t kIfBits = 0x45;
constexpr std::uint16_t kReturn = 0x06;
constexpr std::uint32_t kX32Bit = 0x40000000;

// One architecture of the stub: where its boundaries lie.
struct Boundary {
  std::uint32_t audit = 0;
  std::uint32_t last = 0;      // 0: none
  std::uint32_t last_x32 = 0;  // with bit 30
};

std::vector<Boundary> boundaries(const Profile& profile,
                                 const runtime::Target& target,
                                 const runtime::SeccompModel& model) {
  std::vector<std::string> names = profile.architectures;
  if (model.stub_covers_native) {
    names.emplace_back(kernel::scmp_arch(target.arch));
  }
  std::vector<Boundary> out;
  for (const std::string& name : names) {
    const std::uint32_t token = token_of(name);
    const bool x32 = token == SCMP_ARCH_X32;
    const std::uint32_t audit =
        x32 ? static_cast<std::uint32_t>(AUDIT_ARCH_X86_64) : token;
    auto it = std::ranges::find(out, audit, &Boundary::audit);
    if (it == out.end()) {
      it = out.insert(it, {.audit = audit});
    }
    (x32 ? it->last_x32 : it->last) = last_call(profile, target, token);
  }
  return out;
}

// Calls above the boundaries get ENOSYS, the others go on to the filter. Laid
// out as runc 1.1 does: a jump table over architectures, then one section each.
Program stub(const std::vector<Boundary>& all) {
  Program out;
  std::vector<std::size_t> to_filter;
  std::vector<std::size_t> to_enosys;
  const auto emit = [&](std::uint16_t code, std::uint32_t k,
                        std::uint8_t jt = 0, std::uint8_t jf = 0) {
    out.push_back({.code = code, .jt = jt, .jf = jf, .k = k});
    return out.size() - 1;
  };
  emit(kLoad, 4);
  const std::size_t table = out.size();
  for (const Boundary& each : all) {
    emit(kIfEqual, each.audit);
  }
  to_filter.push_back(emit(kGo, 0));
  for (std::size_t i = 0; i < all.size(); ++i) {
    out[table + i].jt = static_cast<std::uint8_t>(out.size() - table - i - 1);
    emit(kLoad, 0);
    if (all[i].audit != AUDIT_ARCH_X86_64) {
      if (all[i].last != 0) {
        to_enosys.push_back(emit(kIfGreater, all[i].last));
      }
    } else {
      // Two modes behind one architecture: a missing boundary is one that no
      // number exceeds.
      constexpr std::uint32_t kNone = 0xffffffff;
      emit(kIfBits, kX32Bit, 1, 0);
      to_enosys.push_back(
          emit(kIfGreater, all[i].last != 0 ? all[i].last : kNone, 0, 1));
      to_enosys.push_back(
          emit(kIfGreater, all[i].last_x32 != 0 ? all[i].last_x32 : kNone));
    }
    to_filter.push_back(emit(kGo, 0));
  }
  const std::size_t enosys = emit(kReturn, SCMP_ACT_ERRNO(ENOSYS));
  for (const std::size_t at : to_enosys) {
    out[at].jt = static_cast<std::uint8_t>(enosys - at - 1);
  }
  for (const std::size_t at : to_filter) {
    out[at].k = static_cast<std::uint32_t>(out.size() - at - 1);
  }
  return out;
}

bool denies(Action action) {
  return action != Action::Allow && action != Action::Log &&
         action != Action::Trace;
}

}  // namespace

Result<Program> compile(const Profile& profile, const runtime::Target& target) {
  TRY_ASSIGN(const policy::seccomp::Effective made,
             policy::seccomp::effective(profile, target));
  const Profile& in = made.profile;
  const runtime::SeccompModel model = runtime::seccomp_model(target);
  const std::uint32_t fallback =
      action_of(in.default_action, in.default_errno_ret);

  const Context context(seccomp_init(fallback), seccomp_release);
  if (context == nullptr) {
    return fail(ErrorCode::InvalidInput,
                "libseccomp refuses the default action {}",
                policy::seccomp::to_string(in.default_action));
  }
  TRY(add_architectures(context.get(), in, target));
  seccomp_attr_set(context.get(), SCMP_FLTATR_CTL_NNP, 0);
  std::size_t calls = 0;
  for (const Entry& entry : in.entries) {
    calls += entry.names.size();
  }
  if (model.tree_above != 0 && calls > model.tree_above) {
    seccomp_attr_set(context.get(), SCMP_FLTATR_CTL_OPTIMIZE, 2);
  }

  for (std::size_t i = 0; i < in.entries.size(); ++i) {
    const Entry& entry = in.entries[i];
    const std::uint32_t action = action_of(entry.action, entry.errno_ret);
    if (action == fallback) {
      continue;  // runtimes leave out what the default does anyway
    }
    for (const std::string& name : entry.names) {
      if (target_knows(target, name)) {
        TRY(add_name(
            context.get(), entry, name, action,
            fmt::format("syscalls[{}] ({})", i, json::quote_bytes(name))));
      }
    }
  }

  TRY_ASSIGN(Program program, exported(context.get()));
  if (model.enosys_stub && denies(in.default_action)) {
    Program whole = stub(boundaries(in, target, model));
    whole.insert(whole.end(), program.begin(), program.end());
    program = std::move(whole);
  }
  TRY(during("the filter of the profile", policy::seccomp::validate(program)));
  return program;
}

Result<Program> compile_checked(const Profile& profile,
                                const runtime::Target& target) {
  TRY_ASSIGN(Program program, compile(profile, target));
  TRY_ASSIGN(const std::vector<policy::seccomp::Difference> differences,
             policy::seccomp::compare(program, profile, target));
  if (!differences.empty()) {
    return std::unexpected(
        Error(ErrorCode::Denied,
              fmt::format("the filter that libseccomp makes of this profile is "
                          "not what the profile says, for {} calls",
                          differences.size()))
            .with_hint("give each call one entry, and conditions on an "
                       "argument as SCMP_CMP_MASKED_EQ values; see `vambrace "
                       "lint`"));
  }
  return program;
}

}  // namespace vambrace::enforcer
