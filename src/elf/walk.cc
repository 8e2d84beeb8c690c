#include "elf/walk.h"

#include <algorithm>

#include "elf/glob.h"
#include "elf/targets.h"

namespace vambrace::elf {
namespace {

// Breadth first: calls alone before everything else, so that a chain of calls
// is found if there is one.
class Walker {
 public:
  explicit Walker(const Process& process)
      : process_(process), visits_(process.nodes), cells_(process.cells) {}

  Walk run() {
    start();
    follow(true);
    for (std::uint32_t node = 0; node < visits_.size(); ++node) {
      if (visits_[node].reached) {
        over_calls_.push_back(node);
      }
    }
    for (const Object& object : process_.objects) {
      add_data(object);
    }
    add_looked_up();
    follow(false);
    return {std::move(visits_), Callers(calls_, process_.nodes)};
  }

 private:
  void start() {
    const Object& program = process_.objects.front();
    enter(program, program.image.entry, Link::Start);
    if (process_.loader != nullptr) {
      enter(*process_.loader, process_.loader->image.entry, Link::Start);
    }
    for (const Object& object : process_.objects) {
      for (const std::uint64_t address : object.image.initializers) {
        enter(object, address, Link::Initializer);
      }
      for (const std::uint32_t symbol : object.image.initializer_symbols) {
        if (const auto found = process_.bind(object, symbol)) {
          enter(*found->object, found->symbol->address, Link::Initializer);
        }
      }
      for (const Pointer& pointer : object.image.pointers) {
        add_resolver(object, pointer);
      }
    }
  }

  void enter(const Object& object, std::uint64_t address, Link link) {
    if (const auto node = process_.node_at(object, address)) {
      visit(*node, kNobody, link, true);
    }
  }

  // The loader calls what tells which function a symbol is.
  void add_resolver(const Object& object, const Pointer& pointer) {
    if (pointer.kind == Pointer::Kind::Resolver) {
      enter(object, pointer.target, Link::Initializer);
    } else if (pointer.kind == Pointer::Kind::Symbol) {
      const auto found = process_.bind(object, pointer.symbol);
      if (found && found->symbol->resolver) {
        enter(*found->object, found->symbol->address, Link::Initializer);
      }
    }
  }

  // Data that is spoken of by no code we see.
  void add_data(const Object& object) {
    for (const Word& word : object.code.words) {
      if (const auto node = process_.node_at(object, word.target)) {
        point_to(*node, kNobody, Link::Data);
      }
    }
    for (const Pointer& pointer : object.image.pointers) {
      if (pointer.kind == Pointer::Kind::Copy) {
        take_copied(object, pointer);
      }
    }
    if (object.image.thread_data) {
      take_pointers(object, *object.image.thread_data);
    }
    if (object.extra && !(object.extra->observed && is_needed(object))) {
      add_entries(object);
    }
  }

  // All that the loader writes into a part of the memory.
  void take_pointers(const Object& object, const Range& places) {
    Fresh fresh;
    const std::vector<Pointer>& pointers = object.image.pointers;
    for (auto pointer = std::ranges::lower_bound(pointers, places.begin, {},
                                                 &Pointer::place);
         pointer != pointers.end() && pointer->place < places.end; ++pointer) {
      if (!pointer->slot) {
        follow_pointer(object, *pointer, kNobody, fresh);
      }
    }
    drain(fresh, kNobody);
  }

  bool is_needed(const Object& object) const {
    return std::ranges::any_of(process_.objects, [&](const Object& other) {
      return std::ranges::find(other.needed, &object) != other.needed.end();
    });
  }

  // What code asks for by name.
  void add_looked_up() {
    for (const Found& found : process_.looked_up) {
      const std::uint64_t address = found.symbol->address;
      if (const auto node = process_.node_at(*found.object, address)) {
        point_to(*node, kNobody, Link::Lookup);
      } else {
        reach_data(*found.object, address, kNobody, 0);
      }
    }
  }

