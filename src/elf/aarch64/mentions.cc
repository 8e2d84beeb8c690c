#include "elf/aarch64/mentions.h"

#include <unordered_map>
#include <unordered_set>

#include "elf/aarch64/decoder.h"
#include "elf/aarch64/jump_table.h"
#include "elf/aarch64/known.h"
#include "elf/aarch64/live.h"
#include "elf/aarch64/pieces.h"

namespace vambrace::elf::aarch64 {
namespace {

using Kind = Instruction::Kind;
using Made = Known::Made;
using What = Mention::What;

// What a called function may change: x0 to x18, and the link (AAPCS64, 6.1.1).
constexpr RegisterSet kScratch = 0x7ffff | 1U << kLink;

// What following may cost: steps, for some and for each word, and what is kept.
constexpr std::uint64_t kFreeSteps = 1'000'000;
constexpr std::uint64_t kMaxPasses = 64;
constexpr std::uint64_t kMaxKept = 8'000'000;
constexpr std::size_t kMaxHere = 16'384;  // at one place

// Follows known addresses through the code, one block after the other, until
// nothing new comes to any; then tells what they are used for.
class Follower {
 public:
  explicit Follower(const Image& image)
      : image_(image), pieces_(image), live_(pieces_) {}

  Mentions run() {
    if (!follow()) {
      // What each block forms by itself is told all the same.
      out_.all = false;
      fits_ = false;
      came_.clear();
      at_jumps_.clear();
      at_calls_.clear();
    }
    function_ = {};
    tells_ = true;
    for (Piece& piece : pieces_.all()) {
      piece.waiting = piece.begins;
      pass(piece);
    }
    for (Mention& mention : out_.found) {
      if (mention.what == What::Address && bases_.contains(mention.target)) {
        mention.what = What::Within;
      }
    }
    return std::move(out_);
  }

 private:
  // False if that takes too long.
  bool follow() {
    allowed_ = kFreeSteps + pieces_.words() * kMaxPasses;
    bool more = true;
    while (more && may_go_on()) {
      more = false;
      for (Piece& piece : pieces_.all()) {
        pass(piece);
      }
      if (!may_go_on()) {
        return false;
      }
      for (const auto& [begin, woken] : woken_) {
        pieces_.wake(woken.function, woken.orphans_alone);
      }
      woken_.clear();
      for (const Piece& piece : pieces_.all()) {
        more = more ||
               std::ranges::find(piece.waiting, true) != piece.waiting.end();
      }
    }
    return !more;
  }

  bool may_go_on() const {
    return fits_ && steps_ < allowed_ && kept_ < kMaxKept;
  }

  // Over all blocks that something new came to.
  void pass(Piece& piece) {
    Known known;
    bool runs = false;  // into what comes next
    steps_ += piece.count / 16;
    for (std::uint64_t i = 0; i < piece.count && (tells_ || may_go_on()); ++i) {
      if (piece.begins[i]) {
        enter(piece, i, known, runs);
      }
      if (runs) {
        steps_ += 1 + known.size() / 32;
        runs = step(piece, i, known);
      }
    }
  }

  // Comes to the beginning of a block, out of the one before if that runs.
  void enter(Piece& piece, std::uint64_t index, Known& known, bool& runs) {
    const std::uint64_t at = piece.address(index);
    if (runs && !pieces_.is_behind_last_call(piece, index)) {
      hand_on(at, known);
    }
    runs = piece.waiting[index];
    piece.waiting[index] = false;
    if (!runs) {
      return;
    }
    const auto came = came_.find(at);
    known = came == came_.end() ? Known() : came->second;
    if (!function_.holds(at)) {
      function_ = pieces_.function_around(at);
      at_jumps_here_ = find(at_jumps_, function_);
      at_calls_here_ = find(at_calls_, function_);
    }
    if (piece.orphans[index] && at_calls_here_ != nullptr) {
      known.join(*at_calls_here_, live_.at(at));
    }
    if (at_jumps_here_ != nullptr) {
      known.join(*at_jumps_here_, live_.at(at));
    }
    table_.reset();
  }

