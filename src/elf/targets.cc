#include "elf/targets.h"

#include <algorithm>

namespace vambrace::elf {
std::uint32_t target_of(const Process& process, const Object& object,
                        std::uint32_t edge) {
  const End end = object.binary->end_of_edge(edge);
  switch (end.kind) {
    case End::Kind::Function:
      return object.first_node + end.index;
    case End::Kind::Pointer:
      return slot_target(process, object, object.image.pointers[end.index])
          .value_or(kNobody);
    default:
      return kNobody;
  }
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
    const End end = object.binary->end_of_pointer(pointer);
    return end.kind == End::Kind::Function
               ? std::optional(object.first_node + end.index)
               : std::nullopt;
  }
  if (pointer.slot || pointer.target == 0) {
    return process.bound_node(object, pointer.symbol);
  }
  const auto found = process.bind(object, pointer.symbol);
  if (!found) {
    return std::nullopt;
  }
  return process.node_at(*found->object,
                         found->symbol->address + pointer.target);
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
