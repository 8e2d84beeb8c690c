#include "policy/files.h"

#include <algorithm>
#include <array>
#include <map>

#include "base/json.h"
#include "policy/apparmor/generalize.h"
#include "policy/apparmor/segment.h"
#include "policy/changing_names.h"
#include "policy/fates.h"
#include "policy/programs.h"
#include "policy/reasons.h"
#include "policy/scripts.h"
#include "policy/unplaced.h"

namespace vambrace::policy {
namespace {

constexpr std::string_view kDisconnected = "disconnected:";
constexpr std::string_view kInMemory = "tmpfs:";

// File systems that no path leads to; AppArmor does not look at their files
// (SB_NOUSER, security/apparmor/include/path.h), except at execve. Sockets are
// judged by their family instead.
constexpr std::array<std::string_view, 10> kUnmediated = {
    "anon_inodefs", "bdev",   "dmabuf",    "drm",    "nsfs",
    "pidfs",        "pipefs", "secretmem", "sockfs", "tmpfs"};

constexpr std::string_view kScript =
    "a script; started through #!, or named to its interpreter";

constexpr std::string_view kOfDescriptors = "km";
constexpr std::string_view kHandedOn =
    "another program asked it of the descriptor that it got from this one";

// The letters of a rule: how a descriptor came to a program is no access.
std::string letters_of(std::string_view access) {
  std::string letters(access);
  std::erase(letters, 'i');
  return letters;
}

// Whether it matters little who owns the file: what packages install belongs to
// root, and a rule for owners would only break once the program runs as another
// user.
bool whoever_owns(std::string_view pattern) {
  return apparmor::is_static(pattern.substr(0, pattern.rfind('/') + 1));
}

// A memfd that was started.
bool is_code_in_memory(const evidence::FileFact& fact) {
  return fact.path.starts_with(kInMemory) && fact.access.contains('x');
}

// What one program did. Who did it, and how, is told by numbers into `who_`, so
// that it comes back from the generalization with each rule.
class Gathered {
 public:
  void add(const std::string& path, const evidence::FileFact& fact,
           const std::string& access, std::optional<bool> owner,
           const Reason& reason, const Temporary& temporary) {
    const std::string letters = letters_of(access);
    const std::string process = std::to_string(number_of(reason, letters));
    for (const auto& [recording, share] : fact.by) {
      if (share.count > 0) {
        seen_.push_back({.path = path,
                         .access = letters,
                         .owner = owner,
                         .process = process,
                         .recording = recording,
                         .made = temporary.has(fact.path),
                         .python = temporary.is_of_python(fact.path)});
      }
    }
  }

  apparmor::Generalized generalize(const Temporary& temporary) const {
    return apparmor::generalize(seen_, {}, temporary.paths());
  }

  std::vector<Reason> reasons(const apparmor::Rule& rule) const {
    Reasons reasons;
    for (const std::string& number : rule.processes) {
      const Who& who = who_[std::stoul(number)];
      if (who.access.find_first_of(rule.access) != std::string::npos) {
        reasons.add(who.reason);
      }
    }
    return reasons.sorted();
  }

 private:
  struct Who {
    Reason reason;
    std::string access;
  };

  std::size_t number_of(const Reason& reason, const std::string& letters) {
    // Most facts are like the one before.
    if (latest_ < who_.size() && who_[latest_].access == letters &&
        who_[latest_].reason == reason) {
      return latest_;
    }
    const auto [at, fresh] =
        numbers_.try_emplace({reason, letters}, who_.size());
    if (fresh) {
      who_.push_back({reason, letters});
    }
    latest_ = at->second;
    return latest_;
  }

  std::vector<apparmor::Observation> seen_;
  std::map<std::pair<Reason, std::string>, std::size_t> numbers_;
  std::vector<Who> who_;
  std::size_t latest_ = 0;
};

class Files {
 public:
  Files(const evidence::Evidence& evidence, Policy& policy)
      : evidence_(evidence),
        programs_(evidence),
        scripts_(evidence),
        temporary_(evidence),
        given_away_(evidence),
        policy_(policy),
        changing_names_(evidence) {}

