#include "elf/targets.h"

#include <algorithm>

namespace vambrace::elf {
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
  object.edge_nodes.resize(object.code.edges.size(), kUnasked);
  std::uint32_t& known = object.edge_nodes[edge];
  // What led nowhere may lead into a file that is loaded later.
  if (known == kUnasked || known == kNobody) {
    known = find_target(process, object, object.code.edges[edge]);
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
    for (const Function& function : object.code.functions) {
      // What was not read may return, too.
      bool returns = function.returns || function.undecoded;
      for (std::uint32_t edge = function.first_edge;
           edge < function.first_edge + function.edges; ++edge) {
        if (object.code.edges[edge].kind != Edge::Kind::Jump) {
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
  const auto slot = stub_slot(object.image, address);
  // A jump through a variable of the program looks the same.
  const Pointer* pointer = slot ? object.image.pointer_at(*slot) : nullptr;
  return pointer == nullptr ? process.node_at(object, address)
                            : slot_target(process, object, *pointer);
}

}  // namespace vambrace::elf
