#include "elf/aarch64/decoder.h"
#include "elf/aarch64/effects.h"
#include "elf/run.h"

namespace vambrace::elf {
namespace aarch64 {
namespace {

using Kind = Instruction::Kind;

class Machine {
 public:
  using State = aarch64::State;
  using Decoded = Word;
  static constexpr std::uint64_t kUnknownStep = 4;
  static constexpr std::int64_t kPushed = 0;  // x30 says where to return

  Machine(const Image& image, Choices& choices)
      : image_(image), effects_(choices) {}

  static bool decode(ByteView code, Decoded& out) {
    out = read_at<Word>(code, 0).value_or(0xffffffff);
    return !is_unallocated(out) && code.size() >= 4;
  }

  static std::uint64_t length_of(Decoded /*word*/) { return 4; }

  static Way way_of(Decoded word) {
    switch (read_word(word, 0).kind) {
      case Kind::Call:
        return Way::Call;
      case Kind::Jump:
        return Way::Jump;
      case Kind::Branch:
        return Way::Branch;
      case Kind::Return:
        return Way::Return;
      case Kind::End:
        return Way::Stop;
      case Kind::Syscall:
        return Way::Kernel;
      case Kind::Padding:
        return Way::Fill;
      default:
        return Way::On;
    }
  }

  static std::optional<std::uint64_t> target_of(Decoded word,
                                                std::uint64_t at) {
    const Instruction found = read_word(word, at);
    return found.has_target ? std::optional(found.target) : std::nullopt;
  }

  static std::pair<std::uint64_t, bool> called_by(Decoded word,
                                                  std::uint64_t at) {
    return {target_of(word, at).value_or(0), false};
  }

  // Tables have many forms; their jumps are taken for ones to anywhere.
  static std::vector<std::uint64_t> table_targets(Decoded /*word*/,
                                                  const State& /*state*/,
                                                  const Image& /*image*/,
                                                  const Range& /*bounds*/) {
    return {};
  }

  State entered_at(std::uint64_t entry) const {
    return effects_.entered<State>(entry, kRegisters);
  }
  bool join(State& state, const State& other) const {
    return effects_.join_states(state, other);
  }
  void apply(Decoded word, std::uint64_t at, State& state) {
    effects_.apply(word, at, image_, state);
  }
  void after_call(State& state) const { effects_.forget_scratch(state); }
  static void after_kernel(State& state) { state.registers[0] = {}; }
  bool escaped() const { return effects_.escaped(); }

 private:
  const Image& image_;
  Effects effects_;
};

}  // namespace
}  // namespace aarch64

std::vector<Moment> find_moments_aarch64(const Image& image,
                                         const Range& bounds,
                                         std::span<const std::uint64_t> entries,
                                         const Returns& returns,
                                         Choices& choices, Effort& effort) {
  return Run<aarch64::Machine>(image, bounds, entries, returns, choices, effort)
      .run();
}

}  // namespace vambrace::elf
