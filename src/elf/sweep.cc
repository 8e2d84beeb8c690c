#include "elf/sweep.h"

#include <algorithm>
#include <memory>
#include <string>

#include "elf/far_addresses.h"
#include "elf/instruction.h"

namespace vambrace::elf {
namespace {

using Kind = Instruction::Kind;
using Place = Instruction::Place;

// Addresses that the loader writes into instructions: more are no program.
constexpr std::ptrdiff_t kMaxRelocated = 250'000;

class Sweeper {
 public:
  Sweeper(const Image& image, const Decoder& decoder)
      : image_(image), decoder_(decoder), far_(image) {
    std::size_t bytes = 0;
    for (const Range& code : image.code) {
      bytes += code.end - code.begin;
    }
    // About as many as there are.
    events.reserve(std::min(bytes, image.bytes.size()) / 16);
  }

  // From the beginning on, and then from where jumps lead to within what was
  // read as one instruction: hand-written code jumps over prefixes and data.
  void read(const Region& region) {
    far_.begin(region.bounds);
    ByteView bytes = image_.from(region.bounds.begin);
    bytes = bytes.substr(
        0, std::min<std::uint64_t>(bytes.size(),
                                   region.bounds.end - region.bounds.begin));
    marks_.assign(bytes.size(), 0);
    const std::size_t before = events.size();
    read_from(region, bytes, 0);
    bool more = false;
    for (std::size_t at = marks_.find(kAimedAt); at != marks_.npos;
         at = marks_.find(kAimedAt, at)) {
      more = true;
      read_from(region, bytes, at);
    }
    if (more) {
      std::ranges::stable_sort(
          events.begin() + static_cast<std::ptrdiff_t>(before), events.end(),
          {}, &Event::at);
    }
  }

  // What one instruction alone does not tell.
  void add(const Mentions& mentions) {
    const std::size_t before = events.size();
    for (const Mention& mention : mentions.found) {
      const Event::What what = event_of(mention.what);
      if (what == Event::What::Call || what == Event::What::Jump ||
          image_.in_memory(mention.target)) {
        events.push_back({mention.at, mention.target, what});
      }
    }
    merge(before);
  }

  // Distances to what stands far away; false if that took too long.
  bool add_far() {
    const std::size_t before = events.size();
    for (const auto& [at, target] : far_.find()) {
      events.push_back({at, target, Event::What::Far});
    }
    merge(before);
    return far_.all();
  }

  // What the unwinder does with functions, and what addresses the loader writes
  // into instructions; false if those are too many.
  bool add_told() {
    const std::size_t before = events.size();
    for (const Unwinding& unwinding : image_.unwindings) {
      events.push_back(
          {unwinding.function, unwinding.target, event_of(unwinding.kind)});
    }
    const bool all = !image_.relocated_code || add_relocated();
    merge(before);
    return all;
  }

  std::vector<Event> events;

 private:
  bool add_relocated() {
    const auto relocated = std::ranges::count_if(
        image_.pointers,
        [&](const Pointer& pointer) { return image_.is_code(pointer.place); });
    if (relocated > kMaxRelocated) {
      return false;
    }
    for (const Pointer& pointer : image_.pointers) {
      if (!image_.is_code(pointer.place)) {
        continue;
      }
      if (pointer.kind == Pointer::Kind::Own) {
        events.push_back({pointer.place, pointer.target, Event::What::Far});
      } else {
        events.push_back({pointer.place, pointer.place, Event::What::Memory});
      }
    }
    return true;
  }

  // What was added from there on, with what stands before it.
  void merge(std::size_t before) {
    const auto added = events.begin() + static_cast<std::ptrdiff_t>(before);
    if (added != events.end()) {
      std::stable_sort(added, events.end(),
                       [](const Event& left, const Event& right) {
                         return left.at < right.at;
                       });
      std::ranges::inplace_merge(events, added, {}, &Event::at);
    }
  }

  // What is known of each byte of a region: an instruction begins there, a
  // jump or a call leads there.
  static constexpr char kBegins = 1;
  static constexpr char kAimedAt = 2;

