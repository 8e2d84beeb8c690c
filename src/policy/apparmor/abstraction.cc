#include "policy/apparmor/abstraction.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/printable.h"
#include "policy/apparmor/print.h"
#include "policy/apparmor/source_text.h"
#include "policy/apparmor/variables.h"

namespace vambrace::policy::apparmor {
namespace {

constexpr std::size_t kMaxSource = 256 * 1024;
constexpr std::size_t kMaxRules = 5000;
constexpr unsigned kMaxIncludes = 300;
constexpr unsigned kMaxDepth = 12;

constexpr std::string_view kAbstractions = "abstractions/";
constexpr std::string_view kTunables = "tunables/";

// Rules that are known and of another kind.
constexpr std::array<std::string_view, 21> kOtherRules = {
    "all",     "allow",   "audit",    "capability", "change_profile",
    "dbus",    "deny",    "io_uring", "link",       "mount",
    "mqueue",  "network", "other",    "pivot_root", "ptrace",
    "remount", "set",     "signal",   "umount",     "unix",
    "userns"};

// Why it is unknown what a path holds, if it is: it was not read, or a folder
// above it was not.
const Error* why_unknown(const Sources& sources, std::string_view path) {
  while (true) {
    const auto found = sources.find(path);
    if (found != sources.end() && !found->second) {
      return &found->second.error();
    }
    const std::size_t slash = path.rfind('/');
    if (slash == std::string_view::npos) {
      return nullptr;
    }
    path = path.substr(0, slash);
  }
}

// Goes through a file and what it includes below one folder.
class SourceReader {
 public:
  SourceReader(const Sources& sources, std::string_view folder)
      : sources_(sources), folder_(folder) {}
  virtual ~SourceReader() = default;
  SourceReader(const SourceReader&) = delete;
  SourceReader& operator=(const SourceReader&) = delete;

  Result<> read(std::string_view path) {
    if (const Error* why = why_unknown(sources_, path)) {
      return fail(ErrorCode::InvalidInput, "{} cannot be read: {}",
                  printable(path), printable(why->message()));
    }
    const auto source = sources_.find(path);
    if (source == sources_.end()) {
      return fail(ErrorCode::NotFound, "{} is not there", printable(path));
    }
    SourceText text(source->first, *source->second);
    if (source->second->size() > kMaxSource) {
      return std::unexpected(text.misread("the file is too large"));
    }
    for (text.skip_space(); !text.at_end(); text.skip_space()) {
      TRY_ASSIGN(const auto included, text.include());
      if (included) {
        TRY(follow(text, *included));
      } else {
        TRY(statement(text));
      }
    }
    return {};
  }

 private:
  virtual Result<> statement(SourceText& text) = 0;

  Result<> follow(const SourceText& text, const SourceText::Included& to) {
    if (!to.path.starts_with(folder_)) {
      return std::unexpected(text.misread(
          fmt::format("an include of what is not below {}", folder_)));
    }
    if (++includes_ > kMaxIncludes || depth_ == kMaxDepth) {
      return std::unexpected(text.misread("too many includes"));
    }
    ++depth_;
    const std::string folder = to.path + "/";
    if (sources_.contains(to.path) || why_unknown(sources_, to.path)) {
      TRY(read(to.path));
    } else if (sources_.contains(folder)) {
      TRY(read_folder(folder));
    } else if (!to.if_exists) {
      return std::unexpected(text.misread("an include of what is not there"));
    }
    --depth_;
    return {};
  }

  // The files directly in it.
  Result<> read_folder(const std::string& folder) {
    for (auto at = sources_.upper_bound(folder);
         at != sources_.end() && at->first.starts_with(folder); ++at) {
      const auto name = std::string_view(at->first).substr(folder.size());
      if (name.find('/') == std::string_view::npos && !is_passed_over(name)) {
        TRY(read(at->first));
      }
    }
    return {};
  }

