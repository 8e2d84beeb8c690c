#include "policy/seccomp/lint.h"

#include <algorithm>

#include "base/json.h"
#include "policy/seccomp/effective.h"
#include "policy/seccomp/evaluate.h"

namespace vambrace::policy::seccomp {
namespace {

using kernel::Arch;

constexpr std::size_t kMaxEntries = 128;  // KEP-6061

bool lets_through(Action action) {
  return action == Action::Allow || action == Action::Log ||
         action == Action::Trace;
}

// Calls that give away more than the rest of a profile keeps, and how.
constexpr std::pair<std::string_view, std::string_view> kDangerous[] = {
    {"bpf", "loads programs into the kernel"},
    {"init_module", "loads code into the kernel"},
    {"finit_module", "loads code into the kernel"},
    {"delete_module", "removes code from the kernel"},
    {"kexec_load", "replaces the kernel"},
    {"kexec_file_load", "replaces the kernel"},
    {"ptrace", "rewrites other processes, and their system calls"},
    {"process_vm_writev", "writes into other processes"},
    {"mount", "changes what paths mean"},
    {"move_mount", "changes what paths mean"},
    {"open_tree", "changes what paths mean"},
    {"fsopen", "opens a file system driver to hostile input"},
    {"umount2", "uncovers what is mounted over"},
    {"pivot_root", "changes what paths mean"},
    {"setns", "enters other namespaces"},
    {"unshare", "makes user namespaces, with every capability inside"},
    {"userfaultfd", "makes races in the kernel winnable"},
    {"io_uring_setup", "does work that no seccomp filter sees"},
    {"open_by_handle_at", "opens files outside of the container's root"},
    {"perf_event_open", "has a long record of kernel faults"},
    {"keyctl", "reaches keys that namespaces do not separate"},
    {"add_key", "reaches keys that namespaces do not separate"},
    {"request_key", "reaches keys that namespaces do not separate"},
    {"iopl", "talks to devices directly"},
    {"ioperm", "talks to devices directly"},
    {"reboot", "stops the machine"},
    {"swapon", "gives the kernel memory to read"},
    {"acct", "makes the kernel write a file"},
    {"quotactl", "changes limits of file systems"},
};

// Calls that do the same thing: denying one of a row while another is allowed
// keeps nobody out.
constexpr std::string_view kSame[][6] = {
    {"open", "openat", "openat2"},
    {"execve", "execveat"},
    {"fork", "vfork", "clone", "clone3"},
    {"chmod", "fchmodat", "fchmodat2"},
    {"chown", "lchown", "fchownat"},
    {"unlink", "unlinkat"},
    {"rename", "renameat", "renameat2"},
    {"link", "linkat"},
    {"symlink", "symlinkat"},
    {"mkdir", "mkdirat"},
    {"mknod", "mknodat"},
    {"accept", "accept4"},
    {"dup2", "dup3"},
    {"pipe", "pipe2"},
    {"init_module", "finit_module"},
    {"kexec_load", "kexec_file_load"},
    {"mount", "move_mount", "fsmount"},
};

class Linter {
 public:
  Linter(const Profile& profile, const Effective& made,
         const Evaluator& evaluator, const runtime::Target& target)
      : profile_(profile),
        made_(made),
        evaluator_(evaluator),
        target_(target) {}

  std::vector<Remark> run() {
    defaults();
    architectures();
    names();
    for (std::size_t i = 0; i < profile_.entries.size(); ++i) {
      conditions(profile_.entries[i], i);
    }
    dangerous();
    alternatives();
    clone3();
    std::ranges::sort(remarks_, [](const Remark& a, const Remark& b) {
      return std::tuple(b.severity, a.id, a.place, a.message) <
             std::tuple(a.severity, b.id, b.place, b.message);
    });
    return std::move(remarks_);
  }

 private:
  void add(std::string id, Severity severity, std::string place,
           std::string message, std::string hint = "") {
    remarks_.push_back({std::move(id), severity, std::move(place),
                        std::move(message), std::move(hint)});
  }

  // What the native architecture does with a call, whatever its arguments.
  bool always_allowed(std::string_view name) const {
    const auto nr = kernel::syscall_number(target_.arch, name);
    if (!nr) {
      return false;
    }
    const std::uint32_t audit = kernel::audit_arch(target_.arch);
    const CallRules* rules = evaluator_.rules(audit, *nr);
    if (rules != nullptr && !rules->alternatives.empty()) {
      return false;
    }
    return lets_through(evaluator_.outcome(audit, *nr, {}).action);
  }
  bool sometimes_allowed(std::string_view name) const {
    const auto nr = kernel::syscall_number(target_.arch, name);
    if (!nr) {
      return false;
    }
    const CallRules* rules =
        evaluator_.rules(kernel::audit_arch(target_.arch), *nr);
    return always_allowed(name) ||
           (rules != nullptr &&
            std::ranges::any_of(rules->alternatives,
                                [](const Alternative& each) {
                                  return lets_through(each.outcome.action);
                                }));
  }

