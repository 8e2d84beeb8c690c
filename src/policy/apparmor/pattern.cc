#include "policy/apparmor/pattern.h"

#include <algorithm>
#include <span>
#include <utility>

#include "policy/apparmor/pattern_text.h"

namespace vambrace::policy::apparmor {
namespace {

constexpr std::size_t kMaxOverlapSteps = 4'000'000;

std::size_t byte_of(char c) {
  return static_cast<unsigned char>(c);
}

}  // namespace

// Builds the machine from signs, by descent into groups; how deep those may
// stand in each other is limited when the signs are read.
class PatternBuilder {
 public:
  explicit PatternBuilder(std::span<const Sign> signs) : signs_(signs) {}

  Result<Pattern> build() {
    TRY_ASSIGN(const Part whole, alternatives());
    if (at_ < signs_.size()) {
      return misread();
    }
    out_.start_ = whole.begin;
    out_.accept_ = whole.end;
    return std::move(out_);
  }

 private:
  // From begin to end; end goes nowhere yet.
  struct Part {
    std::uint32_t begin = 0;
    std::uint32_t end = 0;
  };

  static std::unexpected<Error> misread() {
    return fail(ErrorCode::InvalidInput,
                "a class in [ ] is not one that apparmor_parser reads");
  }

  bool next_is(char c) const {
    return at_ < signs_.size() && signs_[at_].special && signs_[at_].c == c;
  }

  bool take(char c) {
    const bool is = next_is(c);
    at_ += is ? 1 : 0;
    return is;
  }

  std::uint32_t add(Pattern::State state = {}) {
    out_.states_.push_back(state);
    return static_cast<std::uint32_t>(out_.states_.size() - 1);
  }

  void join(std::uint32_t from, std::uint32_t to) {
    out_.states_[from].next = to;
    out_.states_[from].other = to;
  }

  Part one_of(const Pattern::Bytes& set) {
    const auto found = std::ranges::find(out_.sets_, set);
    const auto index = static_cast<std::int32_t>(found - out_.sets_.begin());
    if (found == out_.sets_.end()) {
      out_.sets_.push_back(set);
    }
    const std::uint32_t end = add();
    return {.begin = add({.set = index, .next = end}), .end = end};
  }

  Result<Part> alternatives() {
    const std::uint32_t end = add();
    std::uint32_t begin = end;
    bool first = true;
    do {
      TRY_ASSIGN(const Part part, sequence());
      join(part.end, end);
      begin = first ? part.begin : add({.next = begin, .other = part.begin});
      first = false;
    } while (take('|'));
    return Part{.begin = begin, .end = end};
  }

  Result<Part> sequence() {
    const std::uint32_t begin = add();
    Part all{.begin = begin, .end = begin};
    while (at_ < signs_.size() && !next_is('|') && !next_is(')')) {
      TRY_ASSIGN(Part part, term());
      if (take('*')) {
        const std::uint32_t end = add();
        const std::uint32_t loop = add({.next = part.begin, .other = end});
        join(part.end, loop);
        part = {.begin = loop, .end = end};
      }
      join(all.end, part.begin);
      all.end = part.end;
    }
    return all;
  }

  Result<Part> term() {
    if (take('(')) {
      TRY_ASSIGN(const Part inner, alternatives());
      if (!take(')')) {
        return misread();
      }
      return inner;
    }
    if (take('[')) {
      TRY_ASSIGN(const auto set, byte_class());
      return one_of(set);
    }
    if (next_is('*')) {
      return misread();
    }
    Pattern::Bytes set;
    set.set(byte_of(signs_[at_++].c));
    return one_of(set);
  }

  // One member, and the range it begins. Only the first may be ] or -, and it
  // may not be ^.
  Result<> member(Pattern::Bytes& set, bool first) {
    if (!first && (next_is('-') || next_is(']'))) {
      return misread();
    }
    if (at_ >= signs_.size()) {
      return misread();
    }
    std::size_t low = byte_of(signs_[at_++].c);
    std::size_t high = low;
    if (take('-')) {
      if (at_ >= signs_.size() || next_is('-') || next_is(']')) {
        return misread();
      }
      high = byte_of(signs_[at_++].c);
    }
    if (low > high) {
      std::swap(low, high);
    }
    for (std::size_t byte = low; byte <= high; ++byte) {
      set.set(byte);
    }
    return {};
  }

