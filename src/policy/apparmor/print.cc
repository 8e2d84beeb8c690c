#include "policy/apparmor/print.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <functional>

#include "base/printable.h"
#include "policy/apparmor/quote.h"
#include "policy/apparmor/text_hash.h"

namespace vambrace::policy::apparmor {
namespace {

bool is_word(std::string_view text, std::string_view marks) {
  return !text.empty() && text.size() <= 200 &&
         std::ranges::all_of(text, [&](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                  (c >= '0' && c <= '9') ||
                  marks.find(c) != std::string_view::npos;
         });
}

Result<> check(bool good, std::string_view what, std::string_view text) {
  if (good) {
    return {};
  }
  return fail(ErrorCode::InvalidInput, "\"{}\" is no {} of AppArmor's",
              printable(text), what);
}

// A word of AppArmor's own: a family, a signal, an option.
Result<> keyword(std::string_view text) {
  return check(is_word(text, "_-+"), "keyword", text);
}

Result<> keywords(const std::set<std::string>& texts) {
  for (const std::string& text : texts) {
    TRY(keyword(text));
  }
  return {};
}

Result<> profile_name(std::string_view text) {
  return check(is_word(text, "._+-") && is_word(text.substr(0, 1), ""),
               "profile name", text);
}

// "helper", "&helper", "web//helper"
Result<> exec_target(std::string_view text) {
  std::string_view rest = text.substr(text.starts_with('&') ? 1 : 0);
  if (const auto at = rest.find("//"); at != std::string_view::npos) {
    TRY(profile_name(rest.substr(0, at)));
    rest.remove_prefix(at + 2);
  }
  return profile_name(rest);
}

Result<> included(std::string_view text) {
  return check(is_word(text, "._+-/") && !text.starts_with('/') &&
                   text.find("..") == std::string_view::npos,
               "file name below its folder", text);
}

std::string list(const std::set<std::string>& words) {
  return fmt::format("({})", fmt::join(words, ", "));
}

// " (send, receive)", or nothing.
std::string after(const std::set<std::string>& words) {
  return words.empty() ? "" : " " + list(words);
}

// " peer=WORD", or nothing.
std::string with(std::string_view name, std::string_view value) {
  return value.empty() ? "" : fmt::format(" {}={}", name, word_of(value));
}

// What is printed of one rule.
struct Line {
  std::string text;
  std::vector<std::string> comments;
  auto operator<=>(const Line&) const = default;
};

class Printer {
 public:
  Printer(const Profile& profile, PrintOptions options)
      : profile_(profile), options_(options) {}

  Result<std::string> print() {
    TRY(profile_name(profile_.name));
    if (!profile_.abi.empty()) {
      TRY(included(profile_.abi));
      out_ += fmt::format("abi <{}>,\n", profile_.abi);
    }
    TRY(tunables());
    TRY(variables());
    out_ += '\n';
    TRY(block("profile " + profile_.name, profile_.rules, ""));
    return std::move(out_);
  }

  // File rules alone, of which the variables are not known.
  static Result<std::string> lines(const std::vector<FileRule>& rules) {
    const Profile elsewhere{.tunables = {"tunables/global"}};
    Printer printer(elsewhere, {});
    TRY(printer.each(rules, "", &Printer::file));
    return std::move(printer.out_);
  }

  // One rule, of which the variables are not known.
  static Result<std::string> line(const NetworkRule& rule) {
    return line(rule, &Printer::network);
  }
  static Result<std::string> line(const UnixRule& rule) {
    return line(rule, &Printer::unix_socket);
  }
  static Result<std::string> line(const SignalRule& rule) {
    return line(rule, &Printer::signal);
  }
  static Result<std::string> line(const LinkRule& rule) {
    return line(rule, &Printer::link);
  }
  static Result<std::string> line(const PtraceRule& rule) {
    return line(rule, &Printer::ptrace);
  }
  static Result<std::string> line(const MountRule& rule) {
    return line(rule, &Printer::mount);
  }

 private:
  template <class Rule>
  static Result<std::string> line(
      const Rule& rule, Result<std::string> (Printer::*write)(const Rule&)) {
    const Profile elsewhere{.tunables = {"tunables/global"}};
    return (Printer(elsewhere, {}).*write)(rule);
  }

  Result<> tunables() {
    for (const std::string& name : profile_.tunables) {
      TRY(included(name));
      out_ += fmt::format("include <{}>\n", name);
    }
    return {};
  }

