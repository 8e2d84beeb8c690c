#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <utility>
#include <vector>

#include "elf/values.h"

// Running one function over abstract values, whatever the architecture.
namespace vambrace::elf {

// What an instruction does to the way through a function.
enum class Way : std::uint8_t {
  On,      // goes on behind itself
  Fill,    // does nothing: behind a jump no block begins with it
  Branch,  // to its target, or goes on
  Jump,
  Return,
  Stop,
  Call,
  Kernel,  // a system call
};

// A Machine tells what instructions are and do:
//
//   using State, Decoded
//   Machine(const Image&, Choices&)
//   bool decode(ByteView code, Decoded&)   false: no instruction
//   length_of(found), way_of(found)
//   target_of(found, at)     optional: where a jump or branch says it goes
//   called_by(found, at)     where a call or jump out goes, or the slot that
//                            says so (true); 0: not told
//   table_targets(found, state, image, bounds)   of a jump that does not say
//   entered_at(entry), join(state, other), apply(found, at, state),
//   after_call(state), after_kernel(state), escaped()
//   kUnknownStep             from what is no instruction to the next try
//   kPushed                  bytes that a call puts on the stack
template <class Machine>
class Run {
  using State = typename Machine::State;
  using Decoded = typename Machine::Decoded;

 public:
  Run(const Image& image, const Range& bounds,
      std::span<const std::uint64_t> entries, const Returns& returns,
      Choices& choices, Effort& effort)
      : image_(image),
        bounds_(bounds),
        entries_(entries),
        returns_(returns),
        machine_(image, choices),
        effort_(effort),
        bytes_(image.from(bounds.begin)) {
    bytes_ = bytes_.substr(
        0, std::min<std::uint64_t>(bytes_.size(), bounds.end - bounds.begin));
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
  static constexpr std::uint64_t kMaxFunctionBytes = 256U << 10;
  static constexpr unsigned kMaxJoins = 200;  // of one block
  // Of instructions; those of x86-64 have a kilobyte each.
  static constexpr std::size_t kMaxKept = 4096;
  static constexpr std::uint16_t kNoInstruction = 0xffff;

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
    return machine_.decode(rest(at), out);
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
      if (!decode(at, found)) {
        at += Machine::kUnknownStep;
        continue;
      }
      const std::uint64_t next = at + Machine::length_of(found);
      const Way way = Machine::way_of(found);
      if (begins && way != Way::Fill) {
        blocks_[at];
        begins = false;
      }
      if (way == Way::Branch || way == Way::Jump) {
        const auto target = Machine::target_of(found, at);
        if (target && inside(*target)) {
          blocks_[*target];
        }
      }
      if (way == Way::Call) {
        note_own_call(found, at);
      }
      if (way == Way::Branch && inside(next)) {
        blocks_[next];
      }
      begins = begins || way == Way::Jump || way == Way::Return ||
               way == Way::Stop || comes_back(found, way, at) == Back::Never;
      at = next;
    }
    numbers_.resize(bytes_.size());
    room_ = std::min(instructions, kMaxKept);
    kept_ = std::make_unique_for_overwrite<Decoded[]>(room_);
  }

  // Hand-written code calls places within itself: others enter there, too.
  void note_own_call(const Decoded& found, std::uint64_t at) {
    const auto target = Machine::target_of(found, at);
    if (target && inside(*target) && *target != bounds_.begin) {
      blocks_[*target];
      called_within_.insert(*target);
    }
  }

