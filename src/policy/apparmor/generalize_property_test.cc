#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>

#include "evidence/generated.h"
#include "policy/apparmor/generalize.h"
#include "policy/apparmor/pattern.h"
#include "policy/apparmor/sensitive.h"
#include "policy/apparmor/variables.h"

// What holds for any paths. The results are judged by pattern.h, which matches
// as the kernel does and knows nothing of how these patterns were made.
namespace vambrace::policy::apparmor {
namespace {

using evidence::generated::Source;

Pattern pattern(const std::string& text) {
  Variables variables;
  for (const std::string& name : variables_in(text)) {
    variables[name] = {variable_value(name)};
  }
  return Pattern::parse(text, variables).value();
}

std::string directory(Source& from) {
  return from.word({"/etc/",
                    "/etc/ssl/",
                    "/proc/",
                    "/proc/12/",
                    "/proc/12/task/",
                    "/proc/345/",
                    "/tmp/",
                    "/var/tmp/",
                    "/dev/",
                    "/dev/pts/",
                    "/usr/lib/x/",
                    "/usr/share/x/y/",
                    "/srv/a/",
                    "/srv/b/",
                    "/srv/a/__pycache__/",
                    "/root/",
                    "/home/ann/",
                    "/home/bob1/",
                    "/var/log/",
                    "/var/lib/kubelet/pods/",
                    "/run/user/1000/",
                    "/sys/kernel/",
                    "/",
                    "/srv/1/",
                    "/srv/2/",
                    "/srv/3/",
                    "/srv/10/",
                    "/srv/c/0a/",
                    "/srv/c/f1/",
                    "/srv/c/12/",
                    "/srv/c/9/"});
}

std::string drawn(Source& from, const char* letters, std::size_t length) {
  const std::string_view all(letters);
  std::string out;
  for (; length > 0; --length) {
    out += all[from.below(all.size())];
  }
  return out;
}

std::string name(Source& from) {
  switch (from.below(12)) {
    case 0:
      return std::to_string(from.below(5000));
    case 1:
      return "worker" + std::to_string(from.below(6));
    case 2:
      return drawn(from, "0123456789abcdef", from.flip() ? 8 : 32);
    case 3:
      return "tmp." + drawn(from, "aB3xZ9", 6);
    case 4:
      return "lib" + from.word({"a", "b"}) + ".so." + from.word({"1", "1.2.3"});
    case 5:
      return from.word({"x.log", "x.log.1", "x.log.2.gz", "x-2024-01-02",
                        "x-2024-01-03", "..2024_01_02_03_04_05.77"});
    case 6:
      return from.word({"a", "b"}) + ".cpython-311.pyc" +
             from.word({"", ".123"});
    case 7:
      return "1b4e28ba-2fa1-11d2-883f-" + drawn(from, "0123456789ab", 12);
    case 8:
      return from.word({"a\n1", "a*2", "[0-9]3", "@{pid}", "a,4", "\"5", "\\6",
                        "{7,8}",
                        "\xff"
                        "9",
                        "#include <x>", "a b1", "x@1"});
    case 9:
      return from.word({"shadow", "mem", "environ", "sda", "sda1", ".ssh",
                        "private", "kcore", "sudoers.d", "maps"});
    default:
      return from.word({"index.html", "conf", "data.db", "main.py", "stat"});
  }
}

std::string path(Source& from) {
  std::string out = directory(from) + name(from);
  for (std::uint64_t more = from.below(3); more > 0; --more) {
    out += "/" + name(from);
  }
  return out + (from.below(8) == 0 ? "/" : "");
}

std::vector<Observation> observations(Source& from,
                                      const std::string& recording) {
  std::vector<Observation> out;
  for (std::uint64_t left = from.below(20); left > 0; --left) {
    out.push_back(
        {.path = path(from),
         .access = from.word({"r", "r", "r", "rw", "w", "mr", "rx"}),
         .owner = from.below(4) == 0 ? std::optional(true) : std::nullopt,
         .process = from.word({"/bin/a", "/bin/b"}),
         .recording = recording});
  }
  return out;
}

std::vector<Observation> both_of(std::vector<Observation> a,
                                 const std::vector<Observation>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

// A path that the pattern of a rule matches.
std::string instance(std::string text, Source& from) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && text[i + 1] >= '0' && text[i + 1] <= '3') {
      out += static_cast<char>(std::stoi(text.substr(i + 1, 3), nullptr, 8));
      i += 3;
    } else if (text[i] == '\\') {
      out += text[++i];
    } else if (text.compare(i, 2, "@{") == 0) {
      const std::size_t end = text.find('}', i);
      const std::string variable = text.substr(i + 2, end - i - 2);
      if (variable == "uuid") {
        out += "1b4e28ba-2fa1-11d2-883f-" + drawn(from, "0123456789ab", 12);
      } else if (variable.starts_with("hex")) {
        out += drawn(from, "0123456789abcdef", std::stoul(variable.substr(3)));
      } else if (variable.starts_with("random")) {
        out += drawn(from, "aB3xZ9", std::stoul(variable.substr(6)));
      } else {
        out += std::to_string(1 + from.below(4000000));
      }
      i = end;
    } else if (text[i] == '[') {
      out += text[i + 1];
      i = text.find(']', i);
    } else if (text[i] == '*') {
      out += from.word({"any", "other"});
      i += text.compare(i, 2, "**") == 0 ? 1 : 0;
    } else {
      out += text[i];
    }
  }
  return out;
}