  Result<> includes(const std::vector<Include>& all,
                    const std::string& indent) {
    std::set<std::string> lines;
    for (const Include& one : all) {
      TRY(included(one.name));
      TRY_ASSIGN(const std::string hash, hash_of(one.rules));
      lines.insert(
          fmt::format("{}include <{}> # {}\n", indent, one.name, hash));
    }
    for (const std::string& line : lines) {
      out_ += line;
    }
    return {};
  }

  Result<> variables() {
    for (const auto& [name, values] : profile_.variables) {
      TRY(check(is_word(name, "_") && name[0] > '9' && name[0] != '_' &&
                    !values.empty(),
                "variable with a value", name));
      out_ += fmt::format("@{{{}}}=", name);
      for (std::size_t i = 0; i < values.size(); ++i) {
        out_ += (i == 0 ? "" : " ") + word_of(values[i]);
      }
      out_ += '\n';
    }
    return {};
  }

  Result<> block(const std::string& head, const Rules& rules,
                 const std::string& indent) {
    std::vector<std::string_view> flags;
    if (profile_.attach_disconnected) {
      flags.push_back("attach_disconnected");
    }
    if (profile_.mediate_deleted) {
      flags.push_back("mediate_deleted");
    }
    if (profile_.mode == Mode::Complain) {
      flags.push_back("complain");
    }
    out_ += indent + head;
    if (!flags.empty()) {
      out_ += fmt::format(" flags=({})", fmt::join(flags, ", "));
    }
    out_ += " {\n";
    const std::string inner = indent + "  ";
    TRY(includes(rules.includes, inner));
    TRY(each(rules.capabilities, inner, &Printer::capability));
    TRY(each(rules.network, inner, &Printer::network));
    TRY(each(rules.unix_sockets, inner, &Printer::unix_socket));
    TRY(each(rules.signals, inner, &Printer::signal));
    TRY(each(rules.ptrace, inner, &Printer::ptrace));
    TRY(each(rules.mounts, inner, &Printer::mount));
    TRY(each(rules.files, inner, &Printer::file));
    TRY(each(rules.links, inner, &Printer::link));
    if (indent.empty()) {
      for (const auto& [name, child] : profile_.children) {
        TRY(profile_name(name));
        out_ += '\n';
        TRY(block("profile " + name, child, inner));
      }
    }
    out_ += indent + "}\n";
    return {};
  }

  template <class Rule>
  Result<> each(const std::vector<Rule>& rules, const std::string& indent,
                Result<std::string> (Printer::*write)(const Rule&)) {
    std::vector<Line> lines;
    for (const Rule& rule : rules) {
      TRY_ASSIGN(std::string text, (this->*write)(rule));
      lines.push_back(
          {.text = std::move(text), .comments = comments(rule.why)});
    }
    std::ranges::sort(lines);
    const auto same = std::ranges::unique(lines);
    lines.erase(same.begin(), same.end());
    for (const Line& line : lines) {
      for (const std::string& comment : line.comments) {
        out_ += indent + "# " + comment + "\n";
      }
      out_ += indent + line.text + ",\n";
    }
    return {};
  }

  std::vector<std::string> comments(const Why& why) const {
    std::vector<std::string> out;
    if (options_.comments) {
      for (const Reason& reason : why.reasons) {
        out.push_back(printable(describe(reason)));
      }
      for (const std::string& example : why.examples) {
        out.push_back("such as " + printable(example));
      }
    }
    return out;
  }

  Result<> pattern(std::string_view text) const {
    TRY(check(text.starts_with('/') || text.starts_with("@{"), "file pattern",
              text));
    return parsed(text);
  }

  Result<> parsed(std::string_view text) const {
    if (!profile_.tunables.empty()) {
      return {};  // their variables are not known here
    }
    TRY(during(fmt::format("print \"{}\"", printable(text)),
               Pattern::parse(text, profile_.variables)));
    return {};
  }

  Result<std::string> capability(const CapabilityGrant& rule) {
    TRY(keyword(rule.name));
    return "capability " + rule.name;
  }

  Result<std::string> network(const NetworkRule& rule) {
    if (rule.family.empty()) {
      return "network";
    }
    TRY(keyword(rule.family));
    if (rule.type.empty()) {
      return "network " + rule.family;
    }
    TRY(keyword(rule.type));
    return fmt::format("network {} {}", rule.family, rule.type);
  }

  Result<std::string> unix_socket(const UnixRule& rule) {
    TRY(keywords(rule.access));
    std::string out = "unix" + after(rule.access);
    if (!rule.type.empty()) {
      TRY(keyword(rule.type));
      out += " type=" + rule.type;
    }
    out += with("addr", rule.address);
    std::vector<std::string> peer;
    if (!rule.peer.empty()) {
      peer.push_back("label=" + word_of(rule.peer));
    }
    if (!rule.peer_address.empty()) {
      peer.push_back("addr=" + word_of(rule.peer_address));
    }
    return peer.empty()
               ? out
               : fmt::format("{} peer=({})", out, fmt::join(peer, ", "));
  }

