#include "import/xml.h"

#include <expat.h>

#include <exception>
#include <memory>
#include <optional>

namespace vambrace::imports {
namespace {

struct Walk {
  XML_Parser parser;
  const XmlLimits& limits;
  const OnStart& on_start;
  const OnEnd& on_end;
  std::size_t depth = 0;
  std::size_t elements = 0;
  std::optional<Error> failed;

  std::string place() const {
    return fmt::format("line {}, column {}", XML_GetCurrentLineNumber(parser),
                       XML_GetCurrentColumnNumber(parser) + 1);
  }
  void stop(Error error) {
    if (!failed) {
      failed = std::move(error).during(place());
      XML_StopParser(parser, XML_FALSE);
    }
  }
  void refuse(std::string_view why) {
    stop(Error(ErrorCode::InvalidInput, std::string(why)));
  }
};

void XMLCALL starts(void* data, const XML_Char* name, const XML_Char** words) {
  Walk& walk = *static_cast<Walk*>(data);
  if (walk.failed) {
    return;
  }
  // expat is C: nothing may be thrown through it.
  try {
    if (++walk.depth > walk.limits.depth) {
      walk.refuse(fmt::format("nested deeper than {}", walk.limits.depth));
      return;
    }
    if (++walk.elements > walk.limits.elements) {
      walk.refuse(fmt::format("more than {} elements", walk.limits.elements));
      return;
    }
    Attributes attributes;
    for (; words[0] != nullptr; words += 2) {
      attributes.emplace(words[0], words[1]);
    }
    if (auto taken = walk.on_start(name, attributes, walk.depth); !taken) {
      walk.stop(std::move(taken.error()));
    }
  } catch (const std::exception& error) {
    walk.refuse(error.what());
  }
}

void XMLCALL ends(void* data, const XML_Char* name) {
  Walk& walk = *static_cast<Walk*>(data);
  if (walk.failed) {
    return;
  }
  --walk.depth;
  try {
    walk.on_end(name);
  } catch (const std::exception& error) {
    walk.refuse(error.what());
  }
}

void XMLCALL has_type(void* data, const XML_Char* /*name*/,
                      const XML_Char* /*system*/, const XML_Char* /*id*/,
                      int /*internal*/) {
  static_cast<Walk*>(data)->refuse("a document type is not accepted");
}

}  // namespace

Result<> walk_xml(std::string_view bytes, const XmlLimits& limits,
                  const OnStart& on_start, const OnEnd& on_end) {
  if (bytes.size() > limits.bytes) {
    return fail(ErrorCode::InvalidInput, "larger than {} bytes", limits.bytes);
  }
  const std::unique_ptr<XML_ParserStruct, void (*)(XML_Parser)> parser(
      XML_ParserCreate(nullptr), XML_ParserFree);
  CHECK(parser != nullptr);
  Walk walk{parser.get(), limits, on_start, on_end, 0, 0, std::nullopt};
  XML_SetUserData(parser.get(), &walk);
  XML_SetElementHandler(parser.get(), starts, ends);
  XML_SetStartDoctypeDeclHandler(parser.get(), has_type);
  // The limit on bytes fits an int.
  const auto status = XML_Parse(parser.get(), bytes.data(),
                                static_cast<int>(bytes.size()), XML_TRUE);
  if (walk.failed) {
    return std::unexpected(std::move(*walk.failed));
  }
  if (status != XML_STATUS_OK) {
    return fail(ErrorCode::InvalidInput, "{}: {}", walk.place(),
                XML_ErrorString(XML_GetErrorCode(parser.get())));
  }
  return {};
}

}  // namespace vambrace::imports