  void defaults() {
    if (lets_through(profile_.default_action)) {
      add("permissive-default",
          profile_.default_action == Action::Allow ? Severity::High
                                                   : Severity::Medium,
          "defaultAction",
          fmt::format("every call that no entry names goes through ({})",
                      to_string(profile_.default_action)),
          "deny by default and name what is needed; the observe stage is the "
          "one place for a default that lets through");
    }
    for (const std::string& what : made_.dropped) {
      const std::size_t colon = what.find(": ");
      add("dropped", Severity::Medium, what.substr(0, colon),
          what.substr(colon + 2),
          "say it in a way that this target reads: explicit entries instead "
          "of a default errno, no includes or excludes");
    }
    if (profile_.entries.size() > kMaxEntries) {
      add("too-many-entries", Severity::Low, "syscalls",
          fmt::format("{} entries, more than the {} that an OCI artifact "
                      "(KEP-6061) may have",
                      profile_.entries.size(), kMaxEntries),
          "put names with the same action and conditions into one entry");
    }
  }

  void architectures() {
    if (made_.profile.architectures.empty()) {
      add("no-architectures", Severity::Low, "architectures",
          "none is named, so runtimes take their own and runc makes no ENOSYS "
          "stub",
          fmt::format("name {}", kernel::scmp_arch(target_.arch)));
    }
    if (evaluator_.has(Arch::X32)) {
      add("x32-open", Severity::Medium, "architectures",
          "SCMP_ARCH_X32 opens a second set of numbers that hardly any program "
          "uses",
          "remove it unless evidence shows x32 calls");
    }
    if (evaluator_.has(Arch::I386) && target_.arch == Arch::X86_64) {
      add("i386-open", Severity::Low, "architectures",
          "SCMP_ARCH_X86 opens the 32-bit calls, where socketcall and ipc hide "
          "what they do from argument rules",
          "remove it unless evidence shows 32-bit programs");
    }
  }

  void names() {
    for (std::size_t i = 0; i < profile_.entries.size(); ++i) {
      for (std::size_t n = 0; n < profile_.entries[i].names.size(); ++n) {
        const std::string& name = profile_.entries[i].names[n];
        if (std::ranges::find(evaluator_.unknown_names(), name) ==
            evaluator_.unknown_names().end()) {
          continue;
        }
        const bool exists =
            std::ranges::any_of(kernel::kAllArches, [&](Arch arch) {
              return kernel::syscall_number(arch, name).has_value();
            });
        const auto near = kernel::nearest_syscall_name(name);
        const std::string place = fmt::format("syscalls[{}].names[{}]", i, n);
        if (exists) {
          add("unknown-to-libseccomp", Severity::Low, place,
              fmt::format("libseccomp {} does not know {}: the entry has no "
                          "effect on it",
                          runtime::to_string(target_.libseccomp), name));
        } else {
          add("unknown-name", Severity::Low, place,
              fmt::format("no architecture known here has a call \"{}\"; "
                          "runtimes skip it",
                          json::quote_bytes(name).substr(0, 60)),
              near ? fmt::format("did you mean \"{}\"?", *near) : "");
        }
      }
    }
  }

  // Is the parameter 32 bits wide, so that the kernel does not look at the
  // upper half?
  bool narrow(const std::string& name, std::uint32_t index) const {
    const auto nr = kernel::syscall_number(target_.arch, name);
    const kernel::ArgSpec* spec =
        nr ? kernel::arg_spec({target_.arch, *nr}) : nullptr;
    return spec != nullptr &&
           std::ranges::any_of(spec->arguments, [&](const auto& argument) {
             return argument.index == index && argument.mask <= 0xffffffff;
           });
  }

  void conditions(const Entry& entry, std::size_t at) {
    std::uint32_t seen = 0;
    bool repeated = false;
    for (const Condition& each : entry.args) {
      repeated = repeated || ((seen >> each.index) & 1U) != 0;
      seen |= 1U << each.index;
    }
    if (repeated && (seen & (seen - 1)) != 0) {
      add("all-alternatives", Severity::Medium,
          fmt::format("syscalls[{}].args", at),
          "two conditions share an argument, so all conditions of the entry, "
          "also those on other arguments, are alternatives",
          "split the entry");
    }
    for (std::size_t i = 0; i < entry.args.size(); ++i) {
      const Condition& each = entry.args[i];
      const std::string place = fmt::format("syscalls[{}].args[{}]", at, i);
      const auto name = std::ranges::find_if(
          entry.names,
          [&](const std::string& n) { return narrow(n, each.index); });
      const bool known = name != entry.names.end();
      if (known && each.op == Compare::Ne) {
        add("ne-on-32-bit", Severity::High, place,
            fmt::format("{} reads 32 bits of this argument and the condition "
                        "compares 64: garbage above passes as not equal",
                        *name),
            "list the values that are allowed, as SCMP_CMP_MASKED_EQ with mask "
            "0xffffffff");
      } else if (known && each.op != Compare::MaskedEq) {
        add("compare-on-32-bit", Severity::Medium, place,
            fmt::format("{} reads 32 bits of this argument and the condition "
                        "compares 64",
                        *name),
            "use SCMP_CMP_MASKED_EQ with mask 0xffffffff");
      }
      if (each.op == Compare::MaskedEq && (each.value_two & ~each.value) != 0) {
        add("value-outside-mask", Severity::Low, place,
            "bits of valueTwo outside of the mask are ignored");
      }
    }
  }

