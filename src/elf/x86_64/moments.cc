#include "elf/values.h"

#include <algorithm>
#include <memory>
#include <set>

#include "elf/x86_64/common.h"
#include "elf/x86_64/effects.h"

namespace vambrace::elf {
namespace {

constexpr std::uint64_t kMaxFunctionBytes = 256U << 10;
constexpr unsigned kMaxJoins = 200;  // of one block
constexpr std::size_t kMaxTable = 1024;
constexpr std::size_t kMaxKept = 4096;  // of instructions, each a kilobyte
constexpr std::uint16_t kNoInstruction = 0xffff;
using VKind = Value::Kind;

// Runs one function over abstract values.
class Run {
 public:
  Run(const Image& image, const Range& bounds,
      std::span<const std::uint64_t> entries, const Returns& returns,
      Choices& choices, Effort& effort)
      : image_(image),
        bounds_(bounds),
        entries_(entries),
        returns_(returns),
        effects_(choices),
        effort_(effort),
        bytes_(image.from(bounds.begin)) {
    bytes_ = bytes_.substr(
        0, std::min<std::uint64_t>(bytes_.size(), bounds.end - bounds.begin));
    ZydisDecoderInit(&decoder_, ZYDIS_MACHINE_MODE_LONG_64,
                     ZYDIS_STACK_WIDTH_64);
  }

  std::vector<Moment> run() {
    if (bytes_.size() > kMaxFunctionBytes) {
      return given_up();
    }
    find_blocks();
    if (!propagate()) {
      return given_up();
    }
    for (const auto& [begin, block] : blocks_) {
      if (block.leads_out) {
        State state = block.state;
        walk_block(begin, state, true);
      }
    }
    return std::move(moments_);
  }

 private:
  std::vector<Moment> given_up() const {
    return {{.address = bounds_.begin, .kernel = true, .given_up = true}};
  }

  struct Block {
    State state;
    bool reached = false;
    bool leads_out = false;  // has a moment, as far as it was walked over
    unsigned rounds = 0;
  };

  ByteView rest(std::uint64_t at) const {
    return bytes_.substr(at - bounds_.begin);
  }

  bool decode(std::uint64_t at, Decoded& out) const {
    const ByteView code = rest(at);
    return ZYAN_SUCCESS(ZydisDecoderDecodeFull(
        &decoder_, code.data(), code.size(), &out.instruction, out.operands));
  }

  // nullptr: no instruction. Valid until the next call. Blocks are walked over
  // at least twice, so that what was decoded is kept as far as there is room.
  const Decoded* decoded(std::uint64_t at) {
    std::uint16_t& number = numbers_[at - bounds_.begin];
    if (number != 0) {
      return number == kNoInstruction ? nullptr : &kept_[number - 1];
    }
    const bool room = used_ < room_;
    Decoded& found = room ? kept_[used_] : spare_;
    if (!decode(at, found)) {
      number = kNoInstruction;
      return nullptr;
    }
    if (room) {
      number = static_cast<std::uint16_t>(++used_);
    }
    return &found;
  }

  bool inside(std::uint64_t at) const {
    return at >= bounds_.begin && at - bounds_.begin < bytes_.size();
  }

  static bool is_relative(const Decoded& found) {
    return found.instruction.raw.imm[0].is_relative;
  }
  static std::uint64_t target_of(const Decoded& found, std::uint64_t at) {
    return at + found.instruction.length + found.instruction.raw.imm[0].value.u;
  }

  void find_blocks() {
    blocks_[bounds_.begin];
    for (const std::uint64_t entry : entries_) {
      blocks_[entry];
    }
    Decoded found;
    bool begins = false;
    std::size_t instructions = 0;
    for (std::uint64_t at = bounds_.begin; inside(at);) {
      ++instructions;
      if (const auto common = decode_common(rest(at), at);
          common && common->kind == Instruction::Kind::Other) {
        if (begins) {
          blocks_[at];
          begins = false;
        }
        at += common->length;
        continue;
      }
      if (!decode(at, found)) {
        ++at;
        continue;
      }
      const std::uint64_t next = at + found.instruction.length;
      // Behind a jump comes another block, but not with what only fills up.
      if (begins && found.instruction.mnemonic != ZYDIS_MNEMONIC_NOP) {
        blocks_[at];
        begins = false;
      }
      const ZydisInstructionCategory category = found.instruction.meta.category;
      const bool jumps = category == ZYDIS_CATEGORY_COND_BR ||
                         category == ZYDIS_CATEGORY_UNCOND_BR;
      if (jumps && is_relative(found) && inside(target_of(found, at))) {
        blocks_[target_of(found, at)];
      }
      if (category == ZYDIS_CATEGORY_COND_BR && inside(next)) {
        blocks_[next];
      }
      begins = begins || category == ZYDIS_CATEGORY_UNCOND_BR ||
               category == ZYDIS_CATEGORY_RET ||
               found.instruction.mnemonic == ZYDIS_MNEMONIC_HLT ||
               ends(found, at);
      at = next;
    }
    numbers_.resize(bytes_.size());
    room_ = std::min(instructions, kMaxKept);
    kept_ = std::make_unique_for_overwrite<Decoded[]>(room_);
  }