  const Sources& sources_;
  const std::string_view folder_;
  unsigned includes_ = 0;
  unsigned depth_ = 0;
};

class RuleReader : public SourceReader {
 public:
  explicit RuleReader(const Sources& sources)
      : SourceReader(sources, kAbstractions) {}

  AbstractionRules take() {
    std::ranges::sort(out_.files);
    const auto same = std::ranges::unique(out_.files);
    out_.files.erase(same.begin(), same.end());
    return std::move(out_);
  }

 private:
  Result<> statement(SourceText& text) override {
    bool owner = false;
    bool named = false;
    while (!text.next_is("/") && !text.next_is("@{") && !text.next_is("\"")) {
      const std::string_view word = text.keyword();
      if (word == "abi" && !owner && !named) {
        return text.skip_rule();  // the profile's own comes first
      }
      if (std::ranges::find(kOtherRules, word) != kOtherRules.end() && !named) {
        return other(text, word);
      }
      bool& is = word == "owner" ? owner : named;
      if (is || named || (word != "owner" && word != "file")) {
        return std::unexpected(text.misread("a rule that is not understood"));
      }
      is = true;
      text.skip_space();
      if (word == "file" && text.next_is(",")) {
        return other(text, "file");
      }
    }
    return file(text, owner);
  }

  Result<> other(SourceText& text, std::string_view kind) {
    return other_of(text, fmt::format("a rule of {}", kind));
  }

  Result<> other_of(SourceText& text, std::string_view what) {
    TRY(count(text));
    out_.others.push_back(fmt::format("{}: {}", text.place(), what));
    return text.skip_rule();
  }

  Result<> file(SourceText& text, bool owner) {
    TRY_ASSIGN(std::string pattern, text.word());
    text.skip_space();
    const std::string_view mode = text.letters();
    text.skip_space();
    if (mode.find_first_of("xipPcCuU") != std::string_view::npos ||
        text.next_is("->")) {
      return other_of(text, "a rule that starts programs");
    }
    std::string access;
    for (const char letter : std::string_view("aklmrw")) {
      if (mode.find(letter) != std::string_view::npos) {
        access += letter;
      }
    }
    if (access.empty() ||
        mode.find_first_not_of("aklmrw") != std::string_view::npos ||
        (access.contains('a') && access.contains('w')) ||
        (pattern[0] != '/' && !pattern.starts_with("@{"))) {
      return std::unexpected(text.misread("a rule that is not understood"));
    }
    TRY(text.end_of_rule());
    TRY(count(text));
    out_.files.push_back({.pattern = std::move(pattern),
                          .access = std::move(access),
                          .owner = owner});
    return {};
  }

  Result<> count(const SourceText& text) const {
    if (out_.files.size() + out_.others.size() >= kMaxRules) {
      return std::unexpected(text.misread("too many rules"));
    }
    return {};
  }

  AbstractionRules out_;
};

class TunableReader : public SourceReader {
 public:
  explicit TunableReader(const Sources& sources)
      : SourceReader(sources, kTunables) {}

  Variables take() { return std::move(out_); }

 private:
  Result<> statement(SourceText& text) override {
    if (!text.next_is("@{")) {
      // An alias holds only where the tunables themselves are included.
      const std::string_view word = text.keyword();
      return word == "abi" || word == "alias"
                 ? text.skip_rule()
                 : std::unexpected(
                       text.misread("a line that is not understood"));
    }
    text.take("@{");
    const std::string name(text.name());
    if (name.empty() || !text.take("}")) {
      return std::unexpected(text.misread("a variable of an unusual name"));
    }
    text.skip_blanks();
    const bool more = text.take("+=");
    const bool known = out_.contains(name);
    if (more != known || (!more && !text.take("="))) {
      return std::unexpected(
          text.misread(known ? "a variable that has a value already"
                             : "a variable that is not given a value"));
    }
    return values(text, out_[name]);
  }

