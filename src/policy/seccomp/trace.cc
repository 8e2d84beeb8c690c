#include "policy/seccomp/trace.h"

#include <set>
#include <tuple>

// What a filter looks at can be read off it: a branch compares the accumulator
// with a constant, and the accumulator is nearly always a word of the call's
// data, perhaps under a mask. So the program is run with values that are either
// known numbers (number and architecture are) or "the word at this offset under
// this mask", and at a branch on such a word both ways are taken. On each way
// the word is set to a value that takes it, so that at a return the call built
// so far is one that (nearly always) ends right there: a witness.
namespace vambrace::policy::seccomp {
namespace {

// include/uapi/linux/bpf_common.h
constexpr std::uint16_t kLoadAbs = 0x20;
constexpr std::uint16_t kLoadImm = 0x00;
constexpr std::uint16_t kLoadLen = 0x80;
constexpr std::uint16_t kLoadXImm = 0x01;
constexpr std::uint16_t kLoadXLen = 0x81;
constexpr std::uint16_t kAndK = 0x54;
constexpr std::uint16_t kJumpAlways = 0x05;
constexpr std::uint16_t kCopyAToX = 0x07;
constexpr std::uint16_t kCopyXToA = 0x87;

constexpr std::size_t kMaxWitnesses = 256;
constexpr std::size_t kMaxSteps = 200'000;

struct Value {
  enum class Kind : std::uint8_t { Known, Word, Lost };
  Kind kind = Kind::Known;
  std::uint32_t number = 0;  // Known
  std::uint32_t offset = 0;  // Word
  std::uint32_t mask = 0;    // Word
  auto operator<=>(const Value&) const = default;
};

Value known(std::uint32_t number) {
  return {.kind = Value::Kind::Known, .number = number};
}

std::uint32_t lowest_bit(std::uint32_t bits) {
  return bits & (0 - bits);
}

enum class Jump : std::uint8_t { Eq = 0x10, Gt = 0x20, Ge = 0x30, Set = 0x40 };

// Changes the word so that the comparison turns out as wanted, if it can.
void satisfy(std::uint32_t& word, Jump jump, std::uint32_t mask,
             std::uint32_t k, bool wanted) {
  const std::uint32_t now = word & mask;
  std::uint32_t to = now;
  switch (jump) {
    case Jump::Eq:
      to = wanted ? k : (now == k ? now ^ lowest_bit(mask) : now);
      break;
    case Jump::Gt:
      to = wanted ? (now > k ? now : k + 1) : (now > k ? k : now);
      break;
    case Jump::Ge:
      to = wanted ? (now >= k ? now : k) : (now >= k ? k - 1 : now);
      break;
    case Jump::Set:
      to = wanted ? now | lowest_bit(k & mask) : now & ~k;
      break;
  }
  word = (word & ~mask) | (to & mask);
}

class Tracer {
 public:
  Tracer(std::span<const Instruction> program, std::uint32_t arch,
         std::uint32_t nr)
      : program_(program), arch_(arch), nr_(nr) {}

  Trace run() {
    walk({});
    ways_ = true;
    seen_.clear();
    steps_ = 0;
    walk({});
    return {.tests = {tests_.begin(), tests_.end()},
            .witnesses = std::move(witnesses_)};
  }

 private:
  struct State {
    std::size_t at = 0;
    Value a;
    Value x;
    std::array<std::uint32_t, 16> words{};
  };

  // First pass (ways_ false): each place once, to collect the tests. Second
  // pass: each way, to collect the witnesses.
  void walk(State state) {
    std::vector<State> open{std::move(state)};
    while (!open.empty() && steps_ < kMaxSteps &&
           witnesses_.size() < kMaxWitnesses) {
      State now = std::move(open.back());
      open.pop_back();
      step_through(std::move(now), open);
    }
  }

