#include "elf/ends.h"

#include <algorithm>

namespace vambrace::elf {
namespace {

std::optional<End> pointer_end(const Image& image, std::uint64_t place) {
  const Pointer* pointer = image.pointer_at(place);
  return pointer == nullptr
             ? std::nullopt
             : std::optional(End{End::Kind::Pointer,
                                 static_cast<std::uint32_t>(
                                     pointer - image.pointers.data())});
}

// A jump through a variable of the program looks the same.
std::optional<End> stub_end(const Image& image, std::uint64_t address) {
  const auto slot = stub_slot(image, address);
  return slot ? pointer_end(image, *slot) : std::nullopt;
}

End function_end(const Ends::File& file, std::uint64_t address) {
  const auto function = function_from(file.image, file.code, address);
  return function ? End{End::Kind::Function, *function}
                  : End{End::Kind::Nowhere};
}

End data_end(const Ends::File& file, std::uint64_t address) {
  return {End::Kind::Data, file.data.cell_at(address).value_or(End::kNoCell)};
}

End memory_end(const Image& image, std::uint64_t address) {
  const auto first =
      std::ranges::lower_bound(image.pointers, address, {}, &Pointer::place);
  return {End::Kind::Data,
          static_cast<std::uint32_t>(first - image.pointers.begin())};
}

End find_end(const Ends::File& file, const Edge& edge) {
  const Image& image = file.image;
  switch (edge.kind) {
    case Edge::Kind::Call:
    case Edge::Kind::Jump:
      return stub_end(image, edge.target)
          .value_or(function_end(file, edge.target));
    case Edge::Kind::Slot:
      return pointer_end(image, edge.target).value_or(End{End::Kind::Nowhere});
    case Edge::Kind::Memory:
      return pointer_end(image, edge.target)
          .value_or(memory_end(image, edge.target));
    default:
      break;
  }
  if (const auto through = stub_end(image, edge.target)) {
    return *through;
  }
  return image.is_code(edge.target)
             ? function_end(file, edge.target)
             : pointer_end(image, edge.target)
                   .value_or(data_end(file, edge.target));
}

}  // namespace

std::optional<std::uint32_t> function_from(const Image& image, const Code& code,
                                           std::uint64_t address) {
  if (!image.is_code(address)) {
    return std::nullopt;
  }
  const auto next = std::ranges::upper_bound(
      code.functions, address, {},
      [](const Function& function) { return function.bounds.begin; });
  if (next != code.functions.begin() &&
      std::prev(next)->bounds.holds(address)) {
    return static_cast<std::uint32_t>(next - code.functions.begin()) - 1;
  }
  return next == code.functions.end()
             ? std::nullopt
             : std::optional(
                   static_cast<std::uint32_t>(next - code.functions.begin()));
}

End Ends::ask_edge(const File& file, std::uint32_t edge) {
  edges_.resize(file.code.edges.size());
  edges_[edge] = find_end(file, file.code.edges[edge]);
  return edges_[edge];
}

End Ends::ask_pointer(const File& file, std::uint32_t pointer) {
  pointers_.resize(file.image.pointers.size());
  const std::uint64_t target = file.image.pointers[pointer].target;
  const End code = function_end(file, target);
  pointers_[pointer] =
      code.kind == End::Kind::Function ? code : data_end(file, target);
  return pointers_[pointer];
}

}  // namespace vambrace::elf
