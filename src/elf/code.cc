#include "elf/code.h"

#include <algorithm>
#include <set>

#include "elf/instruction.h"

namespace vambrace::elf {
namespace {

using Kind = Instruction::Kind;
using Place = Instruction::Place;

// What the sweep through the code leaves behind, by address.
struct Event {
  enum class What : std::uint8_t {
    Call,
    Jump,
    Slot,
    Address,
    Within,
    Memory,
    Returns,
    Table,  // of addresses that a jump goes to
    Site,
    OtherSite,
    Unknown,
    Runs,   // an instruction behind one that ends
    Stops,  // one that does not go on behind itself
  };
  std::uint64_t at = 0;
  std::uint64_t target = 0;
  What what = What::Call;
};

// A piece of the code that is read from its beginning on.
struct Region {
  Range bounds;
  bool framed = false;  // bounds of a function, from .eh_frame
};

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

class Sweep {
 public:
  Sweep(const Image& image, const Decoder& decoder)
      : image_(image), decoder_(decoder) {
    std::size_t bytes = 0;
    for (const Range& code : image.code) {
      bytes += code.end - code.begin;
    }
    // About as many as there are.
    events.reserve(std::min(bytes, image.bytes.size()) / 16);
  }

  void read(const Region& region) {
    ByteView bytes = image_.from(region.bounds.begin);
    bytes = bytes.substr(
        0, std::min<std::uint64_t>(bytes.size(),
                                   region.bounds.end - region.bounds.begin));
    bool runs = region.framed;
    for (std::uint64_t at = 0; at < bytes.size();) {
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
      at += found.length;
    }
  }

  // What one instruction alone does not tell.
  void add(const Mentions& mentions) {
    if (mentions.found.empty()) {
      return;
    }
    const std::size_t before = events.size();
    for (const Mention& mention : mentions.found) {
      const Event::What what = event_of(mention.what);
      if (what == Event::What::Call || what == Event::What::Jump ||
          in_image(mention.target)) {
        events.push_back({mention.at, mention.target, what});
      }
    }
    std::ranges::inplace_merge(
        events, events.begin() + static_cast<std::ptrdiff_t>(before), {},
        &Event::at);
  }

  std::vector<Event> events;

 private:
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
        events.push_back({address, 0, Returns});
        return;
      case Kind::Call:
      case Kind::Jump:
      case Kind::Branch:
        if (!found.has_target && found.kind == Kind::Jump) {
          events.push_back({address, 0, Returns});
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
    if (found.has_immediate && in_image(found.immediate)) {
      events.push_back({address, found.immediate, Address});
    }
    if (found.place != Place::None && in_image(found.address)) {
      events.push_back({address, found.address,
                        found.place == Place::Address ? Address : Memory});
    }
  }

  bool in_image(std::uint64_t address) const {
    return std::ranges::any_of(image_.segments, [&](const Segment& segment) {
      return segment.memory.holds(address);
    });
  }