  using ByFunction = std::unordered_map<std::uint64_t, Known>;
  static const Known* find(const ByFunction& all, const Range& function) {
    const auto found = all.find(function.begin);
    return found == all.end() ? nullptr : &found->second;
  }

  // Over a jump: within the function, or to a part of it that stands elsewhere.
  void leave(std::uint64_t to, const Known& known) {
    if (function_.holds(to) || !pieces_.is_called(to)) {
      hand_on(to, known);
    }
  }

  void hand_on(std::uint64_t to, const Known& known) {
    if (known.empty() || tells_) {
      return;
    }
    if (Piece* piece = pieces_.at(to)) {
      if (keep(came_[to], known, live_.at(to))) {
        piece->begins[piece->index_of(to)] = true;
        piece->waiting[piece->index_of(to)] = true;
      }
    }
  }

  // True if that is more than before.
  bool keep(Known& there, const Known& known, RegisterSet registers) {
    const std::size_t before = there.size();
    steps_ += (before + known.size()) / 16;
    if (!there.join(known, registers)) {
      return false;
    }
    kept_ += there.size() - before;
    fits_ = fits_ && there.size() <= kMaxHere;
    return true;
  }

  // False if it does not go on behind itself.
  bool step(const Piece& piece, std::uint64_t index, Known& known) {
    const Word word = piece.word(index);
    const std::uint64_t at = piece.address(index);
    const bool branches = (group_of(word) & 0b1110) == 0b1010;
    if (!branches) {
      if (is_move_wide(word) && image_.fixed_place) {
        move_wide(piece, index, known);
      } else {
        compute(word, at, known);
      }
      return true;
    }
    const Instruction found = read_word(word, at);
    switch (found.kind) {
      case Kind::Call:
        call(word, at, known);
        return true;
      case Kind::Branch:
        leave(found.target, known);
        return true;
      case Kind::Jump:
        if (found.has_target) {
          leave(found.target, known);
        } else {
          jump(word, at, known);
        }
        return false;
      case Kind::Return:
      case Kind::End:
        return false;
      case Kind::Syscall:
        known.forget(1);
        return true;
      default:
        known.forget(written_for_sure(word));
        return true;
    }
  }

  void call(Word word, std::uint64_t at, Known& known) {
    if (is_call_register(word)) {
      for_each(known, rn_of(word), [&](const Known::Item& item) {
        tell(at, item.address, What::Call);
      });
    }
    known.forget(kScratch);
    if (!known.empty() && !tells_) {
      Known& here = at_calls_[function_.begin];
      at_calls_here_ = &here;
      if (keep(here, known, ~0U)) {
        woken_.try_emplace(function_.begin, Woken{function_, true});
      }
    }
  }

  // To where a register says: a place of a table, or another function.
  void jump(Word word, std::uint64_t at, const Known& known) {
    for_each(known, rn_of(word), [&](const Known::Item& item) {
      if (item.made != Made::Page) {
        tell(at, item.address, What::Jump);
        leave(item.address, known);
      }
    });
    if (known.empty() || tells_) {
      return;
    }
    if (table_) {
      for (const std::uint64_t target : jump_targets(image_, *table_)) {
        if (function_.holds(target)) {
          hand_on(target, known);
        }
      }
      return;
    }
    Known& here = at_jumps_[function_.begin];
    at_jumps_here_ = &here;
    if (keep(here, known, ~0U)) {
      woken_.insert_or_assign(function_.begin, Woken{function_, false});
    }
  }

  template <class Use>
  static void for_each(const Known& known, std::uint32_t holder, Use use) {
    if (known.holds(holder)) {
      for (const Known::Item& item : known.items()) {
        if (item.holder == holder) {
          use(item);
        }
      }
    }
  }

