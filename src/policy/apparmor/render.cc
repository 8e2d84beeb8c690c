#include "policy/apparmor/render.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "base/printable.h"
#include "kernel/capabilities.h"
#include "kernel/syscalls.h"
#include "policy/apparmor/fitting.h"
#include "policy/apparmor/letters.h"
#include "policy/apparmor/lint.h"
#include "policy/apparmor/print.h"
#include "policy/apparmor/quote.h"
#include "policy/apparmor/variables.h"
#include "policy/reasons.h"

namespace vambrace::policy::apparmor {
namespace {

constexpr std::size_t kMaxName = 60;

// A profile may name so many others that programs enter at execve
// (apparmor_parser 3.0 refuses a 13th: the kernel's mode has four bits for
// them, and four values are taken).
constexpr std::size_t kMaxChildren = 12;
constexpr std::string_view kShared = "helpers";

bool has(std::string_view access, std::string_view letters) {
  return access.find_first_of(letters) != std::string_view::npos;
}

// Letters and digits of a name that comes from outside, and what else
// AppArmor's names may hold.
std::string plain_name(std::string_view text) {
  std::string out;
  for (const char c : text.substr(0, kMaxName)) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                        (c >= '0' && c <= '9');
    const bool mark = c == '.' || c == '_' || c == '+' || c == '-';
    out += letter || (mark && !out.empty()) ? c : '_';
  }
  if (out.empty() || out[0] == '_') {
    out.insert(0, "x");
  }
  return out;
}

std::string_view last_part(std::string_view path) {
  return path.substr(path.rfind('/') + 1);
}

// create, delete, chown and chmod are what the kernel asks of writers. Each
// write to a file that was opened for appending is writing to it, so that the
// letter a alone would let it be opened for nothing.
Access access_of(std::string_view letters) {
  return {.read = has(letters, "r"),
          .write = has(letters, "acdopw"),
          .append = has(letters, "a"),
          .lock = has(letters, "k"),
          .link = has(letters, "l"),
          .map = has(letters, "m")};
}

// Those that AppArmor asks about as ptrace (security/apparmor/lsm.c).
bool is_trace_call(std::string_view name) {
  return name == "ptrace" || name == "process_vm_readv" ||
         name == "process_vm_writev";
}

// Is the file one of a process that the kernel shows to whoever may trace for
// reading (fs/proc/base.c, fs/proc/array.c)? Of its own, each process may.
bool tells_of_process(std::string_view pattern) {
  constexpr std::array<std::string_view, 9> kNames = {
      "auxv",    "environ", "io",           "maps", "numa_maps",
      "pagemap", "smaps",   "smaps_rollup", "stat"};
  constexpr std::string_view kProc = "/proc/";
  if (!pattern.starts_with(kProc)) {
    return false;
  }
  const std::string_view process = pattern.substr(
      kProc.size(), pattern.find('/', kProc.size()) - kProc.size());
  return (process == "@{pid}" || all_in(process, digits())) &&
         std::ranges::find(kNames, last_part(pattern)) != kNames.end();
}

// Of others AppArmor is told none.
bool has_source(std::string_view operation) {
  return operation == "mount" || operation == "bind" || operation == "move" ||
         operation == "pivot_root";
}

// PTRACE_TRACEME (0), or not known which request.
bool may_ask_parent(const SyscallRule& rule) {
  return rule.args.empty() ||
         std::ranges::any_of(rule.args, [](const ArgTuple& tuple) {
           return std::ranges::none_of(tuple, [](const ArgMatch& match) {
             return match.index == 0 && match.value != 0;
           });
         });
}

void merge(Access& to, const Access& more) {
  to.read |= more.read;
  to.write |= more.write;
  to.append |= more.append;
  to.lock |= more.lock;
  to.link |= more.link;
  to.map |= more.map;
}

void merge(std::vector<Reason>& to, const std::vector<Reason>& more) {
  Reasons all;
  for (const auto* list : {&std::as_const(to), &more}) {
    for (const Reason& reason : *list) {
      all.add(reason);
    }
  }
  to = all.sorted();
}

class Renderer {
 public:
  Renderer(const Policy& policy, const runtime::Target& target, Stage stage,
           const std::set<std::uint32_t>& capabilities,
           const RenderOptions& options)
      : policy_(policy),
        target_(target),
        stage_(stage),
        capabilities_(capabilities),
        options_(options) {
    if (!target.no_new_privs) {
      children_ = child_names(policy);
    }
    for (const policy::SignalRule& rule : policy.signals) {
      signals_.insert(rule.signal);
      merge(signal_reasons_, rule.reasons);
    }
  }

