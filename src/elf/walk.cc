#include "elf/walk.h"

#include <algorithm>

#include "elf/glob.h"

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
    for (const Object& object : process_.objects) {
      add_data(object);
    }
    add_looked_up();
    follow(false);
    std::ranges::sort(calls_);
    const auto same = std::ranges::unique(calls_);
    calls_.erase(same.begin(), same.end());
    return {std::move(visits_), std::move(calls_)};
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
    for (const Word& word : object.code->words) {
      if (const auto node = process_.node_at(object, word.target)) {
        point_to(*node, kNobody, Link::Data);
      }
    }
    for (const Pointer& pointer : object.image.pointers) {
      if (pointer.kind == Pointer::Kind::Copy) {
        take_copied(object, pointer);
      }
    }
    if (object.extra && !(object.extra->observed && is_needed(object))) {
      add_entries(object);
    }
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
    const auto cell = object.data.cell_at(address);
    if (!cell) {
      return;
    }
    const auto add = [&](std::uint32_t index) {
      if (!cells_[object.first_cell + index]) {
        cells_[object.first_cell + index] = true;
        fresh.emplace_back(&object, index);
      }
    };
    add(*cell);
    for (std::uint32_t next = *cell + 1;
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
      touch(object, pointer.target, 0, fresh);
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
      const std::string_view known = name;
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
      for (std::uint32_t node = 0; node < visits_.size(); ++node) {
        if (visits_[node].reached && visits_[node].direct) {
          expand(node, false);
        }
      }
    }
    for (; first_ < queue_.size(); ++first_) {
      // Grows while it is walked through, but not at this distance.
      const std::vector<std::uint32_t> nodes = std::move(queue_[first_]);
      queue_[first_].clear();
      const std::size_t here = first_;
      for (const std::uint32_t node : nodes) {
        expand(node, direct);
      }
      first_ = std::min(first_, here);
    }
    first_ = queue_.size();
  }

  void expand(std::uint32_t node, bool direct) {
    const Object& object = process_.object_of(node);
    const Function& function = object.code->functions[node - object.first_node];
    const bool entry = node_of_entry() == node;
    const bool only_calls = direct;
    std::uint32_t index = function.first_edge;
    for (const Edge& edge : object.code->edges_of(function)) {
      switch (edge.kind) {
        case Edge::Kind::Call:
        case Edge::Kind::Jump:
        case Edge::Kind::Slot:
          if (const std::uint32_t to = target_of(process_, object, index);
              to != kNobody) {
            calls_.emplace_back(to, node);
            visit(to, node, Link::Call, visits_[node].direct);
          }
          break;
        case Edge::Kind::Address:
        case Edge::Kind::Memory:
          // The C library calls what the entry point hands it: main.
          if (entry) {
            take(object, edge, node, true);
          } else if (!only_calls) {
            take(object, edge, node, false);
          }
          break;
      }
      ++index;
    }
  }

  // An address is formed, or memory at an address is read or written.
  void take(const Object& object, const Edge& edge, std::uint32_t from,
            bool called) {
    const Pointer* pointer = object.image.pointer_at(edge.target);
    if (edge.kind == Edge::Kind::Address) {
      if (const auto slot = stub_slot(object.image, edge.target)) {
        pointer = object.image.pointer_at(*slot);
      } else if (object.image.is_code(edge.target)) {
        hand_over(process_.node_at(object, edge.target), from, called);
        return;
      }
    }
    if (pointer != nullptr && pointer->slot) {
      if (const auto node = slot_target(process_, object, *pointer)) {
        hand_over(node, from, called);
        return;
      }
      Fresh fresh;
      follow_pointer(object, *pointer, from, fresh);
      drain(fresh, from);
    } else if (edge.kind == Edge::Kind::Address) {
      reach_data(object, edge.target, from, kFolded);
    } else {
      read_memory(object, edge.target, from);
    }
  }

  // An instruction reads at most so many bytes of the memory it names, and
  // gets hold of what stands there alone.
  void read_memory(const Object& object, std::uint64_t address,
                   std::uint32_t from) {
    constexpr std::uint64_t kWidest = 64;
    Fresh fresh;
    const std::vector<Pointer>& pointers = object.image.pointers;
    for (auto pointer =
             std::ranges::lower_bound(pointers, address, {}, &Pointer::place);
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
  std::vector<std::pair<std::uint32_t, std::uint32_t>> calls_;
  std::vector<std::vector<std::uint32_t>> queue_;  // by hops
  std::size_t first_ = 0;
};

}  // namespace

Walk walk(const Process& process) {
  return Walker(process).run();
}