  // What stands between [ and ].
  Result<Pattern::Bytes> byte_class() {
    Pattern::Bytes set;
    const bool negated = take('^');
    if (negated && take('^')) {
      set.set(byte_of('^'));
    } else {
      TRY(member(set, true));
    }
    while (!take(']')) {
      TRY(member(set, false));
    }
    return negated ? ~set : set;
  }

  std::span<const Sign> signs_;
  std::size_t at_ = 0;
  Pattern out_;
};

Result<Pattern> Pattern::parse(std::string_view text,
                               const Variables& variables) {
  const auto parsed = [&]() -> Result<Pattern> {
    if (text.size() > kMaxPatternText) {
      return fail(ErrorCode::InvalidInput, "it is longer than {} bytes",
                  kMaxPatternText);
    }
    TRY_ASSIGN(const std::string whole,
               replace_variables(replace_escapes(text), variables));
    TRY_ASSIGN(const auto signs, read_signs(join_slashes(whole)));
    return PatternBuilder(signs).build();
  };
  return during("read a file pattern", parsed());
}

void Pattern::reach(std::uint32_t state, std::vector<std::uint32_t>& found,
                    std::vector<bool>& seen) const {
  const std::size_t from = found.size();
  const auto add = [&](std::uint32_t one) {
    if (!seen[one]) {
      seen[one] = true;
      found.push_back(one);
    }
  };
  add(state);
  for (std::size_t at = from; at < found.size(); ++at) {
    const State& one = states_[found[at]];
    if (one.set < 0 && found[at] != accept_) {
      add(one.next);
      add(one.other);
    }
  }
}

bool Pattern::matches(std::string_view path) const {
  std::vector<std::uint32_t> now;
  std::vector<bool> seen(states_.size());
  reach(start_, now, seen);
  for (const char c : path) {
    std::vector<std::uint32_t> then;
    seen.assign(states_.size(), false);
    for (const std::uint32_t state : now) {
      const State& one = states_[state];
      if (one.set >= 0 && sets_[one.set].test(byte_of(c))) {
        reach(one.next, then, seen);
      }
    }
    if (then.empty()) {
      return false;
    }
    now = std::move(then);
  }
  return std::ranges::find(now, accept_) != now.end();
}

bool overlap(const Pattern& one, const Pattern& other) {
  const std::size_t width = other.states_.size();
  if (one.states_.size() * width > kMaxOverlapSteps) {
    return true;
  }
  std::vector<bool> seen(one.states_.size() * width);
  std::vector<std::pair<std::uint32_t, std::uint32_t>> pairs;
  const auto add = [&](std::uint32_t a, std::uint32_t b) {
    if (!seen[a * width + b]) {
      seen[a * width + b] = true;
      pairs.emplace_back(a, b);
    }
  };
  Pattern::Bytes path_bytes;
  path_bytes.set();
  path_bytes.reset(0);
  add(one.start_, other.start_);
  while (!pairs.empty()) {
    const auto [a, b] = pairs.back();
    pairs.pop_back();
    const Pattern::State& left = one.states_[a];
    const Pattern::State& right = other.states_[b];
    if (a == one.accept_ && b == other.accept_) {
      return true;
    }
    if (left.set < 0 && a != one.accept_) {
      add(left.next, b);
      add(left.other, b);
    } else if (right.set < 0 && b != other.accept_) {
      add(a, right.next);
      add(a, right.other);
    } else if (left.set >= 0 && right.set >= 0 &&
               (one.sets_[left.set] & other.sets_[right.set] & path_bytes)
                   .any()) {
      add(left.next, right.next);
    }
  }
  return false;
}

}  // namespace vambrace::policy::apparmor