  // False if that takes too long.
  bool propagate() {
    do {
      escaped_ = machine_.escaped();
      for (auto& [begin, block] : blocks_) {
        block = {};
      }
      unresolved_ = false;
      reach(bounds_.begin, machine_.entered_at(bounds_.begin));
      for (const std::uint64_t entry : entries_) {
        reach(entry, machine_.entered_at(entry));
      }
      for (const std::uint64_t entry : called_within_) {
        reach(entry, machine_.entered_at(entry));
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
  bool is_stale() const { return machine_.escaped() != escaped_; }

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
    } else if (machine_.join(block.state, state)) {
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
        at += Machine::kUnknownStep;
        continue;
      }
      const Decoded& found = *instruction;
      const Way way = Machine::way_of(found);
      const Back back = comes_back(found, way, at);
      if (way == Way::Branch || way == Way::Jump) {
        leave(found, at, state, note);
      } else {
        step(found, way, at, state, note);
      }
      if (way == Way::Jump || way == Way::Return || way == Way::Stop ||
          back == Back::Never) {
        return;
      }
      if (back == Back::Again) {
        state.forget_stack();
      }
      at += Machine::length_of(found);
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

  // Of what is no call: once.
  Back comes_back(const Decoded& found, Way way, std::uint64_t at) const {
    if (way != Way::Call) {
      return Back::Once;
    }
    const auto [target, through_slot] = Machine::called_by(found, at);
    return target == 0 ? Back::Once : returns_(target, through_slot);
  }

  void leave(const Decoded& found, std::uint64_t at, State& state, bool note) {
    if (const auto target = Machine::target_of(found, at)) {
      if (!bounds_.holds(*target)) {
        leads_out_ = true;
        if (note) {
          add_call(found, at, state, false);
        }
      } else if (!note) {
        reach(*target, state);
      }
      return;
    }
    const std::vector<std::uint64_t> targets =
        Machine::table_targets(found, state, image_, bounds_);
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

  void add_call(const Decoded& found, std::uint64_t at, const State& state,
                bool pushes) {
    Moment moment{.address = at};
    std::tie(moment.target, moment.through_slot) =
        Machine::called_by(found, at);
    add_outgoing(std::move(moment), state, pushes ? Machine::kPushed : 0);
  }

  void add_outgoing(Moment moment, const State& state, std::int64_t pushed) {
    copy_registers(state, moment);
    const Value& pointer = state.pointer();
    if (pointer.kind == Value::Kind::Frame) {
      for (const auto& [offset, value] : state.stack) {
        moment.stack[offset - (pointer.number - pushed)] = value;
      }
    }
    moments_.push_back(std::move(moment));
  }

  static void copy_registers(const State& state, Moment& moment) {
    std::copy_n(state.registers.begin(), kRegisters, moment.registers.begin());
  }

  void step(const Decoded& found, Way way, std::uint64_t at, State& state,
            bool note) {
    if (way == Way::Call) {
      leads_out_ = true;
      if (note) {
        add_call(found, at, state, true);
      }
      machine_.after_call(state);
    } else if (way == Way::Kernel) {
      leads_out_ = true;
      if (note) {
        Moment moment{.address = at, .kernel = true, .stack = state.stack};
        copy_registers(state, moment);
        moments_.push_back(std::move(moment));
      }
      machine_.after_kernel(state);
    } else if (way != Way::Return) {
      machine_.apply(found, at, state);
    }
  }

  const Image& image_;
  Range bounds_;
  std::span<const std::uint64_t> entries_;
  const Returns& returns_;
  Machine machine_;
  Effort& effort_;
  ByteView bytes_;
  // By the distance from the beginning: 0, kNoInstruction, or the number of
  // one of the kept, counted from 1.
  std::vector<std::uint16_t> numbers_;
  std::unique_ptr<Decoded[]> kept_;
  std::size_t room_ = 0;
  std::size_t used_ = 0;
  Decoded spare_;
  std::map<std::uint64_t, Block> blocks_;
  std::set<std::uint64_t> called_within_;
  std::set<std::uint64_t> waiting_;
  std::vector<Moment> moments_;
  bool escaped_ = false;  // when this round began
  bool unresolved_ = false;
  bool leads_out_ = false;  // the block that is walked over has a moment
};

// The moments of a function, by its architecture.
std::vector<Moment> find_moments_x86_64(const Image& image, const Range& bounds,
                                        std::span<const std::uint64_t> entries,
                                        const Returns& returns,
                                        Choices& choices, Effort& effort);
std::vector<Moment> find_moments_aarch64(const Image& image,
                                         const Range& bounds,
                                         std::span<const std::uint64_t> entries,
                                         const Returns& returns,
                                         Choices& choices, Effort& effort);

}  // namespace vambrace::elf