  // False if that takes too long.
  bool propagate() {
    do {
      escaped_ = effects_.escaped();
      for (auto& [begin, block] : blocks_) {
        block = {};
      }
      unresolved_ = false;
      reach(bounds_.begin, effects_.entered_at(bounds_.begin));
      for (const std::uint64_t entry : entries_) {
        reach(entry, effects_.entered_at(entry));
      }
      drain();
      enter_rest();
      drain();
    } while (is_stale() && effort_.left > 0);
    return effort_.left > 0;
  }

  // What nothing leads to that we can follow: whatever may be. With a jump that
  // may lead anywhere, too, that is so for each block, and nothing that one
  // hands on to another would change it.
  void enter_rest() {
    const bool all =
        unresolved_ && std::ranges::any_of(blocks_, [](const auto& entry) {
          return !entry.second.reached;
        });
    for (auto& [begin, block] : blocks_) {
      if (all) {
        block.state = State{};
        block.leads_out = true;
      } else if (!block.reached) {
        reach(begin, State{});
      }
    }
  }

  // Somebody may know where the frame is, which this round did not reckon with.
  bool is_stale() const { return effects_.escaped() != escaped_; }

  void drain() {
    while (!waiting_.empty() && !is_stale() && effort_.left > 0) {
      const std::uint64_t begin = *waiting_.begin();
      waiting_.erase(waiting_.begin());
      Block& block = blocks_[begin];
      State state = block.state;
      leads_out_ = false;
      walk_block(begin, state, false);
      block.leads_out = block.leads_out || leads_out_;
    }
    waiting_.clear();
  }

  void reach(std::uint64_t at, const State& state) {
    const auto found = blocks_.find(at);
    if (found == blocks_.end()) {
      // Into the middle of a block: hand-written code, or a table that is
      // not one. The next block is entered as if from anywhere.
      const auto next = blocks_.upper_bound(at);
      if (inside(at) && next != blocks_.end()) {
        reach(next->first, State{});
      }
      return;
    }
    Block& block = found->second;
    if (!block.reached) {
      block.reached = true;
      block.state = state;
      waiting_.insert(at);
      return;
    }
    if (++block.rounds > kMaxJoins) {
      block.state = State{};
      if (block.rounds == kMaxJoins + 1) {
        waiting_.insert(at);
      }
    } else if (effects_.join(block.state, state)) {
      waiting_.insert(at);
    }
  }

  // Over the instructions of one block; either hands the state on to the
  // blocks behind it, or notes the moments.
  void walk_block(std::uint64_t begin, State& state, bool note) {
    const auto after = blocks_.upper_bound(begin);
    const std::uint64_t end =
        after == blocks_.end() ? bounds_.end : after->first;
    for (std::uint64_t at = begin; at < end && inside(at);) {
      effort_.spend(1);
      const Decoded* instruction = decoded(at);
      if (instruction == nullptr) {
        state = State{};
        ++at;
        continue;
      }
      const Decoded& found = *instruction;
      const std::uint64_t next = at + found.instruction.length;
      switch (found.instruction.meta.category) {
        case ZYDIS_CATEGORY_COND_BR:
        case ZYDIS_CATEGORY_UNCOND_BR:
          leave(found, at, state, note);
          if (found.instruction.meta.category == ZYDIS_CATEGORY_UNCOND_BR) {
            return;
          }
          break;
        case ZYDIS_CATEGORY_RET:
          return;
        default:
          step(found, at, state, note);
          if (found.instruction.mnemonic == ZYDIS_MNEMONIC_HLT ||
              ends(found, at)) {
            return;
          }
      }
      at = next;
    }
    if (end >= bounds_.end) {
      leads_out_ = true;
      if (note) {
        add_outgoing({.address = bounds_.end, .target = bounds_.end}, state, 0);
      }
    } else if (!note) {
      reach(end, state);
    }
  }

  // A call that does not come back.
  bool ends(const Decoded& found, std::uint64_t at) const {
    if (found.instruction.mnemonic != ZYDIS_MNEMONIC_CALL) {
      return false;
    }
    const auto [target, through_slot] = called_by(found, at);
    return target != 0 && !returns_(target, through_slot);
  }

