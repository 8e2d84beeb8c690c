#include "elf/run.h"
#include "elf/x86_64/effects.h"

namespace vambrace::elf {
namespace x86_64 {
namespace {

constexpr std::size_t kMaxTable = 1024;

class Machine {
 public:
  using State = x86_64::State;
  using Decoded = x86_64::Decoded;
  static constexpr std::uint64_t kUnknownStep = 1;
  static constexpr std::int64_t kPushed = 8;  // where to return

  Machine(const Image& image, Choices& choices)
      : image_(image), effects_(choices) {
    ZydisDecoderInit(&decoder_, ZYDIS_MACHINE_MODE_LONG_64,
                     ZYDIS_STACK_WIDTH_64);
  }

  bool decode(ByteView code, Decoded& out) const {
    return ZYAN_SUCCESS(ZydisDecoderDecodeFull(
        &decoder_, code.data(), code.size(), &out.instruction, out.operands));
  }

  static std::uint64_t length_of(const Decoded& found) {
    return found.instruction.length;
  }

  static Way way_of(const Decoded& found) {
    switch (found.instruction.meta.category) {
      case ZYDIS_CATEGORY_COND_BR:
        return Way::Branch;
      case ZYDIS_CATEGORY_UNCOND_BR:
        return Way::Jump;
      case ZYDIS_CATEGORY_RET:
        return Way::Return;
      default:
        break;
    }
    switch (found.instruction.mnemonic) {
      case ZYDIS_MNEMONIC_NOP:
        return Way::Fill;
      case ZYDIS_MNEMONIC_HLT:
        return Way::Stop;
      case ZYDIS_MNEMONIC_CALL:
        return Way::Call;
      case ZYDIS_MNEMONIC_SYSCALL:
        return Way::Kernel;
      default:
        return Way::On;
    }
  }

  static std::optional<std::uint64_t> target_of(const Decoded& found,
                                                std::uint64_t at) {
    return found.instruction.raw.imm[0].is_relative
               ? std::optional(at + found.instruction.length +
                               found.instruction.raw.imm[0].value.u)
               : std::nullopt;
  }

  static std::pair<std::uint64_t, bool> called_by(const Decoded& found,
                                                  std::uint64_t at) {
    if (const auto target = target_of(found, at)) {
      return {*target, false};
    }
    const ZydisDecodedOperand& operand = found.operands[0];
    if (operand.type == ZYDIS_OPERAND_TYPE_MEMORY &&
        operand.mem.base == ZYDIS_REGISTER_RIP) {
      return {at + found.instruction.length +
                  static_cast<std::uint64_t>(operand.mem.disp.value),
              true};
    }
    return {0, false};
  }

  // As far as they are in this function.
  static std::vector<std::uint64_t> table_targets(const Decoded& found,
                                                  const State& state,
                                                  const Image& image,
                                                  const Range& bounds) {
    const ZydisDecodedOperand& operand = found.operands[0];
    if (operand.type == ZYDIS_OPERAND_TYPE_REGISTER) {
      const int number = register_number(operand.reg.value);
      if (number >= 0 && state.registers[number].kind == Value::Kind::Place) {
        return distances(
            static_cast<std::uint64_t>(state.registers[number].number), image,
            bounds);
      }
    } else if (operand.type == ZYDIS_OPERAND_TYPE_MEMORY &&
               operand.mem.base == ZYDIS_REGISTER_NONE &&
               operand.mem.index != ZYDIS_REGISTER_NONE) {
      return addresses(static_cast<std::uint64_t>(operand.mem.disp.value),
                       image, bounds);
    }
    return {};
  }

  State entered_at(std::uint64_t entry) const {
    return effects_.entered<State>(entry, kRegisters);
  }
  bool join(State& state, const State& other) const {
    return effects_.join_states(state, other);
  }
  void apply(const Decoded& found, std::uint64_t at, State& state) {
    if (image_.relocated_code && is_relocated(found, at)) {
      effects_.forget_written(found, state);
    } else {
      effects_.apply(found, at, state);
    }
  }
  void after_call(State& state) const { effects_.forget_scratch(state); }
  // Its result, and what the instruction keeps for its return.
  static void after_kernel(State& state) {
    for (const std::size_t changed : {0, 1, 11}) {
      state.registers[changed] = {};
    }
  }
  bool escaped() const { return effects_.escaped(); }

 private:
  // A table of how far the targets are from the table.
  static std::vector<std::uint64_t> distances(std::uint64_t base,
                                              const Image& image,
                                              const Range& bounds) {
    std::vector<std::uint64_t> targets;
    for (std::size_t i = 0; i < kMaxTable; ++i) {
      const auto distance = read_at<std::int32_t>(image.from(base + i * 4), 0);
      const std::uint64_t target =
          base + static_cast<std::uint64_t>(std::int64_t{distance.value_or(0)});
      if (!distance || !bounds.holds(target)) {
        break;
      }
      targets.push_back(target);
    }
    return targets;
  }

  static std::vector<std::uint64_t> addresses(std::uint64_t base,
                                              const Image& image,
                                              const Range& bounds) {
    std::vector<std::uint64_t> targets;
    for (std::size_t i = 0; i < kMaxTable; ++i) {
      const auto target = read_at<std::uint64_t>(image.from(base + i * 8), 0);
      if (!target || !bounds.holds(*target)) {
        break;
      }
      targets.push_back(*target);
    }
    return targets;
  }

  // Whether the loader writes a number into it that the file does not have.
  bool is_relocated(const Decoded& found, std::uint64_t at) const {
    const auto next =
        std::ranges::lower_bound(image_.pointers, at, {}, &Pointer::place);
    return next != image_.pointers.end() &&
           next->place - at < found.instruction.length;
  }

  const Image& image_;
  ZydisDecoder decoder_;
  Effects effects_;
};

}  // namespace
}  // namespace x86_64

std::vector<Moment> find_moments_x86_64(const Image& image, const Range& bounds,
                                        std::span<const std::uint64_t> entries,
                                        const Returns& returns,
                                        Choices& choices, Effort& effort) {
  return Run<x86_64::Machine>(image, bounds, entries, returns, choices, effort)
      .run();
}

}  // namespace vambrace::elf