  void compute(Word word, std::uint64_t at, Known& known) {
    if (is_adr(word) || is_adrp(word)) {
      known.forget(written_for_sure(word));
      set(known, {rd_of(word), is_adrp(word) ? Made::Page : Made::Whole,
                  adr_target(word, at)});
      if (is_adr(word)) {
        tell(at, adr_target(word, at), What::Address);
        if (table_) {
          table_->base = adr_target(word, at);
        }
      }
    } else if (is_memory_group(word)) {
      access(word, at, known);
    } else if (is_add_immediate(word)) {
      add(word, at, known);
    } else if (is_move(word) && is_wide(word)) {
      copy(known, {rm_of(word)}, word);
    } else if (is_select(word)) {
      copy(known, {rn_of(word), rm_of(word)}, word);
    } else {
      known.forget(written_for_sure(word));
    }
  }

  void set(Known& known, const Known::Item& item) const {
    if (item.holder < kStackPointer) {
      known.add(item);
    }
  }

  // The destination holds what any of these held.
  void copy(Known& known, std::initializer_list<unsigned> from, Word word) {
    std::vector<Known::Item> copied;
    for (const unsigned source : from) {
      for_each(known, source, [&](Known::Item item) {
        item.holder = rd_of(word);
        copied.push_back(item);
      });
    }
    known.forget(written_for_sure(word));
    for (const Known::Item& item : copied) {
      set(known, item);
    }
  }

  void add(Word word, std::uint64_t at, Known& known) {
    std::vector<Known::Item> made;
    const bool follows = is_wide(word) && !sets_flags(word);
    for_each(known, rn_of(word), [&](const Known::Item& item) {
      if (!follows) {
        return;
      }
      const std::int64_t by = added_by(word);
      const std::uint64_t sum = item.address + static_cast<std::uint64_t>(by);
      tell(at, sum, item.made == Made::Page ? What::Address : What::Within);
      if (item.made != Made::Page && by != 0) {
        bases_.insert(item.address);
      }
      // What is added to a whole address is within what that gets hold of,
      // unless it is more than one instruction can add.
      const bool in_parts = field(word, 22, 1) != 0;
      if (item.made == Made::Page || (item.made == Made::Whole && in_parts)) {
        made.push_back({rd_of(word),
                        item.made == Made::Page ? Made::Whole : Made::Derived,
                        sum});
      }
    });
    known.forget(written_for_sure(word));
    if (rd_of(word) == kStackPointer && !sets_flags(word)) {
      known.forget_slots(kStackPointer);
    } else if (rd_of(word) == kFramePointer) {
      known.forget_slots(kFramePointer);
    }
    for (const Known::Item& item : made) {
      set(known, item);
    }
  }

  // Of programs with a fixed place: an address as a number, in parts.
  void move_wide(const Piece& piece, std::uint64_t index, Known& known) {
    const Word word = piece.word(index);
    const std::uint64_t at = piece.address(index);
    std::vector<Known::Item> made;
    const auto add_made = [&](std::uint64_t before) {
      const std::uint64_t number = moved_wide(word, before);
      made.push_back({rd_of(word), Made::Page, number});
      if (image_.in_memory(number)) {
        tell(at, number, What::Address);
        made.push_back({rd_of(word), Made::Whole, number});
      }
    };
    if (keeps_rest(word)) {
      for_each(known, rd_of(word), [&](const Known::Item& item) {
        if (item.made == Made::Page) {
          add_made(item.address);
        }
      });
    } else if (goes_on(piece, index)) {
      add_made(0);
    }
    known.forget(written_for_sure(word));
    for (const Known::Item& item : made) {
      set(known, item);
    }
  }

  // Whether other parts follow soon, as compilers put them.
  static bool goes_on(const Piece& piece, std::uint64_t index) {
    constexpr std::uint64_t kNear = 12;
    const Word word = piece.word(index);
    for (std::uint64_t i = index + 1; i < std::min(piece.count, index + kNear);
         ++i) {
      const Word next = piece.word(i);
      if (is_move_wide(next) && keeps_rest(next) &&
          rd_of(next) == rd_of(word)) {
        return true;
      }
    }
    return false;
  }

