#include "policy/apparmor/budget.h"

#include <algorithm>
#include <array>

namespace vambrace::policy::apparmor {
namespace {

enum class Step : std::uint8_t {
  ReadFiles,
  ReadTrees,
  Libraries,
  WrittenFiles,
  WrittenTrees,
};

constexpr std::array kSteps = {Step::ReadFiles, Step::ReadTrees,
                               Step::Libraries, Step::WrittenFiles,
                               Step::WrittenTrees};
constexpr std::size_t kLeastDepth = 2;

unsigned place_of(std::string_view text) {
  const auto starts_with = [&](std::string_view one) {
    return text.starts_with(one);
  };
  constexpr std::array<std::string_view, 2> kShown = {"/proc/", "/sys/"};
  constexpr std::array<std::string_view, 5> kTemporary = {
      "/tmp/", "/var/tmp/", "/var/cache/", "/dev/shm/", "/run/"};
  if (starts_with("/etc/")) {
    return 4;
  }
  if (is_static(text)) {
    return 0;
  }
  if (std::ranges::any_of(kShown, starts_with)) {
    return 1;
  }
  return std::ranges::any_of(kTemporary, starts_with) ? 2 : 3;
}

bool has(const Draft& draft, std::string_view letters) {
  return draft.access.find_first_of(letters) != std::string::npos;
}

bool is_directory(const Draft& draft) {
  return draft.segments.back()->text.empty();
}

bool is_library(const Draft& draft) {
  const std::string& name = draft.segments.back()->text;
  return name.ends_with(".so") || name.find(".so.") != name.npos;
}

// Could this step take the rule in?
bool belongs(Step step, const Draft& draft) {
  switch (step) {
    case Step::ReadFiles:
    case Step::ReadTrees:
      return draft.access == "r";
    case Step::Libraries:
      return has(draft, "m") && is_library(draft) &&
             draft.access.find_first_not_of("mr") == std::string::npos;
    case Step::WrittenFiles:
    case Step::WrittenTrees:
      return !has(draft, "mx") && draft.access != "r";
  }
  return false;
}

bool is_tree(Step step) {
  return step == Step::ReadTrees || step == Step::WrittenTrees;
}

// How many segments the directory has that the file is in.
std::size_t depth_of(const Draft& draft) {
  return draft.segments.size() - (is_directory(draft) ? 2 : 1);
}

const Segment& star() {
  static const Segment kStar{
      .text = "*", .name = {}, .form = Form{.shape = any_name()}};
  return kStar;
}

const Segment& double_star() {
  static const Segment kStars{
      .text = "**", .name = {}, .form = Form{.shape = any_below()}};
  return kStars;
}

const Segment& any_library() {
  static const Segment kLibrary = [] {
    const Piece any{.bytes = no_slash(), .min = 0, .max = 0};
    Form form{.shape = literal(".so")};
    form.shape.pieces.insert(form.shape.pieces.begin(), any);
    form.shape.pieces.push_back(any);
    return Segment{.text = "*.so*", .name = {}, .form = std::move(form)};
  }();
  return kLibrary;
}

const Segment& nothing() {
  static const Segment kNothing;
  return kNothing;
}

std::string allowed(Step step, const std::string& access) {
  const std::string with = " (" + access + ")";
  switch (step) {
    case Step::ReadFiles:
      return "reading every other file of this directory";
    case Step::ReadTrees:
      return "reading every other file below this directory";
    case Step::Libraries:
      return "every other library of this directory" + with;
    case Step::WrittenFiles:
      return "every other file of this directory" + with;
    case Step::WrittenTrees:
      return "every other file below this directory" + with;
  }
  return {};
}

using Members = std::vector<Drafts::iterator>;

// What packages install is the same everywhere, save below /etc and /opt.
bool may_hold_secrets(std::string_view path) {
  return !is_static(path) || path.starts_with("/etc/") ||
         path.starts_with("/opt/");
}

bool is_named_secret(const Drafts::value_type& rule) {
  const auto& last = *rule.second.segments.back();
  return may_hold_secrets(rule.first.first) &&
         (looks_secret(last.name) ||
          std::ranges::any_of(last.examples, looks_secret));
}

// One rule for the directory of `depth` segments that all members are in.
Draft widened(Step step, std::size_t depth, const Members& members) {
  const Draft& first = members.front()->second;
  Draft out{
      .segments = {first.segments.begin(), first.segments.begin() + depth}};
  if (is_tree(step)) {
    out.segments.push_back(&double_star());
  } else if (step == Step::Libraries) {
    out.segments.push_back(&any_library());
  } else {
    out.segments.push_back(&star());
    if (is_directory(first)) {
      out.segments.push_back(&nothing());
    }
  }
  Generalization why{.kind = is_tree(step) ? Kind::Subtree : Kind::Siblings,
                     .seen = members.size()};
  for (const Drafts::iterator member : members) {
    const Draft& draft = member->second;
    out.access = both(out.access, draft.access);
    out.owner = out.owner && draft.owner;
    out.paths.insert(out.paths.end(), draft.paths.begin(), draft.paths.end());
    if (why.examples.size() < kMaxExamples) {
      why.examples.push_back(member->first.first);
    }
    if (draft.widened) {
      why.secrets.insert(why.secrets.end(), draft.widened->secrets.begin(),
                         draft.widened->secrets.end());
    } else if (is_named_secret(*member)) {
      why.secrets.push_back(member->first.first);
    }
  }
  std::ranges::sort(out.paths);
  out.paths.erase(std::ranges::unique(out.paths).begin(), out.paths.end());
  why.pattern = join(out);
  why.allows = allowed(step, out.access);
  out.widened = std::move(why);
  return out;
}

// The rules that a step could take in: by the rank of their place, and by the
// depth of the directory that they are in.
using ByDepth = std::map<std::size_t, Members>;

std::map<unsigned, ByDepth> by_place(Drafts& drafts, Step step) {
  std::map<unsigned, ByDepth> out;
  for (auto at = drafts.begin(); at != drafts.end(); ++at) {
    const Draft& draft = at->second;
    if (draft.segments.size() > kLeastDepth && belongs(step, draft) &&
        depth_of(draft) >= kLeastDepth) {
      out[place_of(at->first.first)][depth_of(draft)].push_back(at);
    }
  }
  return out;
}

// How far a file that is named like a secret keeps the directories above it
// from being opened: those that it is not in itself give way, as trees, if the
// rules are too many otherwise.
enum class Reach : std::uint8_t { AllAbove, ItsOwn };

// Whether one of them was read or written beside what may be secrets.
bool has_secret(const Members& members, std::size_t depth, Reach reach) {
  return std::ranges::any_of(members, [&](const Drafts::iterator at) {
    return (reach == Reach::AllAbove || depth_of(at->second) == depth) &&
           is_named_secret(*at);
  });
}

// Widens each directory of `depth` segments that has two of these rules. What
// comes out or stays as it was is returned.
Members apply(Drafts& drafts, Step step, std::size_t depth,
              const Members& rules, Reach reach) {
  // Files and directories of a directory need patterns of their own.
  std::map<std::pair<std::string, bool>, Members> by_directory;
  for (const Drafts::iterator at : rules) {
    const Draft& draft = at->second;
    by_directory[{at->first.first.substr(0, draft.starts[depth]),
                  !is_tree(step) && is_directory(draft)}]
        .push_back(at);
  }
  Members out;
  for (auto& [directory, members] : by_directory) {
    if (members.size() >= 2 && !has_secret(members, depth, reach)) {
      if (is_tree(step)) {
        std::ranges::sort(members, {}, [](const auto& at) -> const auto& {
          return at->first;
        });
      }
      Draft one = widened(step, depth, members);
      if (touched(one) == nullptr) {
        for (const Drafts::iterator member : members) {
          drafts.erase(member);
        }
        out.push_back(put(drafts, std::move(one)));
        continue;
      }
    }
    out.insert(out.end(), members.begin(), members.end());
  }
  return out;
}

// One step at one rank of places, from the deepest directories up. Trees take
// in what the turns before left of the directories below.
bool widen_place(Drafts& drafts, Step step, std::size_t most, ByDepth& by_depth,
                 Reach reach) {
  Members below;
  for (std::size_t depth = by_depth.rbegin()->first; depth >= kLeastDepth;
       --depth) {
    if (drafts.size() <= most) {
      return true;
    }
    Members rules = std::move(by_depth[depth]);
    if (is_tree(step)) {
      rules.insert(rules.end(), below.begin(), below.end());
    }
    below = apply(drafts, step, depth, rules, reach);
  }
  return drafts.size() <= most;
}

bool widen(Drafts& drafts, std::size_t most, Reach reach) {
  for (const Step step : kSteps) {
    if (drafts.size() <= most) {
      return true;
    }
    std::map<unsigned, ByDepth> places = by_place(drafts, step);
    for (auto& [place, by_depth] : places) {
      if (widen_place(drafts, step, most, by_depth, reach)) {
        return true;
      }
    }
  }
  return drafts.size() <= most;
}

}  // namespace

bool widen(Drafts& drafts, std::size_t most) {
  return widen(drafts, most, Reach::AllAbove) ||
         widen(drafts, most, Reach::ItsOwn);
}

}  // namespace vambrace::policy::apparmor