  // With its includes, of which the second value tells.
  Result<std::pair<Profile, Fitting>> profile() {
    const std::string name = plain_name(last_part(policy_.workload.id));
    Profile unnamed = build(name);
    TRY(include_fitting(unnamed, policy_.abstractions));
    TRY_ASSIGN(const std::string hashed, name_with_hash(unnamed));
    Profile named = build(hashed);
    TRY_ASSIGN(Fitting fitting, include_fitting(named, policy_.abstractions));
    return std::pair(std::move(named), std::move(fitting));
  }

 private:
  Profile build(const std::string& name) {
    name_ = name;
    profile_ = {};
    profile_.name = name;
    profile_.abi = "abi/3.0";
    profile_.mode = mode_of(stage_);
    profile_.attach_disconnected = options_.other_namespaces;
    for (const auto& [program, child] : children_) {
      profile_.children[child];
    }
    add_files();
    add_capabilities();
    add_sockets();
    add_mounts();
    add_signals(profile_.rules, "");
    for (auto& [child, rules] : profile_.children) {
      add_signals(rules, child);
    }
    add_traces();
    add_readers();
    return std::move(profile_);
  }

  // Where the rules of a program go.
  Rules& rules_of(const std::string& program) {
    const auto child = children_.find(program);
    return child == children_.end() ? profile_.rules
                                    : profile_.children[child->second];
  }

  bool is_apart(const std::string& program) const {
    return children_.contains(program);
  }

  // Empty: the main one.
  std::string child_of(const std::string& program) const {
    const auto child = children_.find(program);
    return child == children_.end() ? "" : child->second;
  }

  // How a program that is started from another one runs.
  void start(FileRule& rule, const std::string& from,
             const std::optional<std::string>& started) const {
    rule.exec = Exec::Inherit;
    if (!started || child_of(from) == child_of(*started) ||
        (!started->empty() && !is_apart(*started))) {
      return;
    }
    const std::string child = child_of(*started);
    if (child.empty()) {
      rule.exec = Exec::Profile;
      rule.target = name_;
    } else if (is_apart(from)) {
      rule.exec = Exec::Profile;
      rule.target = name_ + "//" + child;
    } else {
      rule.exec = Exec::Child;
      rule.target = child;
    }
  }

  void add_files() {
    // By place, pattern and owner: one line each.
    std::map<std::tuple<Rules*, std::string, bool>, FileRule> lines;
    for (const policy::FileRule& rule : policy_.files) {
      for (const std::string& name : variables_in(rule.pattern)) {
        profile_.variables[name] = {variable_value(name)};
      }
      profile_.attach_disconnected |= rule.disconnected;
      FileRule& line =
          lines[{&rules_of(rule.program), rule.pattern, rule.owner}];
      line.pattern = rule.pattern;
      line.owner = rule.owner;
      merge(line.access, access_of(rule.access));
      if (rule.access.contains('x')) {
        start(line, rule.program, rule.starts);
      }
      merge(line.why.reasons, rule.reasons);
      add_examples(line.why, rule);
    }
    for (const std::string& path : options_.second_paths) {
      FileRule& line = lines[{&profile_.rules, pattern_of(path), false}];
      line.pattern = pattern_of(path);
      merge(line.access, {.read = true, .map = true});
    }
    for (auto& [key, line] : lines) {
      // Inheriting implies it.
      line.access.map = line.access.map && line.exec != Exec::Inherit;
      std::get<Rules*>(key)->files.push_back(std::move(line));
    }
  }

  void add_examples(Why& why, const policy::FileRule& rule) const {
    for (const Widening& widening : rule.widened) {
      why.examples.push_back(fmt::format("{}, {}: allows {}", widening.pattern,
                                         widening.kind, widening.allows));
    }
    if (options_.comments && options_.examples) {
      for (const std::string& example : options_.examples(rule)) {
        why.examples.push_back(example);
      }
    }
  }

  void add_capabilities() {
    for (const std::uint32_t number : capabilities_) {
      const auto name = kernel::capability_name(number);
      if (!name) {
        continue;
      }
      std::string word(name->substr(4));
      std::ranges::transform(word, word.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
      });
      const CapabilityRule* rule = find_capability(policy_, number);
      std::map<Rules*, std::vector<Reason>> who;
      for (const Reason& reason :
           rule == nullptr ? std::vector<Reason>{{}} : rule->reasons) {
        who[&rules_of(reason.exe)].push_back(reason);
      }
      for (auto& [rules, reasons] : who) {
        rules->capabilities.push_back(
            {.name = word,
             .why = {.reasons = std::move(reasons), .examples = {}}});
      }
    }
  }