std::vector<std::uint32_t> Walk::callers_of(std::uint32_t node) const {
  std::vector<std::uint32_t> callers;
  for (auto call = std::ranges::lower_bound(calls, std::pair(node, 0U));
       call != calls.end() && call->first == node; ++call) {
    callers.push_back(call->second);
  }
  return callers;
}

namespace {

constexpr std::uint32_t kUnasked = ~0U - 1;

std::uint32_t find_target(const Process& process, const Object& object,
                          const Edge& edge) {
  if (edge.kind != Edge::Kind::Slot) {
    return call_target(process, object, edge.target).value_or(kNobody);
  }
  const Pointer* pointer = object.image.pointer_at(edge.target);
  return pointer == nullptr
             ? kNobody
             : slot_target(process, object, *pointer).value_or(kNobody);
}

}  // namespace

std::uint32_t target_of(const Process& process, const Object& object,
                        std::uint32_t edge) {
  object.edge_nodes.resize(object.code->edges.size(), kUnasked);
  std::uint32_t& known = object.edge_nodes[edge];
  // What led nowhere may lead into a file that is loaded later.
  if (known == kUnasked || known == kNobody) {
    known = find_target(process, object, object.code->edges[edge]);
  }
  return known;
}

std::vector<bool> find_returning(const Process& process) {
  std::vector<bool> returning(process.nodes, false);
  std::vector<std::uint32_t> fresh;
  // (jumped to, from)
  std::vector<std::pair<std::uint32_t, std::uint32_t>> jumps;
  for (const Object& object : process.objects) {
    std::uint32_t node = object.first_node;
    for (const Function& function : object.code->functions) {
      // What was not read may return, too.
      bool returns = function.returns || function.undecoded;
      for (std::uint32_t edge = function.first_edge;
           edge < function.first_edge + function.edges; ++edge) {
        if (object.code->edges[edge].kind != Edge::Kind::Jump) {
          continue;
        }
        const std::uint32_t to = target_of(process, object, edge);
        if (to != kNobody) {
          jumps.emplace_back(to, node);
        } else {
          returns = true;  // who knows
        }
      }
      if (returns) {
        returning[node] = true;
        fresh.push_back(node);
      }
      ++node;
    }
  }
  std::ranges::sort(jumps);
  while (!fresh.empty()) {
    const std::uint32_t to = fresh.back();
    fresh.pop_back();
    for (auto jump = std::ranges::lower_bound(jumps, std::pair(to, 0U));
         jump != jumps.end() && jump->first == to; ++jump) {
      if (!returning[jump->second]) {
        returning[jump->second] = true;
        fresh.push_back(jump->second);
      }
    }
  }
  return returning;
}

std::optional<std::uint32_t> slot_target(const Process& process,
                                         const Object& object,
                                         const Pointer& pointer) {
  if (pointer.kind == Pointer::Kind::Copy) {
    return std::nullopt;
  }
  if (pointer.kind != Pointer::Kind::Symbol) {
    return process.node_at(object, pointer.target);
  }
  const auto found = process.bind(object, pointer.symbol);
  if (!found) {
    return std::nullopt;
  }
  return process.node_at(
      *found->object,
      found->symbol->address + (pointer.slot ? 0 : pointer.target));
}

std::optional<std::uint32_t> call_target(const Process& process,
                                         const Object& object,
                                         std::uint64_t address) {
  if (const auto slot = stub_slot(object.image, address)) {
    const Pointer* pointer = object.image.pointer_at(*slot);
    return pointer == nullptr ? std::nullopt
                              : slot_target(process, object, *pointer);
  }
  return process.node_at(object, address);
}

std::string function_name(const Object& object, const Function& function) {
  std::string name;
  for (const auto* symbols :
       {&object.image.local_symbols, &object.image.symbols}) {
    for (const Symbol& symbol : *symbols) {
      if (!symbol.defined || !symbol.function ||
          symbol.address != function.bounds.begin || symbol.name.empty()) {
        continue;
      }
      // The plainest of several names.
      if (name.empty() || symbol.name.size() < name.size()) {
        name = symbol.name;
      }
    }
    if (!name.empty()) {
      return name;
    }
  }
  return name;
}

Step step_of(const Process& process, std::uint32_t node, Link link) {
  const Object& object = process.object_of(node);
  const Function& function = process.function_of(node);
  return {object.path, function_name(object, function), function.bounds.begin,
          link};
}

std::vector<Step> chain_to(const Process& process,
                           const std::vector<Visit>& visits,
                           std::uint32_t node) {
  std::vector<Step> chain;
  for (std::uint32_t at = node; at != kNobody; at = visits[at].from) {
    chain.push_back(step_of(process, at, visits[at].link));
  }
  std::ranges::reverse(chain);
  return chain;
}

}  // namespace vambrace::elf