  void step_through(State now, std::vector<State>& open) {
    while (++steps_ < kMaxSteps) {
      if (!ways_ && !seen_.insert({now.at, now.a, now.x}).second) {
        return;
      }
      const Instruction& in = program_[now.at];
      switch (in.code & 0x07U) {
        case 0x06:  // a return
          if (ways_) {
            witnesses_.push_back(call_of(now));
          }
          return;
        case 0x05:
          if (in.code == kJumpAlways) {
            now.at += 1 + in.k;
          } else {
            branch(now, in, open);
          }
          continue;
        default:
          apply(now, in);
          ++now.at;
      }
    }
  }

  void apply(State& now, const Instruction& in) const {
    switch (in.code) {
      case kLoadAbs:
        now.a = in.k == 0   ? known(nr_)
                : in.k == 4 ? known(arch_)
                            : Value{.kind = Value::Kind::Word,
                                    .offset = in.k,
                                    .mask = 0xffffffff};
        return;
      case kLoadImm:
        now.a = known(in.k);
        return;
      case kLoadLen:
        now.a = known(kCallBytes);
        return;
      case kLoadXImm:
        now.x = known(in.k);
        return;
      case kLoadXLen:
        now.x = known(kCallBytes);
        return;
      case kAndK:
        now.a.number &= in.k;
        now.a.mask &= in.k;
        return;
      case kCopyAToX:
        now.x = now.a;
        return;
      case kCopyXToA:
        now.a = now.x;
        return;
      default:
        if ((in.code & 0x07U) == 0x01) {
          now.x = {.kind = Value::Kind::Lost};
        } else if ((in.code & 0x07U) != 0x02 && (in.code & 0x07U) != 0x03) {
          now.a = {.kind = Value::Kind::Lost};
        }
    }
  }

  void branch(State& now, const Instruction& in, std::vector<State>& open) {
    const bool by_x = (in.code & 0x08U) != 0;
    const Value right = by_x ? now.x : known(in.k);
    const auto jump = static_cast<Jump>(in.code & 0xf0U);
    if (now.a.kind == Value::Kind::Known && right.kind == Value::Kind::Known) {
      now.at += 1 + (decide(jump, now.a.number, right.number) ? in.jt : in.jf);
      return;
    }
    State other = now;
    other.at += 1 + in.jf;
    now.at += 1 + in.jt;
    if (now.a.kind == Value::Kind::Word && right.kind == Value::Kind::Known) {
      tests_.insert({now.a.offset, now.a.mask, right.number});
      const std::size_t word = now.a.offset / 4;
      satisfy(now.words[word], jump, now.a.mask, right.number, true);
      satisfy(other.words[word], jump, now.a.mask, right.number, false);
    }
    open.push_back(std::move(other));
  }

  static bool decide(Jump jump, std::uint32_t a, std::uint32_t b) {
    switch (jump) {
      case Jump::Eq:
        return a == b;
      case Jump::Gt:
        return a > b;
      case Jump::Ge:
        return a >= b;
      case Jump::Set:
        return (a & b) != 0;
    }
    return false;
  }

  Call call_of(const State& state) const {
    const auto wide = [&](std::size_t word) {
      return state.words[word] |
             (static_cast<std::uint64_t>(state.words[word + 1]) << 32);
    };
    Call call{.nr = nr_, .arch = arch_, .ip = wide(2), .args = {}};
    for (std::size_t i = 0; i < 6; ++i) {
      call.args[i] = wide(4 + 2 * i);
    }
    return call;
  }

  std::span<const Instruction> program_;
  std::uint32_t arch_;
  std::uint32_t nr_;
  bool ways_ = false;
  std::size_t steps_ = 0;
  std::set<Test> tests_;
  std::set<std::tuple<std::size_t, Value, Value>> seen_;
  std::vector<Call> witnesses_;
};

}  // namespace

Trace trace(std::span<const Instruction> program, std::uint32_t arch,
            std::uint32_t nr) {
  return Tracer(program, arch, nr).run();
}

}  // namespace vambrace::policy::seccomp
