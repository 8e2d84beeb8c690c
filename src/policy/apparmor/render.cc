#include "policy/apparmor/render.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/printable.h"
#include "kernel/capabilities.h"
#include "kernel/syscalls.h"
#include "policy/apparmor/children.h"
#include "policy/apparmor/fitting.h"
#include "policy/apparmor/lint.h"
#include "policy/apparmor/print.h"
#include "policy/apparmor/quote.h"
#include "policy/apparmor/traces.h"
#include "policy/apparmor/variables.h"
#include "policy/reasons.h"
#include "policy/unplaced.h"

namespace vambrace::policy::apparmor {
namespace {

bool has(std::string_view access, std::string_view letters) {
  return access.find_first_of(letters) != std::string_view::npos;
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

// Of others AppArmor is told none.
bool has_source(std::string_view operation) {
  return operation == "mount" || operation == "bind" || operation == "move" ||
         operation == "pivot_root";
}

void merge(Access& to, const Access& more) {
  to.read |= more.read;
  to.write |= more.write;
  to.append |= more.append;
  to.lock |= more.lock;
  to.link |= more.link;
  to.map |= more.map;
}

// "sys_admin"; empty: a newer kernel's.
std::string capability_word(std::uint32_t number) {
  const auto name = kernel::capability_name(number);
  std::string word(name ? name->substr(4) : "");
  std::ranges::transform(word, word.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return word;
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
        options_(options),
        children_(policy, !target.no_new_privs) {
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
    profile_ = {};
    profile_.name = name;
    profile_.abi = "abi/3.0";
    profile_.mode = mode_of(stage_);
    profile_.attach_disconnected = options_.other_namespaces;
    for (const auto& [program, child] : children_.names()) {
      profile_.children[child];
    }
    add_files();
    name_unnamed(profile_.rules);
    add_denied(profile_.rules);
    for (auto& [child, rules] : profile_.children) {
      name_unnamed(rules);
      add_denied(rules);
    }
    add_capabilities();
    add_own_namespaces();
    add_sockets();
    add_mounts();
    add_signals(profile_.rules, "");
    for (auto& [child, rules] : profile_.children) {
      add_signals(rules, child);
    }
    add_traces(policy_, children_, profile_);
    return std::move(profile_);
  }

  // How a program that is started from another one runs.
  void start(FileRule& rule, const std::string& from,
             const std::optional<std::string>& started) const {
    rule.exec = Exec::Inherit;
    if (!started || children_.child_of(from) == children_.child_of(*started) ||
        (!started->empty() && !children_.is_apart(*started))) {
      return;
    }
    const std::string child = children_.child_of(*started);
    if (child.empty()) {
      rule.exec = Exec::Profile;
      rule.target = profile_.name;
    } else if (children_.is_apart(from)) {
      rule.exec = Exec::Profile;
      rule.target = profile_.name + "//" + child;
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
      FileRule& line = lines[{&children_.rules_of(profile_, rule.program),
                              rule.pattern, rule.owner}];
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

  // Files that are made without a name (O_TMPFILE) are linked into their place
  // when they are whole. The kernel takes them for deleted ones until then, and
  // asks that the new name may do no more than the file may as it is
  // (security/apparmor/file.c, profile_path_link).
  void name_unnamed(Rules& rules) {
    for (FileRule& unnamed : rules.files) {
      const std::size_t slash = unnamed.pattern.rfind('/') + 1;
      if (unnamed.pattern.substr(slash) != kUnnamedPattern) {
        continue;
      }
      for (const FileRule& named : rules.files) {
        if (named.access.link && named.pattern.rfind('/') + 1 == slash &&
            named.pattern.starts_with(unnamed.pattern.substr(0, slash))) {
          Access more = named.access;
          more.link = false;
          merge(unnamed.access, more);
          profile_.mediate_deleted = true;
        }
      }
    }
  }

  // What a person dropped is for nobody.
  void add_denied(Rules& rules) {
    for (const FileDenial& denial : policy_.denied) {
      for (const std::string& name : variables_in(denial.pattern)) {
        profile_.variables[name] = {variable_value(name)};
      }
      rules.files.push_back(
          {.pattern = denial.pattern,
           .access = access_of(denial.access),
           .exec = denial.access.contains('x') ? Exec::Profile : Exec::None,
           .target = {},
           .owner = false,
           .deny = true,
           .why = {.reasons = denial.reasons, .examples = {}}});
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
      const std::string word = capability_word(number);
      if (word.empty()) {
        continue;
      }
      const CapabilityRule* rule = find_capability(policy_, number);
      std::map<Rules*, std::vector<Reason>> who;
      for (const Reason& reason :
           rule == nullptr ? std::vector<Reason>{{}} : rule->reasons) {
        who[&children_.rules_of(profile_, reason.exe)].push_back(reason);
      }
      for (auto& [rules, reasons] : who) {
        rules->capabilities.push_back(
            {.name = word,
             .why = {.reasons = std::move(reasons), .examples = {}}});
      }
    }
  }

  // What the workload may do in a user namespace of its own: the kernel grants
  // it there and AppArmor asks, and beyond it the bounding set refuses. Which
  // of the programs it was the policy does not tell.
  void add_own_namespaces() {
    const auto add = [](Rules& rules, const std::string& word) {
      if (std::ranges::find(rules.capabilities, word, &CapabilityGrant::name) ==
          rules.capabilities.end()) {
        rules.capabilities.push_back(
            {.name = word,
             .why = {.reasons = {{.cause = Cause::Always,
                                  .note = std::string(kInOwnNamespace)}},
                     .examples = {}}});
      }
    };
    for (const CapabilityNoise& noise : policy_.noise) {
      if (noise.why != kInOwnNamespace) {
        continue;
      }
      const std::string word = capability_word(noise.number);
      add(profile_.rules, word);
      for (auto& [child, rules] : profile_.children) {
        add(rules, word);
      }
    }
  }

  void add_sockets() {
    for (const policy::SocketRule& rule : policy_.sockets) {
      Rules& rules = children_.rules_of(profile_, rule.program);
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
    const std::string workload = children_.label(profile_);
    rules.signals.push_back(
        {.access = {"receive"},
         .signals = signals_,
         .peer = workload,
         .why = {.reasons = signal_reasons_, .examples = {}}});
    SignalRule send{
        .access = {"send"}, .signals = {}, .peer = workload, .why = {}};
    for (const policy::SignalRule& rule : policy_.signals) {
      if (children_.child_of(rule.program) == child) {
        send.signals.insert(rule.signal);
        merge(send.why.reasons, rule.reasons);
      }
    }
    if (!send.signals.empty()) {
      rules.signals.push_back(std::move(send));
    }
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
      children_.rules_of(profile_, rule.program)
          .mounts.push_back(std::move(out));
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
  const Children children_;
  std::set<std::string> signals_;  // that anybody sends
  std::vector<Reason> signal_reasons_;
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

// Files that are executed although it is not known what runs then: that has the
// profile of who started it, which need not do for it.
std::optional<Finding> unknown_starts(const Policy& policy,
                                      const runtime::Target& target) {
  std::set<std::string> files;
  for (const policy::FileRule& rule : policy.files) {
    if (rule.access.contains('x') && !rule.starts && !rule.disconnected) {
      files.insert(printable(rule.pattern));
    }
  }
  if (target.no_new_privs || files.empty() || child_names(policy).empty()) {
    return std::nullopt;
  }
  constexpr std::size_t kShown = 5;
  const std::vector<std::string> shown(
      files.begin(),
      std::next(files.begin(),
                static_cast<std::ptrdiff_t>(std::min(kShown, files.size()))));
  return Finding{
      .id = "apparmor-start-unknown",
      .severity = "medium",
      .place = "apparmor",
      .message = fmt::format(
          "{} {} executed, and the evidence does not tell which program then "
          "ran: it has the profile of who starts it, and may be refused",
          fmt::join(shown, ", "),
          files.size() > kShown
              ? fmt::format("and {} more were", files.size() - kShown)
          : files.size() > 1 ? "were"
                             : "was"),
      .hint =
          "name a script by its own path when it is started, and record "
          "again; or try it with stage: observe and look at the log"};
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

}  // namespace

Result<Rendered> render(const Policy& policy, const runtime::Target& target,
                        Stage stage,
                        const std::set<std::uint32_t>& capabilities,
                        const RenderOptions& options) {
  Rendered out;
  out.text = head(policy, target, stage);
  if (!policy.files_known) {
    out.text += fmt::format(
        "#\n# No profile: the evidence tells no file. To have one, {}.\n",
        files_hint(policy.gaps));
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
  if (auto finding = unknown_starts(policy, target)) {
    out.findings.push_back(std::move(*finding));
  }
  if (auto finding = wide_mounts(*out.profile)) {
    out.findings.push_back(std::move(*finding));
  }
  std::ranges::sort(out.findings);
  return out;
}

}  // namespace vambrace::policy::apparmor
