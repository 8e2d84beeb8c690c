// Whether the cells that the analysis cuts data into (src/elf/data.h) part what
// belongs together:
//
//   build/bench/data_cells FILE [DEBUG_FILE]
//
// A stripped file does not say where its variables are; here they are taken
// from the symbols of the file, or of the debug file that belongs to it, which
// the cutting does not get to see. A variable with pointers to functions in two
// cells could be reached by one of its parts alone.
#include <algorithm>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "elf/code.h"
#include "elf/data.h"
#include "elf/image.h"

using namespace vambrace;

namespace {

std::string read_file(const char* path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream bytes;
  bytes << file.rdbuf();
  return bytes.str();
}

// Places in the variable that hold, or will hold, a function's address.
std::vector<std::uint64_t> functions_in(const elf::Image& image,
                                        const elf::Symbol& variable) {
  std::vector<std::uint64_t> places;
  for (const elf::Pointer& pointer : image.pointers) {
    const bool inside = pointer.place >= variable.address &&
                        pointer.place < variable.address + variable.size;
    const bool function = pointer.kind == elf::Pointer::Kind::Own
                              ? image.is_code(pointer.target)
                              : pointer.kind == elf::Pointer::Kind::Symbol &&
                                    !image.symbols[pointer.symbol].object;
    if (inside && function && !pointer.slot) {
      places.push_back(pointer.place);
    }
  }
  return places;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    fmt::print(stderr, "usage: data_cells FILE [DEBUG_FILE]\n");
    return 2;
  }
  const std::string bytes = read_file(argv[1]);
  const std::string debug = argc > 2 ? read_file(argv[2]) : bytes;
  auto image = elf::parse_image(bytes);
  const auto named = elf::parse_image(debug);
  if (!image || !named) {
    fmt::print(stderr, "{}\n",
               (image ? named.error() : image.error()).message());
    return 1;
  }
  image->local_symbols.clear();
  const elf::Code code = elf::scan_code(*image);
  const elf::DataCells cells = elf::find_cells(*image, code);
  std::vector<elf::Symbol> variables = named->local_symbols;
  std::erase_if(variables, [](const elf::Symbol& symbol) {
    return !symbol.object || symbol.size < 16;
  });
  std::ranges::sort(variables, {}, &elf::Symbol::address);
  std::size_t holding = 0, parted = 0;
  std::uint64_t last = 0;
  for (const elf::Symbol& variable : variables) {
    const auto places = functions_in(*image, variable);
    if (places.empty() || variable.address == last) {
      continue;
    }
    last = variable.address;
    ++holding;
    if (cells.cell_at(places.front()) != cells.cell_at(places.back())) {
      ++parted;
      fmt::print("parted: {} of {} bytes\n", variable.name, variable.size);
    }
  }
  fmt::print(
      "{}: {} variables hold pointers to functions, {} of them in two "
      "cells or more\n",
      argv[1], holding, parted);
  return parted == 0 ? 0 : 1;
}