  void access(Word word, std::uint64_t at, Known& known) {
    if (is_literal(word)) {
      literal(word, at, known);
      return;
    }
    const auto found = access_of(word);
    if (!found) {
      for_each(known, rn_of(word), [&](const Known::Item& item) {
        tell(at, item.address, What::Memory);
      });
      known.forget(written_for_sure(word));
      return;
    }
    for_each(known, found->base,
             [&](const Known::Item& item) { use_base(*found, at, item); });
    const bool frame =
        found->form == Access::Form::Offset &&
        (found->base == kStackPointer || found->base == kFramePointer) &&
        !found->vector && found->bytes == 8;
    if (frame && !found->load && fits_) {
      store(*found, known);
    }
    std::vector<Known::Item> loaded;
    if (frame && found->load) {
      load(*found, known, loaded);
    }
    known.forget(written_for_sure(word));
    if (found->writes_base() &&
        (found->base == kStackPointer || found->base == kFramePointer)) {
      known.forget_slots(found->base);
    }
    for (const Known::Item& item : loaded) {
      set(known, item);
    }
  }

  void use_base(const Access& access, std::uint64_t at,
                const Known::Item& item) {
    const std::int64_t by =
        access.form == Access::Form::After ? 0 : access.offset;
    if (access.form == Access::Form::Register) {
      tell(at, item.address, What::Within);
      return;
    }
    tell(at, item.address + static_cast<std::uint64_t>(by), What::Memory);
    if (item.made != Made::Page && by != 0) {
      bases_.insert(item.address);
    }
  }

  // Into the frame, from which it may be taken again.
  void store(const Access& access, Known& known) {
    std::int64_t offset = access.offset;
    for (const unsigned source : {access.first, access.second}) {
      if (source == kNoRegister) {
        continue;
      }
      std::vector<Known::Item> kept;
      const std::uint32_t slot = Known::slot(access.base, offset);
      for_each(known, source, [&](Known::Item item) {
        item.holder = slot;
        kept.push_back(item);
      });
      known.forget_slot(slot);
      for (const Known::Item& item : kept) {
        known.add(item);
      }
      offset += 8;
    }
  }

  void load(const Access& access, const Known& known,
            std::vector<Known::Item>& loaded) const {
    std::int64_t offset = access.offset;
    for (const unsigned into : {access.first, access.second}) {
      for_each(known, Known::slot(access.base, offset), [&](Known::Item item) {
        item.holder = into;
        loaded.push_back(item);
      });
      offset += 8;
    }
  }

  // A word that stands beside the code.
  void literal(Word word, std::uint64_t at, Known& known) {
    const std::uint64_t place = literal_place(word, at);
    tell(at, place, What::Memory);
    known.forget(written_for_sure(word));
    const auto number = read_at<std::uint64_t>(image_.from(place), 0);
    if (loads_literal(word) && image_.fixed_place && number) {
      tell(at, *number, What::Address);
      set(known, {rd_of(word), Made::Whole, *number});
    }
  }

  void tell(std::uint64_t at, std::uint64_t target, What what) {
    if (tells_) {
      out_.found.push_back({at, target, what});
    }
  }

  const Image& image_;
  Pieces pieces_;
  Live live_;
  // What came to the beginnings of blocks.
  std::unordered_map<std::uint64_t, Known> came_;
  // By function: what was known where it jumps to where a register says, and
  // where it calls.
  ByFunction at_jumps_, at_calls_;
  // Of the function that is gone through.
  Range function_;
  const Known* at_jumps_here_ = nullptr;
  const Known* at_calls_here_ = nullptr;
  // That this block looks distances up in.
  std::optional<JumpTable> table_;
  // Addresses to which others are added: maybe within a variable.
  std::unordered_set<std::uint64_t> bases_;
  // Functions of which blocks are to be gone through again, by their beginning.
  struct Woken {
    Range function;
    bool orphans_alone = false;
  };
  std::unordered_map<std::uint64_t, Woken> woken_;
  std::uint64_t steps_ = 0, allowed_ = 0;
  std::uint64_t kept_ = 0;
  bool fits_ = true;
  bool tells_ = false;
  Mentions out_;
};

}  // namespace

Mentions find_mentions(const Image& image) {
  return Follower(image).run();
}

}  // namespace vambrace::elf::aarch64
