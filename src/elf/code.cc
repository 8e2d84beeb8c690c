#include "elf/code.h"

#include <algorithm>

#include "elf/go_methods.h"
#include "elf/jump_tables.h"
#include "elf/loose_addresses.h"
#include "elf/sweep.h"

namespace vambrace::elf {
namespace {

// Whether the kernel lets it run.
bool may_run(const Image& image, std::uint64_t address) {
  return std::ranges::any_of(image.segments, [&](const Segment& segment) {
    return segment.execute && segment.memory.holds(address);
  });
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
                 event.what == Event::What::Within ||
                 event.what == Event::What::Far) {
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
  Dealer(const Image& image, const std::vector<Event>& events,
         const JumpTables& tables)
      : image_(image), events_(events), tables_(tables) {}

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
  // Where the entries of a table lead out of the function that speaks of it.
  void add_table(const Function& function,
                 std::span<const std::uint64_t> targets) {
    for (const std::uint64_t target : targets) {
      if (function.bounds.holds(target)) {
        continue;
      }
      code.edges.push_back({target, Edge::Kind::Jump});
      // It may be called as well.
      if (image_.begins_frame(target)) {
        code.edges.push_back({target, Edge::Kind::Address});
      }
    }
  }

  void add_distances(const Function& function, std::uint64_t table) {
    add_table(function, tables_.distances_at(table));
    add_table(function, tables_.far_distances_at(table));
  }

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
      case Event::What::Return:
        function.returns = true;
        return;
      case Event::What::Table:
        add_table(function, tables_.addresses_at(event.target));
        return;
      case Event::What::Slot:
        code.edges.push_back({event.target, Edge::Kind::Slot});
        return;
      case Event::What::Address:
        code.edges.push_back({event.target, Edge::Kind::Address});
        add_distances(function, event.target);
        return;
      case Event::What::Within:
        code.edges.push_back({event.target, Edge::Kind::Within});
        return;
      case Event::What::Far:
        code.edges.push_back({event.target, Edge::Kind::Within});
        add_distances(function, event.target);
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

  const Image& image_;
  const std::vector<Event>& events_;
  const JumpTables& tables_;
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
  const std::vector<Region> regions = find_regions(image);
  const auto [events, all] = sweep(image, regions);
  const JumpTables tables = find_tables(image, events);
  std::vector<Word> words = find_words(image, events, tables);
  const auto methods = find_go_methods(image);
  if (methods && !methods->empty()) {
    for (const auto& [place, function] : *methods) {
      words.push_back({place, function});
    }
    std::ranges::stable_sort(words, {}, &Word::place);
  }
  const Starts starts(image, regions, events, words);
  Dealer dealer(image, events, tables);
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
  code.complete = all;
  code.methods = methods.has_value();
  code.contained = std::ranges::none_of(events, [&](const Event& event) {
    return (event.what == Event::What::Call ||
            event.what == Event::What::Jump) &&
           !image.is_code(event.target) && may_run(image, event.target);
  });
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