class Profile {
 public:
  explicit Profile(const Generalized& result) {
    for (const Rule& rule : result.rules) {
      rules_.emplace_back(rule, pattern(rule.pattern));
    }
  }

  bool permits(const std::string& path, const std::string& access,
               bool owner) const {
    return std::ranges::all_of(access, [&](char letter) {
      return std::ranges::any_of(rules_, [&](const auto& rule) {
        return rule.first.access.find(letter) != std::string::npos &&
               (owner || !rule.first.owner) && rule.second.matches(path);
      });
    });
  }

 private:
  std::vector<std::pair<Rule, Pattern>> rules_;
};

void expect_all_permitted(const Generalized& result,
                          const std::vector<Observation>& seen) {
  const Profile profile(result);
  for (const Observation& one : seen) {
    RC_LOG() << one.path << " " << one.access << "\n";
    RC_ASSERT(profile.permits(one.path, one.access, one.owner.value_or(false)));
  }
}

void expect_nothing_sensitive(const Generalized& result) {
  static const std::vector<Pattern> kSensitive = [] {
    std::vector<Pattern> out;
    for (const Sensitive& one : sensitive_paths()) {
      out.push_back(pattern(std::string(one.prefix)));
      out.push_back(pattern(std::string(one.prefix) + "/{,**}"));
    }
    return out;
  }();
  for (const Rule& rule : result.rules) {
    if (rule.because.empty()) {
      continue;
    }
    const Pattern wide = pattern(rule.pattern);
    for (const Pattern& one : kSensitive) {
      RC_LOG() << rule.pattern << "\n";
      RC_ASSERT(!overlap(wide, one));
    }
  }
}

constexpr Budget kNoLimit{.rules = 100000};

RC_GTEST_PROP(GeneralizeProperty, PermitsAllThatWasSeen, ()) {
  Source from = evidence::generated::source();
  const auto seen = observations(from, "a");
  expect_all_permitted(generalize(seen), seen);
  expect_all_permitted(generalize(seen, {.rules = from.below(20)}), seen);
}

RC_GTEST_PROP(GeneralizeProperty, OpensNothingSensitive, ()) {
  Source from = evidence::generated::source();
  const auto seen = both_of(observations(from, "a"), observations(from, "b"));
  expect_nothing_sensitive(
      generalize(seen, {.rules = from.flip() ? 1000 : from.below(20)}));
}

RC_GTEST_PROP(GeneralizeProperty, DoesNotDependOnTheOrder, ()) {
  Source from = evidence::generated::source();
  auto seen = both_of(observations(from, "a"), observations(from, "b"));
  const Budget budget{.rules = 5 + from.below(100)};
  const Generalized first = generalize(seen, budget);
  for (std::size_t i = seen.size(); i > 1; --i) {
    std::swap(seen[i - 1], seen[from.below(i)]);
  }
  seen = both_of(seen, seen);
  RC_ASSERT(generalize(seen, budget) == first);
}

RC_GTEST_PROP(GeneralizeProperty, AnotherRecordingTakesNothingAway, ()) {
  Source from = evidence::generated::source();
  const auto seen = observations(from, "a");
  const Generalized before = generalize(seen, kNoLimit);
  const Profile after(
      generalize(both_of(seen, observations(from, "b")), kNoLimit));
  for (const Rule& rule : before.rules) {
    const std::string path = instance(rule.pattern, from);
    RC_ASSERT(pattern(rule.pattern).matches(path));
    RC_LOG() << rule.pattern << ": " << path << "\n";
    RC_ASSERT(after.permits(path, rule.access, rule.owner));
  }
}

// What a profile permits, used in full, calls for no wider profile.
RC_GTEST_PROP(GeneralizeProperty, IsAtRestWithItsOwnResult, ()) {
  Source from = evidence::generated::source();
  const auto seen = observations(from, "a");
  const Generalized first = generalize(seen, kNoLimit);
  std::vector<Observation> used = seen;
  for (const Rule& rule : first.rules) {
    // Names of a kind are told from others by chance alone where a drawn one
    // looks like a word; the seen ones are kept beside them.
    used.push_back({.path = instance(rule.pattern, from),
                    .access = rule.access,
                    .owner = rule.owner,
                    .recording = "a"});
  }
  const Generalized second = generalize(used, kNoLimit);
  std::vector<std::string> a;
  std::vector<std::string> b;
  for (const Rule& rule : first.rules) {
    a.push_back(rule.pattern + " " + rule.access);
  }
  for (const Rule& rule : second.rules) {
    b.push_back(rule.pattern + " " + rule.access);
  }
  std::ranges::sort(a);
  std::ranges::sort(b);
  RC_ASSERT(a == b);
}

}  // namespace
}  // namespace vambrace::policy::apparmor