  void add() {
    for (const evidence::Process& process : evidence_.processes) {
      if (counts(process.key.origin)) {
        gather(process);
        gather_script(process);
        find_handed_on(process);
      }
    }
    for (const evidence::Process& process : evidence_.processes) {
      if (counts(process.key.origin)) {
        gather_handed_on(process);
      }
    }
    for (const auto& [place, gathered] : gathered_) {
      store(place, gathered);
    }
    std::ranges::sort(policy_.files);
    policy_.files_known = !gathered_.empty();
    tell();
  }

 private:
  struct Place {
    std::string program;
    bool disconnected = false;
    auto operator<=>(const Place&) const = default;
  };

  static Reason reason_of(const evidence::Process& process,
                          const evidence::By& by, std::string note = {}) {
    Reason reason{.exe = process.key.exe,
                  .script = process.key.script,
                  .origin = process.key.origin,
                  .note = std::move(note)};
    for (const auto& [recording, share] : by) {
      for (const auto& [phase, count] : share.phases) {
        reason.phases.insert(phase);
      }
    }
    return reason;
  }

  // A file that was opened for appending is asked about again at each write, of
  // whoever then writes (security/apparmor/file.c, aa_file_perm): a program
  // that has become another user since would not own it.
  std::optional<bool> owner_of(const evidence::FileFact& fact,
                               std::string_view letters) const {
    return letters.contains('a') || given_away_.has(fact.path) ? false
                                                               : fact.owner;
  }

  void gather(const evidence::Process& process) {
    const std::string program = programs_.of(process.key.exe);
    for (const evidence::FileFact& fact : process.files) {
      if (!happened(fact.by)) {
        continue;
      }
      const Reason reason = reason_of(process, fact.by);
      const auto path = mediated_path(fact);
      if (!path) {
        on_no_mount(program, fact);
        continue;
      }
      // Handed on, and open for neither reading nor writing.
      if (letters_of(fact.access).empty()) {
        continue;
      }
      const bool disconnected = *path != fact.path;
      if (is_code_in_memory(fact)) {
        on_code_in_memory(program, fact);
      } else if (disconnected) {
        disconnected_.insert(program);
      } else if (fact.access.contains('x')) {
        find_started(program, process.key.exe, fact.path);
      }
      gathered_[{program, disconnected}].add(*path, fact, fact.access,
                                             owner_of(fact, fact.access),
                                             reason, temporary_);
    }
  }

  void find_started(const std::string& program, const std::string& starter,
                    const std::string& path) {
    if (programs_.known(path)) {
      start(program, path, programs_.of(path));
      return;
    }
    const Scripts::Runner runner = scripts_.runner(starter, path);
    if (runner.exe.empty()) {
      return;
    }
    start(program, path, programs_.of(runner.exe));
    if (!runner.or_else.empty() && told_.emplace(program, path).second) {
      find("script-runner-unclear", "low", program,
           fmt::format("started the script {}, and what was seen fits more "
                       "than one interpreter: {} is taken for it, and it may "
                       "be {}",
                       json::quote_bytes(path), json::quote_bytes(runner.exe),
                       json::quote_bytes(
                           fmt::format("{}", fmt::join(runner.or_else, ", ")))),
           "record a run in which the script alone starts its interpreter; "
           "with helpers under profiles of their own the other one is refused");
    }
  }

  // Of those that start it, one may know what runs and another not.
  void start(const std::string& program, const std::string& path,
             const std::string& started) {
    starts_[{program, path}] = started;
    anyones_.try_emplace(path, started);
  }

  // What runs when the program executes a file that the rule is about.
  std::optional<std::string> started_by(const std::string& program,
                                        const apparmor::Rule& rule) const {
    for (const std::string& path : rule.examples) {
      if (const auto it = starts_.find({program, path}); it != starts_.end()) {
        return it->second;
      }
    }
    for (const std::string& path : rule.examples) {
      if (const auto it = anyones_.find(path); it != anyones_.end()) {
        return it->second;
      }
    }
    return std::nullopt;
  }