  // The original of data that the loader copies into the program.
  void take_copied(const Object& into, const Pointer& pointer) {
    const Symbol& symbol = into.image.symbols[pointer.symbol];
    for (const Object& object : process_.objects) {
      if (&object == &into) {
        continue;
      }
      if (const auto found = process_.find(object, symbol.name)) {
        reach_data(object, found->symbol->address, kNobody, 0);
      }
    }
  }

  // Code or data speaks of an address in the data of an object.
  void reach_data(const Object& object, std::uint64_t address,
                  std::uint32_t from, std::uint64_t before) {
    Fresh fresh;
    touch(object, address, before, fresh);
    drain(fresh, from);
  }

  using Fresh = std::vector<std::pair<const Object*, std::uint32_t>>;

  // Compilers fold an index that does not begin with zero into the address,
  // which then lies that far before the table.
  static constexpr std::uint64_t kFolded = 128;

  void touch(const Object& object, std::uint64_t address, std::uint64_t before,
             Fresh& fresh) {
    if (const auto cell = object.data.cell_at(address)) {
      touch_cell(object, *cell, address, before, fresh);
    }
  }

  void touch_cell(const Object& object, std::uint32_t cell,
                  std::uint64_t address, std::uint64_t before, Fresh& fresh) {
    const auto add = [&](std::uint32_t index) {
      if (!cells_[object.first_cell + index]) {
        cells_[object.first_cell + index] = true;
        fresh.emplace_back(&object, index);
      }
    };
    add(cell);
    for (std::uint32_t next = cell + 1;
         next < object.data.begins.size() &&
         object.data.begins[next] - address < before;
         ++next) {
      add(next);
    }
  }

  void look_through(const Object& object, std::uint32_t cell,
                    std::uint32_t from, Fresh& fresh) {
    const std::vector<std::uint64_t>& begins = object.data.begins;
    const std::uint64_t end =
        cell + 1 < begins.size() ? begins[cell + 1] : ~std::uint64_t{0};
    const std::vector<Pointer>& pointers = object.image.pointers;
    for (auto pointer = std::ranges::lower_bound(pointers, begins[cell], {},
                                                 &Pointer::place);
         pointer != pointers.end() && pointer->place < end; ++pointer) {
      if (!pointer->slot) {
        follow_pointer(object, *pointer, from, fresh);
      }
    }
  }

  void follow_pointer(const Object& object, const Pointer& pointer,
                      std::uint32_t from, Fresh& fresh) {
    if (const auto node = slot_target(process_, object, pointer)) {
      point_to(*node, from, Link::Data);
    } else if (pointer.kind == Pointer::Kind::Own) {
      const End end = object.binary->end_of_pointer(pointer);
      if (end.index != End::kNoCell) {
        touch_cell(object, end.index, pointer.target, 0, fresh);
      }
    } else if (pointer.kind == Pointer::Kind::Symbol) {
      const auto found = process_.bind(object, pointer.symbol);
      if (found) {
        touch(*found->object,
              found->symbol->address + (pointer.slot ? 0 : pointer.target), 0,
              fresh);
      }
    }
  }

  // A file that is loaded while the program runs is asked for its functions.
  void add_entries(const Object& object) {
    for (const auto& [name, indices] : object.exports) {
      const std::string_view known = name.text;
      const std::vector<std::string>& wanted = object.extra->entries;
      if (!wanted.empty() &&
          std::ranges::none_of(wanted, [&](const std::string& pattern) {
            return matches(pattern, known);
          })) {
        continue;
      }
      for (const std::uint32_t index : indices) {
        const Symbol& symbol = object.image.symbols[index];
        if (symbol.object) {
          reach_data(object, symbol.address, kNobody, 0);
        }
        if (!symbol.function) {
          continue;
        }
        if (const auto node = process_.node_at(object, symbol.address)) {
          point_to(*node, kNobody, Link::Lookup);
        }
      }
    }
  }