  // As far as no instruction that was read before begins.
  void read_from(const Region& region, ByteView bytes, std::uint64_t at) {
    bool runs = region.framed || at != 0;
    while (at < bytes.size() && (marks_[at] & kBegins) == 0) {
      const std::uint64_t address = region.bounds.begin + at;
      const Instruction found =
          decoder_.decode(bytes.substr(at), address, image_.fixed_place);
      const bool stops = found.kind == Kind::Jump || found.kind == Kind::End ||
                         found.kind == Kind::Return ||
                         // The last call of a function does not come back.
                         (region.framed && found.kind == Kind::Call &&
                          at + found.length == bytes.size());
      if (!runs && found.kind != Kind::Padding && found.kind != Kind::Unknown) {
        runs = true;
        events.push_back({address, 0, Event::What::Runs});
      }
      note(found, address, region);
      if (stops) {
        runs = false;
        events.push_back({address, 0, Event::What::Stops});
      }
      marks_[at] |= kBegins;
      const std::uint64_t target = found.target - region.bounds.begin;
      if (found.has_target && target < bytes.size()) {
        marks_[target] |= kAimedAt;
      }
      at += found.length;
    }
  }

  static Event::What event_of(Unwinding::Kind kind) {
    switch (kind) {
      case Unwinding::Kind::Routine:
        return Event::What::Address;
      case Unwinding::Kind::RoutineSlot:
        return Event::What::Memory;
      default:
        return Event::What::Jump;
    }
  }

  static Event::What event_of(Mention::What what) {
    switch (what) {
      case Mention::What::Address:
        return Event::What::Address;
      case Mention::What::Within:
        return Event::What::Within;
      case Mention::What::Memory:
        return Event::What::Memory;
      case Mention::What::Call:
        return Event::What::Call;
      default:
        return Event::What::Jump;
    }
  }

  void note(const Instruction& found, std::uint64_t address,
            const Region& region) {
    using enum Event::What;
    far_.note(found, address);
    switch (found.kind) {
      case Kind::Syscall:
        events.push_back({address, 0, Site});
        return;
      case Kind::OtherSyscall:
        events.push_back({address, 0, OtherSite});
        return;
      case Kind::Unknown:
        events.push_back({address, 0, Unknown});
        return;
      case Kind::Return:
        events.push_back({address, 0, Return});
        return;
      case Kind::Call:
      case Kind::Jump:
      case Kind::Branch:
        if (!found.has_target && found.kind == Kind::Jump) {
          events.push_back({address, 0, Return});
          if (found.place == Place::Address) {
            events.push_back({address, found.address, Table});
          }
        }
        if (found.has_target) {
          // Within a function all is reached anyway.
          if (!region.framed || !region.bounds.holds(found.target)) {
            events.push_back({address, found.target,
                              found.kind == Kind::Call ? Call : Jump});
          }
          return;
        }
        if (found.place == Place::Memory) {
          events.push_back({address, found.address, Slot});
          // What a table of jumps is looked up in: more than one place.
          events.push_back({address, found.address, Memory});
        }
        return;
      default:
        break;
    }
    if (found.has_immediate && image_.in_memory(found.immediate)) {
      events.push_back({address, found.immediate, Address});
    }
    if (found.place != Place::None && image_.in_memory(found.address)) {
      events.push_back({address, found.address,
                        found.place == Place::Address ? Address : Memory});
    }
  }

  const Image& image_;
  const Decoder& decoder_;
  FarAddresses far_;
  std::string marks_;  // of the region that is read
};

}  // namespace

std::vector<Region> find_regions(const Image& image) {
  std::vector<Region> regions;
  auto frame = image.frames.begin();
  for (const Range& code : image.code) {
    std::uint64_t at = code.begin;
    for (; frame != image.frames.end() && frame->begin < code.end; ++frame) {
      const auto next = std::next(frame);
      std::uint64_t end = std::min(frame->end, code.end);
      if (next != image.frames.end()) {
        end = std::min(end, next->begin);
      }
      if (frame->begin < at || end <= frame->begin) {
        continue;
      }
      if (frame->begin > at) {
        regions.push_back({{at, frame->begin}, false});
      }
      regions.push_back({{frame->begin, end}, true});
      at = end;
    }
    if (at < code.end) {
      regions.push_back({{at, code.end}, false});
    }
  }
  return regions;
}

Swept sweep(const Image& image, const std::vector<Region>& regions) {
  const std::unique_ptr<Decoder> decoder = make_decoder(image.arch);
  Sweeper sweeper(image, *decoder);
  for (const Region& region : regions) {
    sweeper.read(region);
  }
  const Mentions mentions = decoder->find_mentions(image);
  sweeper.add(mentions);
  const bool far = sweeper.add_far();
  const bool told = sweeper.add_told();
  return {std::move(sweeper.events), mentions.all && far && told};
}

}  // namespace vambrace::elf