  void add_sockets() {
    for (const policy::SocketRule& rule : policy_.sockets) {
      Rules& rules = rules_of(rule.program);
      const Why why{.reasons = rule.reasons, .examples = {}};
      if (rule.family == "unix") {
        rules.unix_sockets.push_back({.access = {},
                                      .type = rule.type,
                                      .address = {},
                                      .peer = {},
                                      .peer_address = {},
                                      .why = why});
      } else {
        rules.network.push_back(
            {.family = rule.family, .type = rule.type, .why = why});
      }
    }
  }

  void add_signals(Rules& rules, const std::string& child) {
    receive(rules, "unconfined", "whoever starts it must be able to end it");
    if (target_.runtime != runtime::Runtime::Process) {
      receive(rules, std::string(to_string(target_.runtime)),
              "the runtime's own profile, where the system has one");
    }
    if (signals_.empty()) {
      return;
    }
    const std::string workload = workload_label();
    rules.signals.push_back(
        {.access = {"receive"},
         .signals = signals_,
         .peer = workload,
         .why = {.reasons = signal_reasons_, .examples = {}}});
    SignalRule send{
        .access = {"send"}, .signals = {}, .peer = workload, .why = {}};
    for (const policy::SignalRule& rule : policy_.signals) {
      if (child_of(rule.program) == child) {
        send.signals.insert(rule.signal);
        merge(send.why.reasons, rule.reasons);
      }
    }
    if (!send.signals.empty()) {
      rules.signals.push_back(std::move(send));
    }
  }

  // This profile and its children.
  std::string workload_label() const {
    return children_.empty() ? name_ : name_ + "{,//*}";
  }

  void add_mounts() {
    for (const policy::MountRule& rule : policy_.mounts) {
      MountRule out{.kind = mount_kind(rule.operation),
                    .fstype = rule.fstype,
                    .options = {rule.options.begin(), rule.options.end()},
                    .source = std::nullopt,
                    .target = rule.target,
                    .why = {.reasons = rule.reasons, .examples = {}}};
      if (rule.operation == "move") {
        out.options.insert("move");
      }
      if (has_source(rule.operation)) {
        out.source = rule.source;
      }
      rules_of(rule.program).mounts.push_back(std::move(out));
    }
  }

  std::string label_of(const std::string& program) const {
    const std::string child = child_of(program);
    return child.empty() ? name_ : name_ + "//" + child;
  }

  // Both sides are asked. Who may trace may read as well.
  void add_traces() {
    if (!policy_.traces_known) {
      add_unknown_traces();
    }
    for (const policy::TraceRule& rule : policy_.traces) {
      const Why why{.reasons = rule.reasons, .examples = {}};
      const bool traces = rule.access == "trace";
      const auto words = [&](const char* trace, const char* read) {
        return traces ? std::set<std::string>{trace, read}
                      : std::set<std::string>{read};
      };
      const bool inside = rule.other == evidence::Side::Program;
      rules_of(rule.program)
          .ptrace.push_back({.access = words("trace", "read"),
                             .peer = inside ? label_of(rule.peer)
                                     : rule.other == evidence::Side::Outside
                                         ? "unconfined"
                                         : workload_label(),
                             .why = why});
      const PtraceRule back{.access = words("tracedby", "readby"),
                            .peer = label_of(rule.program),
                            .why = why};
      if (inside) {
        rules_of(rule.peer).ptrace.push_back(back);
      } else if (rule.other == evidence::Side::Unknown) {
        for (Rules* rules : everybody()) {
          rules->ptrace.push_back(back);
        }
      }
    }
  }

  std::vector<Rules*> everybody() {
    std::vector<Rules*> all = {&profile_.rules};
    for (auto& [name, rules] : profile_.children) {
      all.push_back(&rules);
    }
    return all;
  }

