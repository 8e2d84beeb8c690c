#include "elf/reach.h"

#include <array>

namespace vambrace::elf {
namespace {

struct LinkName {
  Link link;
  std::string_view name;
};

constexpr std::array kLinks = {
    LinkName{Link::Start, "start"},
    LinkName{Link::Initializer, "initializer"},
    LinkName{Link::Call, "call"},
    LinkName{Link::AddressTaken, "address taken"},
    LinkName{Link::Data, "data"},
    LinkName{Link::Lookup, "lookup"},
};

}  // namespace

std::string_view to_string(Link link) {
  for (const LinkName& known : kLinks) {
    if (known.link == link) {
      return known.name;
    }
  }
  return "call";
}

std::optional<Link> link_from(std::string_view name) {
  for (const LinkName& known : kLinks) {
    if (known.name == name) {
      return known.link;
    }
  }
  return std::nullopt;
}

std::string_view to_string(Confidence confidence) {
  return confidence == Confidence::Direct ? "direct" : "indirect";
}

std::optional<Confidence> confidence_from(std::string_view name) {
  if (name == "direct") {
    return Confidence::Direct;
  }
  if (name == "indirect") {
    return Confidence::Indirect;
  }
  return std::nullopt;
}

}  // namespace vambrace::elf
