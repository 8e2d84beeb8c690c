#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "base/result.h"

namespace vambrace::imports {

using Attributes = std::map<std::string, std::string, std::less<>>;

struct XmlLimits {
  std::size_t bytes = std::size_t{64} << 20;
  std::size_t depth = 64;
  std::size_t elements = 1'000'000;
};

// Called for each element, in document order, with its attributes; an error
// ends the walk and is its answer. `depth` is 1 for the root.
using OnStart = std::function<Result<>(
    std::string_view name, const Attributes& attributes, std::size_t depth)>;
using OnEnd = std::function<void(std::string_view name)>;

// Walks a foreign document. Text between elements is passed over. A document
// type is refused, whatever is in it: with it go entities, which could expand
// without end or name files. InvalidInput, with line and column, for whatever
// is not well-formed or beyond the limits.
Result<> walk_xml(std::string_view bytes, const XmlLimits& limits,
                  const OnStart& on_start, const OnEnd& on_end);

}  // namespace vambrace::imports