  // By the calls alone: who looked into other processes is known, into which is
  // not. It is the workload's own; in PTRACE_TRACEME the tracer is whoever is
  // the parent.
  void add_unknown_traces() {
    std::map<Rules*, std::vector<Reason>> tracers;
    std::vector<Reason> all;
    bool by_parents = false;
    for (const SyscallRule& rule : policy_.syscalls) {
      const auto name = kernel::syscall_name(rule.syscall);
      if (!name || !is_trace_call(*name)) {
        continue;
      }
      by_parents |= *name == "ptrace" && may_ask_parent(rule);
      merge(all, rule.reasons);
      for (const Reason& reason : rule.reasons) {
        merge(tracers[&rules_of(reason.exe)], {reason});
      }
    }
    if (tracers.empty()) {
      return;
    }
    for (Rules* rules : everybody()) {
      rules->ptrace.push_back({.access = {"readby", "tracedby"},
                               .peer = workload_label(),
                               .why = {.reasons = all, .examples = {}}});
      const auto own = tracers.find(rules);
      if (by_parents || own != tracers.end()) {
        rules->ptrace.push_back(
            {.access = {"read", "trace"},
             .peer = workload_label(),
             .why = {.reasons = own == tracers.end() ? all : own->second,
                     .examples = {}}});
      }
    }
  }

  // Whose files of /proc they were is not in the evidence either: the
  // workload's own, where AppArmor asks both sides about tracing for reading as
  // well.
  void add_readers() {
    std::map<Rules*, std::vector<Reason>> readers;
    std::vector<Reason> all;
    for (const policy::FileRule& rule : policy_.files) {
      if (has(rule.access, "r") && tells_of_process(rule.pattern)) {
        merge(readers[&rules_of(rule.program)], rule.reasons);
        merge(all, rule.reasons);
      }
    }
    if (readers.empty()) {
      return;
    }
    for (Rules* rules : everybody()) {
      may_be_asked(*rules, "readby", all);
      if (const auto own = readers.find(rules); own != readers.end()) {
        may_be_asked(*rules, "read", own->second);
      }
    }
  }

  void may_be_asked(Rules& rules, const std::string& access,
                    const std::vector<Reason>& reasons) const {
    const bool there =
        std::ranges::any_of(rules.ptrace, [&](const PtraceRule& rule) {
          return rule.peer == workload_label() && rule.access.contains(access);
        });
    if (!there) {
      rules.ptrace.push_back({.access = {access},
                              .peer = workload_label(),
                              .why = {.reasons = reasons, .examples = {}}});
    }
  }

  static void receive(Rules& rules, std::string peer, const char* why) {
    rules.signals.push_back(
        {.access = {"receive"},
         .signals = {},
         .peer = std::move(peer),
         .why = {.reasons = {{.cause = Cause::Always, .note = why}},
                 .examples = {}}});
  }

  const Policy& policy_;
  const runtime::Target& target_;
  const Stage stage_;
  const std::set<std::uint32_t>& capabilities_;
  const RenderOptions& options_;
  std::map<std::string, std::string> children_;  // none where one is flat
  std::set<std::string> signals_;                // that anybody sends
  std::vector<Reason> signal_reasons_;
  std::string name_;
  Profile profile_;
};

std::string head(const Policy& policy, const runtime::Target& target,
                 Stage stage) {
  return fmt::format(
      "# {}: made by vambrace synth from policy.json for {} at stage {}.\n"
      "# Edit bundle.yaml, not this file.\n",
      printable(policy.workload.id), target.name, to_string(stage));
}

Finding shared(std::string why, const std::set<std::string>& names,
               std::string hint) {
  return Finding{
      .id = "apparmor-helpers-share",
      .severity = "low",
      .place = "apparmor",
      .message = fmt::format("{} {} may", why, fmt::join(names, ", ")),
      .hint = std::move(hint)};
}

// Which programs get the rights of others, if any do.
std::optional<Finding> sharing(const Policy& policy,
                               const runtime::Target& target) {
  std::set<std::string> all;
  std::map<std::string, std::set<std::string>> by_child;
  for (const auto& [program, name] : child_names(policy)) {
    all.insert(printable(program));
    by_child[name].insert(printable(program));
  }
  if (target.no_new_privs) {
    return all.empty()
               ? std::nullopt
               : std::optional(shared(
                     "under no_new_privs the kernel changes no profile at "
                     "execve: the main program may do what",
                     all,
                     "no_new_privs: false under target in bundle.yaml gives "
                     "each helper a profile of its own"));
  }
  const auto many = std::ranges::find_if(
      by_child, [](const auto& child) { return child.second.size() > 1; });
  return many == by_child.end()
             ? std::nullopt
             : std::optional(shared(
                   fmt::format("a profile has at most {} others to enter: each "
                               "of these may do what all of",
                               kMaxChildren),
                   many->second, "split the workload"));
}