  const Image& image_;
  const Decoder& decoder_;
};

// All words of the data that may be addresses of code.
std::vector<Word> find_words(const Image& image) {
  std::vector<Word> words;
  if (!image.fixed_place) {
    return words;
  }
  for (const Segment& segment : image.segments) {
    const ByteView bytes =
        image.bytes.substr(segment.offset, segment.file_bytes);
    for (std::uint64_t at = (8 - segment.memory.begin % 8) % 8;
         at + 8 <= bytes.size(); at += 8) {
      const std::uint64_t place = segment.memory.begin + at;
      const std::uint64_t target = *read_at<std::uint64_t>(bytes, at);
      if (segment.offset + at >= image.header_bytes && image.is_code(target) &&
          !image.is_code(place)) {
        words.push_back({place, target});
      }
    }
  }
  return words;
}

// Leaves out the tables that jumps go through: their addresses lie within
// functions. A table reaches as far as addresses of code follow each other, or
// to the next thing that code speaks of.
void drop_tables(const std::vector<Event>& events, std::vector<Word>& words) {
  if (words.empty()) {
    return;
  }
  std::vector<std::uint64_t> tables, spoken;
  for (const Event& event : events) {
    if (event.what == Event::What::Table) {
      tables.push_back(event.target);
    } else if (event.what == Event::What::Address ||
               event.what == Event::What::Within ||
               event.what == Event::What::Memory) {
      spoken.push_back(event.target);
    }
  }
  std::ranges::sort(spoken);
  std::set<std::uint64_t> dropped;
  for (const std::uint64_t table : tables) {
    const auto next = std::ranges::upper_bound(spoken, table);
    const std::uint64_t end = next == spoken.end() ? ~0ULL : *next;
    std::uint64_t place = table;
    for (auto word = std::ranges::lower_bound(words, table, {}, &Word::place);
         word != words.end() && word->place == place && place < end; ++word) {
      dropped.insert(place);
      place += 8;
    }
  }
  std::erase_if(words,
                [&](const Word& word) { return dropped.contains(word.place); });
}

// Where functions begin outside of .eh_frame: all that is spoken of.
class Starts {
 public:
  Starts(const Image& image, const std::vector<Region>& regions,
         const std::vector<Event>& events, const std::vector<Word>& words)
      : image_(image) {
    for (const Region& region : regions) {
      (region.framed ? framed_ : gaps_).push_back(region.bounds);
      if (region.framed) {
        found.push_back({region.bounds.begin, false});
      } else {
        found.push_back({region.bounds.begin, true});
      }
    }
    add_known();
    for (const Event& event : events) {
      if (event.what == Event::What::Call) {
        add(event.target, true);
      } else if (event.what == Event::What::Address ||
                 event.what == Event::What::Within) {
        add(event.target, true);
      }
    }
    for (const Word& word : words) {
      add(word.target, true);
    }
    std::ranges::sort(found, {}, [](const Start& start) {
      return std::pair(start.at, start.guessed);
    });
    const auto same = std::ranges::unique(found, {}, &Start::at);
    found.erase(same.begin(), same.end());
  }

  struct Start {
    std::uint64_t at = 0;
    bool guessed = false;
  };
  std::vector<Start> found;

 private:
  void add_known() {
    add(image_.entry, false);
    for (const auto* symbols : {&image_.symbols, &image_.local_symbols}) {
      for (const Symbol& symbol : *symbols) {
        if (symbol.function && symbol.defined) {
          add(symbol.address, false);
        }
      }
    }
    for (const std::uint64_t address : image_.initializers) {
      add(address, false);
    }
    for (const Pointer& pointer : image_.pointers) {
      if (pointer.kind != Pointer::Kind::Symbol) {
        add(pointer.target, true);
      }
    }
  }

  void add(std::uint64_t at, bool guessed) {
    const auto after = std::ranges::upper_bound(gaps_, at, {}, &Range::begin);
    if (after != gaps_.begin() && std::prev(after)->holds(at)) {
      found.push_back({at, guessed});
    }
  }

  const Image& image_;
  std::vector<Range> framed_;
  std::vector<Range> gaps_;
};

// Deals the events out to the functions in which they are.
class Dealer {
 public:
  explicit Dealer(const std::vector<Event>& events) : events_(events) {}

  // A region begins; what stands before the first function of a framed one
  // does not run into it.
  void begin(const Region& region) { runs_ = region.framed; }

  void deal(Range bounds, bool guessed) {
    Function function{.bounds = bounds};
    function.first_edge = static_cast<std::uint32_t>(code.edges.size());
    function.first_site = static_cast<std::uint32_t>(code.sites.size());
    const std::size_t first = at_;
    for (; at_ < events_.size() && events_[at_].at < bounds.end; ++at_) {
      const Event& event = events_[at_];
      if (event.what == Event::What::Runs) {
        runs_ = true;
      } else if (event.what == Event::What::Stops) {
        runs_ = false;
      } else {
        add(function, event);
      }
    }
    if (guessed && first == at_ && !runs_) {
      return;  // padding
    }
    if (runs_) {
      code.edges.push_back({bounds.end, Edge::Kind::Jump});
    }
    const auto edges = std::ranges::subrange(
        code.edges.begin() + function.first_edge, code.edges.end());
    std::ranges::sort(edges);
    const auto same = std::ranges::unique(edges);
    code.edges.erase(same.begin(), same.end());
    function.edges =
        static_cast<std::uint32_t>(code.edges.size()) - function.first_edge;
    function.sites =
        static_cast<std::uint32_t>(code.sites.size()) - function.first_site;
    code.functions.push_back(function);
  }