  void visit(std::uint32_t node, std::uint32_t from, Link link, bool direct) {
    Visit& visit = visits_[node];
    if (visit.reached) {
      return;
    }
    const std::uint32_t hops = from == kNobody ? 0 : visits_[from].hops + 1;
    visit = {.reached = true,
             .direct = direct,
             .pointed_to = visit.pointed_to,
             .link = link,
             .from = from,
             .hops = hops};
    if (queue_.size() <= hops) {
      queue_.resize(hops + 1);
    }
    queue_[hops].push_back(node);
    first_ = std::min<std::size_t>(first_, hops);
  }

  void point_to(std::uint32_t node, std::uint32_t from, Link link) {
    visits_[node].pointed_to = true;
    visit(node, from, link, false);
  }

  // With calls alone first; then again from all that was reached, over
  // everything.
  void follow(bool direct) {
    if (!direct) {
      for (const std::uint32_t node : over_calls_) {
        expand(node, kData);  // its calls were followed
      }
    }
    for (; first_ < queue_.size(); ++first_) {
      // Grows while it is walked through, but not at this distance.
      const std::vector<std::uint32_t> nodes = std::move(queue_[first_]);
      queue_[first_].clear();
      const std::size_t here = first_;
      for (const std::uint32_t node : nodes) {
        expand(node, direct ? kCalls : kCalls | kData);
      }
      first_ = std::min(first_, here);
    }
    first_ = queue_.size();
  }

  // What of a function is followed.
  static constexpr unsigned kCalls = 1;
  static constexpr unsigned kData = 2;

  void expand(std::uint32_t node, unsigned what) {
    const Object& object = process_.object_of(node);
    const Function& function = object.code.functions[node - object.first_node];
    const bool entry = node_of_entry() == node;
    std::uint32_t index = function.first_edge;
    for (const Edge& edge : object.code.edges_of(function)) {
      switch (edge.kind) {
        case Edge::Kind::Call:
        case Edge::Kind::Jump:
        case Edge::Kind::Slot:
          if ((what & kCalls) != 0) {
            call(target_of(process_, object, index), node);
          }
          break;
        case Edge::Kind::Address:
        case Edge::Kind::Within:
        case Edge::Kind::Memory:
          // The C library calls what the entry point hands it: main.
          if (entry) {
            take(object, index, node, true);
          } else if ((what & kData) != 0) {
            take(object, index, node, false);
          }
          break;
      }
      ++index;
    }
  }

  void call(std::uint32_t to, std::uint32_t from) {
    if (to != kNobody) {
      calls_.emplace_back(to, from);
      visit(to, from, Link::Call, visits_[from].direct);
    }
  }

  // An address is formed, or memory at an address is read or written.
  void take(const Object& object, std::uint32_t index, std::uint32_t from,
            bool called) {
    const Edge& edge = object.code.edges[index];
    const End end = object.binary->end_of_edge(index);
    if (end.kind == End::Kind::Function) {
      hand_over(object.first_node + end.index, from, called);
    } else if (end.kind == End::Kind::Pointer) {
      take_pointer(object, object.image.pointers[end.index], edge, from,
                   called);
    } else if (end.kind == End::Kind::Data && edge.kind == Edge::Kind::Memory) {
      read_memory(object, edge.target, end.index, from);
    } else if (end.kind == End::Kind::Data) {
      reach_cell(object, end.index, edge.target, from);
    }
  }

  // As take(), of what the loader writes into.
  void take_pointer(const Object& object, const Pointer& pointer,
                    const Edge& edge, std::uint32_t from, bool called) {
    if (called && !pointer.slot && stands_among_slots(object.image, pointer)) {
      // The entry point reads main's address out of its own file.
      if (const auto node = slot_target(process_, object, pointer)) {
        visits_[*node].pointed_to = true;
        hand_over(node, from, true);
        return;
      }
    }
    if (pointer.slot) {
      if (const auto node = slot_target(process_, object, pointer)) {
        hand_over(node, from, called);
        return;
      }
      Fresh fresh;
      follow_pointer(object, pointer, from, fresh);
      drain(fresh, from);
    } else if (edge.kind != Edge::Kind::Memory) {
      reach_data(object, edge.target, from, kFolded);
    } else {
      const auto index = &pointer - object.image.pointers.data();
      read_memory(object, edge.target, static_cast<std::uint32_t>(index), from);
    }
  }