// Rules about mounts that older versions of apparmor_parser make more of than
// they say: what may be mounted otherwise with options may also be mounted anew
// with these, whatever it is (CVE-2016-1585).
std::optional<Finding> wide_mounts(const Profile& profile) {
  std::set<std::string> places;
  const auto look = [&](const Rules& rules) {
    for (const MountRule& rule : rules.mounts) {
      const bool remounts = rule.kind == MountKind::Remount &&
                            rule.options != std::set<std::string>{"rw"};
      if (remounts ||
          (rule.options.contains("silent") && rule.fstype.empty())) {
        places.insert(printable(rule.target));
      }
    }
  };
  look(profile.rules);
  for (const auto& [name, rules] : profile.children) {
    look(rules);
  }
  if (places.empty()) {
    return std::nullopt;
  }
  return Finding{
      .id = "apparmor-mount-wide",
      .severity = "low",
      .place = "apparmor",
      .message = fmt::format(
          "as apparmor_parser 3.0.8 compiles it, a rule that allows to mount "
          "otherwise with options also allows to mount anything with these at "
          "{}",
          fmt::join(places, ", ")),
      .hint = "a parser without CVE-2016-1585 keeps to what is written"};
}

// How many rules a program has that let it do more than read and run.
template <class Rules, class Counts>
void count_rights(const Rules& rules, Counts counts,
                  std::map<std::string, std::size_t>& rights) {
  for (const auto& rule : rules) {
    if (!rule.program.empty()) {
      rights[rule.program] += counts(rule) ? 1 : 0;
    }
  }
}

}  // namespace

std::map<std::string, std::string> child_names(const Policy& policy) {
  std::map<std::string, std::size_t> rights;
  count_rights(
      policy.files,
      [](const auto& rule) { return has(rule.access, "acdklopw"); }, rights);
  const auto always = [](const auto&) { return true; };
  count_rights(policy.sockets, always, rights);
  count_rights(policy.signals, always, rights);
  count_rights(policy.mounts, always, rights);
  count_rights(policy.traces, always, rights);
  std::vector<std::pair<std::size_t, std::string>> helpers;
  for (const auto& [program, count] : rights) {
    helpers.emplace_back(count, program);
  }
  // Those that may do most are kept apart.
  std::ranges::sort(helpers, [](const auto& one, const auto& other) {
    return std::tuple(other.first, one.second) <
           std::tuple(one.first, other.second);
  });
  if (helpers.size() > kMaxChildren) {
    helpers.resize(kMaxChildren - 1);
  }
  std::map<std::string, std::string> names;
  std::set<std::string> taken;
  if (helpers.size() < rights.size()) {
    taken.emplace(kShared);
    for (const auto& [program, count] : rights) {
      names.emplace(program, kShared);
    }
  }
  std::ranges::sort(helpers, {}, [](const auto& one) { return one.second; });
  for (const auto& [count, program] : helpers) {
    const std::string plain = plain_name(last_part(program));
    std::string& name = names[program] = plain;
    for (unsigned number = 2; !taken.insert(name).second; ++number) {
      name = fmt::format("{}-{}", plain, number);
    }
  }
  return names;
}

Result<Rendered> render(const Policy& policy, const runtime::Target& target,
                        Stage stage,
                        const std::set<std::uint32_t>& capabilities,
                        const RenderOptions& options) {
  Rendered out;
  out.text = head(policy, target, stage);
  if (!policy.files_known) {
    out.text +=
        "#\n# No profile: the evidence tells no file. Record without --light, "
        "then run synth.\n";
    return out;
  }
  TRY_ASSIGN(auto made,
             Renderer(policy, target, stage, capabilities, options).profile());
  out.profile = std::move(made.first);
  out.included = std::move(made.second.taken);
  out.passed_over = std::move(made.second.passed_over);
  TRY_ASSIGN(const std::string text,
             print(*out.profile, {.comments = options.comments}));
  out.text += text;
  out.findings = lint(*out.profile);
  std::ranges::copy(made.second.findings, std::back_inserter(out.findings));
  if (auto finding = sharing(policy, target)) {
    out.findings.push_back(std::move(*finding));
  }
  if (auto finding = wide_mounts(*out.profile)) {
    out.findings.push_back(std::move(*finding));
  }
  std::ranges::sort(out.findings);
  return out;
}

}  // namespace vambrace::policy::apparmor