  Code code;

 private:
  void add(Function& function, const Event& event) {
    switch (event.what) {
      case Event::What::Call:
      case Event::What::Jump:
        if (!function.bounds.holds(event.target)) {
          code.edges.push_back({event.target, event.what == Event::What::Call
                                                  ? Edge::Kind::Call
                                                  : Edge::Kind::Jump});
        }
        return;
      case Event::What::Returns:
        function.returns = true;
        return;
      case Event::What::Table:
        return;
      case Event::What::Slot:
        code.edges.push_back({event.target, Edge::Kind::Slot});
        return;
      case Event::What::Address:
        code.edges.push_back({event.target, Edge::Kind::Address});
        return;
      case Event::What::Within:
        code.edges.push_back({event.target, Edge::Kind::Within});
        return;
      case Event::What::Memory:
        code.edges.push_back({event.target, Edge::Kind::Memory});
        return;
      case Event::What::Site:
      case Event::What::OtherSite:
        code.sites.push_back({event.at, event.what == Event::What::Site});
        return;
      case Event::What::Unknown:
        function.undecoded = true;
        return;
      case Event::What::Runs:
      case Event::What::Stops:
        return;
    }
  }

  const std::vector<Event>& events_;
  std::size_t at_ = 0;
  bool runs_ = false;
};

}  // namespace

std::optional<std::uint32_t> Code::function_at(std::uint64_t address) const {
  const auto after = std::ranges::upper_bound(
      functions, address, {},
      [](const Function& function) { return function.bounds.begin; });
  if (after == functions.begin() || !std::prev(after)->bounds.holds(address)) {
    return std::nullopt;
  }
  return static_cast<std::uint32_t>(std::prev(after) - functions.begin());
}

std::span<const std::uint64_t> Code::entries_of(
    const Function& function) const {
  const auto first =
      std::ranges::upper_bound(inner_entries, function.bounds.begin);
  const auto last =
      std::ranges::lower_bound(inner_entries, function.bounds.end);
  return {first, std::max(first, last)};
}

Code scan_code(const Image& image) {
  const std::unique_ptr<Decoder> decoder = make_decoder(image.arch);
  const std::vector<Region> regions = find_regions(image);
  Sweep sweep(image, *decoder);
  for (const Region& region : regions) {
    sweep.read(region);
  }
  const Mentions mentions = decoder->find_mentions(image);
  sweep.add(mentions);
  std::vector<Word> words = find_words(image);
  drop_tables(sweep.events, words);
  const Starts starts(image, regions, sweep.events, words);
  Dealer dealer(sweep.events);
  auto start = starts.found.begin();
  for (const Region& region : regions) {
    dealer.begin(region);
    for (; start != starts.found.end() && region.bounds.holds(start->at);
         ++start) {
      const auto next = std::next(start);
      const std::uint64_t end = next == starts.found.end()
                                    ? region.bounds.end
                                    : std::min(region.bounds.end, next->at);
      dealer.deal({start->at, end}, start->guessed);
    }
  }
  Code& code = dealer.code;
  code.complete = mentions.all;
  for (const Word& word : words) {
    const auto function = code.function_at(word.target);
    if (function && code.functions[*function].bounds.begin == word.target) {
      code.words.push_back(word);
    }
  }
  for (const Edge& edge : code.edges) {
    if (edge.kind != Edge::Kind::Call && edge.kind != Edge::Kind::Jump) {
      continue;
    }
    const auto function = code.function_at(edge.target);
    if (function && code.functions[*function].bounds.begin != edge.target) {
      code.inner_entries.push_back(edge.target);
    }
  }
  std::ranges::sort(code.inner_entries);
  const auto same = std::ranges::unique(code.inner_entries);
  code.inner_entries.erase(same.begin(), same.end());
  return std::move(code);
}

}  // namespace vambrace::elf