  void dangerous() {
    if (lets_through(profile_.default_action)) {
      return;  // one remark about the default says it all
    }
    for (const auto& [name, why] : kDangerous) {
      if (always_allowed(name)) {
        add("dangerous-allow", Severity::Medium, std::string(name),
            fmt::format("{} {}", name, why),
            "remove it, or keep it with a named decision");
      }
    }
  }

  void alternatives() {
    if (lets_through(profile_.default_action)) {
      return;
    }
    for (const auto& row : kSame) {
      std::string open;
      std::string closed;
      for (const std::string_view name : row) {
        const bool here =
            !name.empty() && kernel::syscall_number(target_.arch, name);
        if (here && always_allowed(name)) {
          open += (open.empty() ? "" : ", ") + std::string(name);
        } else if (here && !sometimes_allowed(name)) {
          closed += (closed.empty() ? "" : ", ") + std::string(name);
        }
      }
      if (!open.empty() && !closed.empty()) {
        add("alternative-open", Severity::Info, closed,
            fmt::format("{} is denied, but {} does the same", closed, open),
            "fine if programs only use the one; it keeps nobody out");
      }
    }
  }

  void clone3() {
    const auto nr = kernel::syscall_number(target_.arch, "clone");
    const CallRules* clone =
        nr ? evaluator_.rules(kernel::audit_arch(target_.arch), *nr) : nullptr;
    if (clone != nullptr && !clone->alternatives.empty() &&
        always_allowed("clone3")) {
      add("clone3-open", Severity::High, "clone3",
          "clone is allowed by its flags only, but clone3 passes its flags "
          "through memory, where no filter sees them",
          "answer clone3 with ENOSYS; C libraries then fall back to clone");
    }
  }

  const Profile& profile_;
  const Effective& made_;
  const Evaluator& evaluator_;
  const runtime::Target& target_;
  std::vector<Remark> remarks_;
};

}  // namespace

std::string_view to_string(Severity severity) {
  switch (severity) {
    case Severity::Info:
      return "info";
    case Severity::Low:
      return "low";
    case Severity::Medium:
      return "medium";
    case Severity::High:
      return "high";
  }
  return "info";
}

Result<std::vector<Remark>> lint(const Profile& profile,
                                 const runtime::Target& target) {
  TRY_ASSIGN(const Effective made, effective(profile, target));
  TRY_ASSIGN(const Evaluator evaluator, Evaluator::of(profile, target));
  return Linter(profile, made, evaluator, target).run();
}

// The same profile differs by the stub of the runtime, the architectures an
// engine adds and the version of libseccomp: an eighth is left for those.
constexpr std::size_t kNearlyFull = kMaxInstructions - kMaxInstructions / 8;

std::vector<Remark> lint_filter(std::span<const Instruction> program,
                                const Profile& profile,
                                const runtime::Target& target) {
  std::vector<Remark> out;
  const Result<Evaluator> evaluator = Evaluator::of(profile, target);
  if (!evaluator) {
    return out;
  }
  const std::uint32_t audit = kernel::audit_arch(target.arch);
  if (program.size() > kNearlyFull) {
    out.push_back(
        {"nearly-full", Severity::Medium, "filter",
         fmt::format("{} of at most {} instructions; a runtime's libseccomp "
                     "that needs more for it fails to start the container",
                     program.size(), kMaxInstructions),
         "use fewer conditions on arguments or fewer architectures"});
  }
  std::size_t allowed = 0;
  std::size_t cached = 0;
  for (const std::uint32_t nr : kernel::syscall_numbers(target.arch)) {
    const CallRules* rules = evaluator->rules(audit, nr);
    const bool by_argument = rules != nullptr && !rules->alternatives.empty();
    if (!by_argument &&
        evaluator->outcome(audit, nr, {}).action == Action::Allow) {
      ++allowed;
      cached += constant_allow(program, audit, nr) ? 1 : 0;
    }
  }
  out.push_back({"cacheable",
                 cached == allowed ? Severity::Info : Severity::Low, "filter",
                 fmt::format("{} instructions; the kernel answers {} of {} "
                             "calls that are always allowed from its bitmap",
                             program.size(), cached, allowed),
                 ""});
  return out;
}

}  // namespace vambrace::policy::seccomp