  void reach_cell(const Object& object, std::uint32_t cell,
                  std::uint64_t address, std::uint32_t from) {
    if (cell != End::kNoCell) {
      Fresh fresh;
      touch_cell(object, cell, address, kFolded, fresh);
      drain(fresh, from);
    }
  }

  // Whether it is part of a table that has slots for other files, too: not a
  // variable.
  static bool stands_among_slots(const Image& image, const Pointer& pointer) {
    const std::vector<Pointer>& all = image.pointers;
    const auto here = static_cast<std::size_t>(&pointer - all.data());
    for (std::size_t i = here; i > 0 && all[i].place - all[i - 1].place == 8;
         --i) {
      if (all[i - 1].slot) {
        return true;
      }
    }
    for (std::size_t i = here + 1;
         i < all.size() && all[i].place - all[i - 1].place == 8; ++i) {
      if (all[i].slot) {
        return true;
      }
    }
    return false;
  }

  // An instruction reads at most so many bytes of the memory it names, and
  // gets hold of what stands there alone.
  // The first pointer that stands there or behind it is known.
  void read_memory(const Object& object, std::uint64_t address,
                   std::uint32_t first, std::uint32_t from) {
    constexpr std::uint64_t kWidest = 64;
    Fresh fresh;
    const std::vector<Pointer>& pointers = object.image.pointers;
    for (auto pointer = pointers.begin() + first;
         pointer != pointers.end() && pointer->place - address < kWidest;
         ++pointer) {
      if (!pointer->slot) {
        follow_pointer(object, *pointer, from, fresh);
      }
    }
    drain(fresh, from);
  }

  void drain(Fresh& fresh, std::uint32_t from) {
    while (!fresh.empty()) {
      const auto [owner, cell] = fresh.back();
      fresh.pop_back();
      look_through(*owner, cell, from, fresh);
    }
  }

  void hand_over(std::optional<std::uint32_t> to, std::uint32_t from,
                 bool called) {
    if (!to || *to == from) {
      return;
    }
    if (called) {
      visit(*to, from, Link::Call, true);
    } else {
      point_to(*to, from, Link::AddressTaken);
    }
  }

  std::uint32_t node_of_entry() const {
    const Object& program = process_.objects.front();
    return process_.node_at(program, program.image.entry).value_or(kNobody);
  }

  const Process& process_;
  std::vector<Visit> visits_;
  std::vector<bool> cells_;  // those that were looked through
  Callers::Calls calls_;
  std::vector<std::uint32_t> over_calls_;  // what the first round reached
  std::vector<std::vector<std::uint32_t>> queue_;  // by hops
  std::size_t first_ = 0;
};

}  // namespace

Walk walk(const Process& process) {
  return Walker(process).run();
}

// Dealt out by who is called, since most have few callers.
Callers::Callers(const Calls& calls, std::uint32_t nodes)
    : callers_(calls.size()), begins_(std::size_t{nodes} + 1) {
  for (const auto& [called, caller] : calls) {
    ++begins_[called + 1];
  }
  for (std::size_t i = 1; i < begins_.size(); ++i) {
    begins_[i] += begins_[i - 1];
  }
  std::vector<std::uint32_t> next(begins_.begin(), begins_.end() - 1);
  for (const auto& [called, caller] : calls) {
    callers_[next[called]++] = caller;
  }
  // Without doubles: what stays is moved up.
  std::size_t kept = 0;
  for (std::uint32_t called = 0; called < nodes; ++called) {
    const auto first = callers_.begin() + begins_[called];
    const auto last = callers_.begin() + next[called];
    begins_[called] = static_cast<std::uint32_t>(kept);
    std::sort(first, last);
    for (auto caller = first; caller != last; ++caller) {
      if (kept == begins_[called] || *caller != callers_[kept - 1]) {
        callers_[kept++] = *caller;
      }
    }
  }
  begins_[nodes] = static_cast<std::uint32_t>(kept);
  callers_.resize(kept);
}

}  // namespace vambrace::elf