  Result<> values(SourceText& text, std::vector<std::string>& to) {
    const std::size_t before = to.size();
    for (text.skip_blanks(); !text.at_end() && !text.next_is("\n");
         text.skip_blanks()) {
      TRY_ASSIGN(std::string value, text.word());
      to.push_back(std::move(value));
    }
    if (to.size() == before || to.size() > kMaxRules) {
      return std::unexpected(text.misread("a variable without values"));
    }
    return {};
  }

  Variables out_;
};

// With the variables of these variables' values.
Result<> add_variables(std::string_view pattern, const Variables& tunables,
                       unsigned depth, Variables& out) {
  for (const std::string& name : variables_in(pattern)) {
    const auto found = tunables.find(name);
    if (found == tunables.end() || depth == kMaxDepth) {
      return fail(ErrorCode::InvalidInput,
                  "the variable @{{{}}} is not among the tunables",
                  printable(name));
    }
    if (out.emplace(name, found->second).second) {
      for (const std::string& value : found->second) {
        TRY(add_variables(value, tunables, depth + 1, out));
      }
    }
  }
  return {};
}

std::string path_of(std::string_view name) {
  return std::string(kAbstractions) + std::string(name);
}

std::vector<FileRule> file_rules_of(const std::vector<AbstractionRule>& rules) {
  std::vector<FileRule> out;
  for (const AbstractionRule& rule : rules) {
    const auto has = [&](char letter) { return rule.access.contains(letter); };
    out.push_back({.pattern = rule.pattern,
                   .access = {.read = has('r'),
                              .write = has('w'),
                              .append = has('a'),
                              .lock = has('k'),
                              .link = has('l'),
                              .map = has('m')},
                   .owner = rule.owner});
  }
  return out;
}

}  // namespace

bool is_passed_over(std::string_view name) {
  return name.starts_with('.') || name == "README" ||
         std::ranges::any_of(kEndsPassedOver, [&](std::string_view end) {
           return name.ends_with(end);
         });
}

std::vector<std::string> abstraction_names(const Sources& sources) {
  std::vector<std::string> out;
  for (const auto& [path, text] : sources) {
    const std::string_view name =
        path.starts_with(kAbstractions)
            ? std::string_view(path).substr(kAbstractions.size())
            : "";
    if (!name.empty() && name.find('/') == std::string_view::npos &&
        !is_passed_over(name)) {
      out.emplace_back(name);
    }
  }
  return out;
}

Result<AbstractionRules> read_rules(const Sources& sources,
                                    std::string_view name) {
  RuleReader reader(sources);
  TRY(reader.read(path_of(name)));
  return reader.take();
}

Result<Variables> read_tunables(const Sources& sources) {
  TunableReader reader(sources);
  TRY(reader.read("tunables/global"));
  return reader.take();
}

Result<Abstraction> read_abstraction(const Sources& sources,
                                     const Variables& tunables,
                                     std::string_view name) {
  TRY_ASSIGN(AbstractionRules rules, read_rules(sources, name));
  if (!rules.others.empty()) {
    return fail(ErrorCode::InvalidInput, "{}", rules.others.front());
  }
  Abstraction out{.name = std::string(name), .rules = std::move(rules.files)};
  for (const AbstractionRule& rule : out.rules) {
    TRY(during(path_of(name),
               add_variables(rule.pattern, tunables, 0, out.variables)));
    TRY(during(path_of(name), Pattern::parse(rule.pattern, tunables)));
  }
  // Its name and those of its variables must be such that a profile may hold.
  Profile profile{.name = "p", .variables = out.variables};
  profile.rules.includes = {include_for(out)};
  TRY(during(path_of(name), print(profile)));
  return out;
}

std::vector<FileRule> granted(const AbstractionRules& rules) {
  return file_rules_of(rules.files);
}

Include include_for(const Abstraction& abstraction) {
  return {.name = path_of(abstraction.name),
          .rules = file_rules_of(abstraction.rules)};
}

}  // namespace vambrace::policy::apparmor