  // Where the evidence does not tell that a script was executed, it tells that
  // the interpreter read it.
  void gather_script(const evidence::Process& process) {
    const std::string& script = process.key.script;
    if (!script.starts_with('/') || !programs_.known(process.key.parent)) {
      return;
    }
    for (const evidence::FileFact& fact : process.files) {
      if (fact.path != script || !fact.access.contains('r')) {
        continue;
      }
      evidence::FileFact untold = fact;
      untold.by = scripts_.untold(fact.by);
      if (!untold.by.empty()) {
        gathered_[{programs_.of(process.key.parent), false}].add(
            script, untold, "x", owner_of(untold, "x"),
            reason_of(process, untold.by, std::string(kScript)), temporary_);
        start(programs_.of(process.key.parent), script,
              programs_.of(process.key.exe));
      }
    }
  }

  // What a program asks of a descriptor that it was started with, AppArmor asks
  // of the profile that the file was opened under, too, unless the opening
  // asked for it (security/apparmor/file.c, __file_path_perm): that is a lock
  // or a map.
  void find_handed_on(const evidence::Process& process) {
    std::set<std::string> inherited;
    for (const evidence::FileFact& fact : process.files) {
      if (fact.access.contains('i')) {
        inherited.insert(fact.path);
      }
    }
    for (const evidence::FileFact& fact : process.files) {
      if (inherited.contains(fact.path)) {
        for (const char letter : fact.access) {
          if (kOfDescriptors.contains(letter)) {
            handed_on_[fact.path][letter].insert(programs_.of(process.key.exe));
          }
        }
      }
    }
  }

  // For whoever opened such a file itself, if that is another program.
  void gather_handed_on(const evidence::Process& process) {
    const std::string program = programs_.of(process.key.exe);
    for (const evidence::FileFact& fact : process.files) {
      const auto asked = handed_on_.find(fact.path);
      if (asked == handed_on_.end() || !fact.path.starts_with('/') ||
          fact.access.find_first_of("acrw") == std::string::npos ||
          fact.access.contains('i')) {
        continue;
      }
      for (const auto& [letter, programs] : asked->second) {
        if (programs != std::set{program}) {
          gathered_[{program, false}].add(
              fact.path, fact, std::string(1, letter),
              owner_of(fact, {&letter, 1}),
              reason_of(process, fact.by, std::string(kHandedOn)), temporary_);
        }
      }
    }
  }

  void on_no_mount(const std::string& program, const evidence::FileFact& fact) {
    const std::string type = fact.path.substr(0, fact.path.find(':'));
    if (std::ranges::find(kUnmediated, type) == kUnmediated.end()) {
      find("file-no-mount", "medium", program,
           fmt::format("used a file of {} that is on no mount: no rule can "
                       "allow it, and AppArmor may refuse it",
                       json::quote_bytes(type)),
           "run it under the profile at stage observe and look at the log");
    } else if (fact.access.contains('m')) {
      find("code-in-memory", "high", program,
           fmt::format("mapped code from a file of {} that is on no mount; "
                       "AppArmor does not see that",
                       json::quote_bytes(type)),
           "");
    }
  }

  // All such files have one path for AppArmor, so one rule and one profile.
  void on_code_in_memory(const std::string& program,
                         const evidence::FileFact& fact) {
    const std::string name = "/" + fact.path.substr(kInMemory.size());
    if (programs_.known(name)) {
      start(program, "/", programs_.of(name));
    }
    find("code-in-memory", "high", program,
         fmt::format("started code out of a file in memory, {}: AppArmor knows "
                     "all of these by the path \"/\" alone, so that any may be "
                     "started (attach_disconnected)",
                     json::quote_bytes(name)),
         "start the program from a file; to refuse it, decide to drop "
         "\"file / x\"");
  }

  static void merge(FileRule& to, const apparmor::Rule& rule,
                    const std::vector<Reason>& more) {
    std::set<char> letters(to.access.begin(), to.access.end());
    letters.insert(rule.access.begin(), rule.access.end());
    to.access.assign(letters.begin(), letters.end());
    Reasons reasons;
    for (const auto* list : {&std::as_const(to.reasons), &more}) {
      for (const Reason& reason : *list) {
        reasons.add(reason);
      }
    }
    to.reasons = reasons.sorted();
    to.widened.clear();
    for (const apparmor::Generalization& one : rule.because) {
      to.widened.push_back({.kind = std::string(to_string(one.kind)),
                            .pattern = one.pattern,
                            .allows = one.allows});
    }
  }