  Result<std::string> signal(const SignalRule& rule) {
    TRY(keywords(rule.access));
    TRY(keywords(rule.signals));
    return "signal" + after(rule.access) +
           (rule.signals.empty() ? "" : " set=" + list(rule.signals)) +
           with("peer", rule.peer);
  }

  Result<std::string> file(const FileRule& rule) {
    TRY(pattern(rule.pattern));
    const Access& access = rule.access;
    std::string mode;
    mode += access.read ? "r" : "";
    mode += access.write ? "w" : access.append ? "a" : "";
    mode += access.map ? "m" : "";
    mode += access.lock ? "k" : "";
    mode += access.link ? "l" : "";
    mode += rule.deny && rule.exec != Exec::None ? "x" : letters(rule.exec);
    TRY(check(!mode.empty(), "rule: it has no access", rule.pattern));
    std::string out = rule.deny ? "audit deny " : "";
    out += rule.owner ? "owner " : "";
    out += word_of(rule.pattern) + " " + mode;
    if (!rule.target.empty()) {
      TRY(exec_target(rule.target));
      TRY(check(
          !rule.deny && rule.exec != Exec::None && rule.exec != Exec::Inherit,
          "target of a rule that starts nothing", rule.target));
      out += " -> " + rule.target;
    }
    return out;
  }

  Result<std::string> link(const LinkRule& rule) {
    TRY(pattern(rule.pattern));
    TRY(pattern(rule.target));
    return fmt::format("{}link {} -> {}", rule.owner ? "owner " : "",
                       word_of(rule.pattern), word_of(rule.target));
  }

  Result<std::string> mount(const MountRule& rule);
  Result<std::string> ptrace(const PtraceRule& rule);

  const Profile& profile_;
  PrintOptions options_;
  std::string out_;
};

Result<std::string> Printer::ptrace(const PtraceRule& rule) {
  TRY(keywords(rule.access));
  return "ptrace" + after(rule.access) + with("peer", rule.peer);
}

Result<std::string> Printer::mount(const MountRule& rule) {
  TRY(keywords(rule.options));
  std::string conditions;
  if (!rule.fstype.empty()) {
    TRY(check(is_word(rule.fstype, "._+-"), "type of a file system",
              rule.fstype));
    conditions += " fstype=" + rule.fstype;
  }
  if (!rule.options.empty()) {
    conditions += " options=" + list(rule.options);
  }
  TRY(pattern(rule.target));
  const std::string target = word_of(rule.target);
  if (rule.source) {
    TRY(parsed(*rule.source));
  }
  switch (rule.kind) {
    case MountKind::Remount:
      return "remount" + conditions + " " + target;
    case MountKind::Umount:
      return "umount" + conditions + " " + target;
    case MountKind::PivotRoot:
      return "pivot_root" + with("oldroot", rule.source.value_or("")) + " " +
             target;
    case MountKind::Mount:
      break;
  }
  return "mount" + conditions +
         (rule.source ? " " + word_of(*rule.source) : "") + " -> " + target;
}

}  // namespace

Result<std::string> line_of(const NetworkRule& rule) {
  return Printer::line(rule);
}

Result<std::string> line_of(const UnixRule& rule) {
  return Printer::line(rule);
}

Result<std::string> line_of(const SignalRule& rule) {
  return Printer::line(rule);
}

Result<std::string> line_of(const PtraceRule& rule) {
  return Printer::line(rule);
}

Result<std::string> line_of(const MountRule& rule) {
  return Printer::line(rule);
}

Result<std::string> line_of(const LinkRule& rule) {
  return Printer::line(rule);
}

Result<std::string> print(const Profile& profile, PrintOptions options) {
  return during("print an AppArmor profile", Printer(profile, options).print());
}

std::string without_comments(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size() - 1) + 1;
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end);
    const std::size_t at = std::min(line.find_first_not_of(" \t"), line.size());
    const std::string_view rest = line.substr(at);
    if (!rest.starts_with("# ") && rest != "#\n") {
      out += line;
    }
  }
  return out;
}

Result<std::string> hash_of(const std::vector<FileRule>& rules) {
  TRY_ASSIGN(const std::string text, Printer::lines(rules));
  return hash_of_text(text);
}

Result<std::string> name_with_hash(const Profile& profile) {
  TRY_ASSIGN(const std::string text, print(profile));
  return fmt::format("{}-{}", profile.name, hash_of_text(text));
}

}  // namespace vambrace::policy::apparmor