  // Where a call goes, or the slot that says so; 0: not told.
  static std::pair<std::uint64_t, bool> called_by(const Decoded& found,
                                                  std::uint64_t at) {
    if (is_relative(found)) {
      return {target_of(found, at), false};
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

  void leave(const Decoded& found, std::uint64_t at, State& state, bool note) {
    if (is_relative(found)) {
      const std::uint64_t target = target_of(found, at);
      if (!bounds_.holds(target)) {
        leads_out_ = true;
        if (note) {
          add_call(found, at, state, false);
        }
      } else if (!note) {
        reach(target, state);
      }
      return;
    }
    const std::vector<std::uint64_t> targets = table_targets(found, state);
    if (!note) {
      for (const std::uint64_t target : targets) {
        reach(target, state);
      }
    }
    if (targets.empty()) {
      leads_out_ = true;
      unresolved_ = true;
      if (note) {
        add_call(found, at, state, false);
      }
    }
  }

  // Where a jump through a table goes, as far as that is in this function.
  std::vector<std::uint64_t> table_targets(const Decoded& found,
                                           const State& state) const {
    std::vector<std::uint64_t> targets;
    const ZydisDecodedOperand& operand = found.operands[0];
    if (operand.type == ZYDIS_OPERAND_TYPE_REGISTER) {
      const int number = register_number(operand.reg.value);
      if (number < 0 || state.registers[number].kind != VKind::Place) {
        return targets;
      }
      const auto base =
          static_cast<std::uint64_t>(state.registers[number].number);
      for (std::size_t i = 0; i < kMaxTable; ++i) {
        const auto distance =
            read_at<std::int32_t>(image_.from(base + i * 4), 0);
        const std::uint64_t target =
            base +
            static_cast<std::uint64_t>(std::int64_t{distance.value_or(0)});
        if (!distance || !bounds_.holds(target)) {
          break;
        }
        targets.push_back(target);
      }
    } else if (operand.type == ZYDIS_OPERAND_TYPE_MEMORY &&
               operand.mem.base == ZYDIS_REGISTER_NONE &&
               operand.mem.index != ZYDIS_REGISTER_NONE) {
      const auto base = static_cast<std::uint64_t>(operand.mem.disp.value);
      for (std::size_t i = 0; i < kMaxTable; ++i) {
        const auto target =
            read_at<std::uint64_t>(image_.from(base + i * 8), 0);
        if (!target || !bounds_.holds(*target)) {
          break;
        }
        targets.push_back(*target);
      }
    }
    return targets;
  }

  void add_call(const Decoded& found, std::uint64_t at, const State& state,
                bool pushes) {
    Moment moment{.address = at};
    std::tie(moment.target, moment.through_slot) = called_by(found, at);
    add_outgoing(std::move(moment), state, pushes ? 8 : 0);
  }

  void add_outgoing(Moment moment, const State& state, std::int64_t pushed) {
    moment.registers = state.registers;
    const Value& pointer = state.registers[kStackPointer];
    if (pointer.kind == VKind::Frame) {
      for (const auto& [offset, value] : state.stack) {
        moment.stack[offset - (pointer.number - pushed)] = value;
      }
    }
    moments_.push_back(std::move(moment));
  }

  void step(const Decoded& found, std::uint64_t at, State& state, bool note) {
    if (found.instruction.mnemonic == ZYDIS_MNEMONIC_CALL) {
      leads_out_ = true;
      if (note) {
        add_call(found, at, state, true);
      }
      effects_.forget_scratch(state);
    } else if (found.instruction.mnemonic == ZYDIS_MNEMONIC_SYSCALL) {
      leads_out_ = true;
      if (note) {
        moments_.push_back({.address = at,
                            .kernel = true,
                            .registers = state.registers,
                            .stack = state.stack});
      }
      // Its result, and what the instruction keeps for its return.
      for (const std::size_t changed : {0, 1, 11}) {
        state.registers[changed] = {};
      }
    } else {
      effects_.apply(found, at, state);
    }
  }

  const Image& image_;
  Range bounds_;
  std::span<const std::uint64_t> entries_;
  const Returns& returns_;
  Effects effects_;
  Effort& effort_;
  ByteView bytes_;
  ZydisDecoder decoder_;
  // By the distance from the beginning: 0, kNoInstruction, or the number of
  // one of the kept, counted from 1.
  std::vector<std::uint16_t> numbers_;
  std::unique_ptr<Decoded[]> kept_;
  std::size_t room_ = 0;
  std::size_t used_ = 0;
  Decoded spare_;
  std::map<std::uint64_t, Block> blocks_;
  std::set<std::uint64_t> waiting_;
  std::vector<Moment> moments_;
  bool escaped_ = false;  // when this round began
  bool unresolved_ = false;
  bool leads_out_ = false;  // the block that is walked over has a moment
};

}  // namespace

std::vector<Moment> find_moments(const Image& image, const Range& bounds,
                                 std::span<const std::uint64_t> entries,
                                 const Returns& returns, Choices& choices,
                                 Effort& effort) {
  return Run(image, bounds, entries, returns, choices, effort).run();
}

}  // namespace vambrace::elf