  void store(const Place& place, const Gathered& gathered) {
    const apparmor::Generalized made = gathered.generalize(temporary_);
    // What became alike without its owner is one rule.
    std::map<std::pair<std::string, bool>, FileRule> rules;
    for (const apparmor::Rule& rule : made.rules) {
      const bool owner = rule.owner && !whoever_owns(rule.pattern);
      FileRule& out = rules[{rule.pattern, owner}];
      out.program = place.program;
      out.pattern = rule.pattern;
      out.owner = owner;
      out.disconnected = place.disconnected;
      merge(out, rule, gathered.reasons(rule));
      if (rule.access.contains('x')) {
        out.starts = started_by(place.program, rule);
      }
    }
    for (auto& [key, rule] : rules) {
      policy_.files.push_back(std::move(rule));
    }
    changing_names_.add(place_of(place.program), made);
    tell_secrets(place, made);
    if (!made.within_budget) {
      find(
          "files-over-budget", "medium", place.program,
          "more rules than a profile should hold, and nothing is left that may "
          "be widened",
          "split the workload, or keep its data in fewer folders");
    }
  }

  // Where the rules are too many, a directory above files that are named like
  // secrets is opened, as a last resort.
  void tell_secrets(const Place& place, const apparmor::Generalized& made) {
    for (const apparmor::Rule& rule : made.rules) {
      for (const apparmor::Generalization& why : rule.because) {
        if (why.secrets.empty()) {
          continue;
        }
        find("files-secret-tree", "medium", place.program,
             fmt::format("{} ({}) opens what is named like a key or password: "
                         "{} of the files that were seen ({}), and all that "
                         "will be; the rules were too many otherwise",
                         json::quote_bytes(rule.pattern), rule.access,
                         why.secrets.size(),
                         json::quote_bytes(why.secrets.front())),
             "keep them in a folder of their own, or split the workload");
      }
    }
  }

  void tell() {
    for (Finding& one : changing_names_.findings()) {
      policy_.findings.push_back(std::move(one));
    }
    if (!policy_.files_known) {
      policy_.findings.push_back(
          {"files-unknown", "high", "files",
           "the evidence tells no file: there is no AppArmor profile",
           std::string(files_hint(policy_.gaps))});
    }
    for (const std::string& program : disconnected_) {
      find("file-disconnected", "medium", program,
           "used files from outside its mount namespace; to allow them, a file "
           "elsewhere that ends in the same path is allowed, too "
           "(attach_disconnected)",
           "close such descriptors before the program is started");
    }
  }

  void find(std::string id, std::string severity, const std::string& program,
            std::string message, std::string hint) {
    policy_.findings.push_back({std::move(id), std::move(severity),
                                place_of(program), std::move(message),
                                std::move(hint)});
  }

  static std::string place_of(const std::string& program) {
    return program.empty() ? "files" : "files: " + json::quote_bytes(program);
  }

  const evidence::Evidence& evidence_;
  const Programs programs_;
  const Scripts scripts_;
  const Temporary temporary_;
  const GivenAway given_away_;
  Policy& policy_;
  std::map<Place, Gathered> gathered_;
  // What runs, by who starts it and path, and by path alone.
  std::map<std::pair<std::string, std::string>, std::string> starts_;
  std::map<std::string, std::string> anyones_;
  std::set<std::pair<std::string, std::string>> told_;
  // By path and letter: the programs that asked it of an inherited descriptor.
  std::map<std::string, std::map<char, std::set<std::string>>> handed_on_;
  std::set<std::string> disconnected_;
  ChangingNames changing_names_;
};

}  // namespace

std::optional<std::string> mediated_path(const evidence::FileFact& fact) {
  if (fact.path.starts_with('/')) {
    return fact.path;
  }
  // execve alone asks about it: dentry_path() of a file without a folder, put
  // below the root by attach_disconnected (security/apparmor/path.c).
  if (is_code_in_memory(fact)) {
    return "/";
  }
  if (fact.path.starts_with(kDisconnected)) {
    return fact.path.substr(kDisconnected.size());
  }
  return std::nullopt;
}

void add_files(const evidence::Evidence& evidence, Policy& policy) {
  Files(evidence, policy).add();
}

}  // namespace vambrace::policy
