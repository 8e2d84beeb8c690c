#include "evidence/facts.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <limits>

#include "base/json.h"

namespace vambrace::evidence {
namespace {

std::uint64_t sum(std::uint64_t a, std::uint64_t b) {
  constexpr std::uint64_t kMax = std::numeric_limits<std::uint64_t>::max();
  return a > kMax - b ? kMax : a + b;
}

using Counts = std::map<std::string, std::uint64_t>;

void add(Counts& to, const Counts& from) {
  for (const auto& [name, count] : from) {
    std::uint64_t& slot = to[name];
    slot = sum(slot, count);
  }
}

void absorb(std::optional<Arguments>& to, bool to_seen,
            const std::optional<Arguments>& from, bool from_seen) {
  const bool unwatched = (to_seen && !to && from) || (from_seen && !from && to);
  if (!to) {
    to = from;
  } else if (from) {
    to->add_all(*from);
  }
  if (unwatched) {
    to = Arguments{.tuples = {}, .unbounded = true};
  }
}

bool any(const By& by, std::uint64_t Share::* number) {
  return std::any_of(by.begin(), by.end(),
                     [&](const auto& entry) { return entry.second.*number; });
}

}  // namespace

void add(Share& to, const Share& from) {
  const bool fresh = to == Share{};
  to.count = sum(to.count, from.count);
  to.denied = sum(to.denied, from.denied);
  add(to.phases, from.phases);
  add(to.errnos, from.errnos);
  add(to.denied_errnos, from.denied_errnos);
  to.first = fresh ? from.first : std::min(to.first, from.first);
  to.last = fresh ? from.last : std::max(to.last, from.last);
}

std::set<std::string> listed(std::string_view text) {
  constexpr std::string_view kSeparator = ", ";
  std::set<std::string> values;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(kSeparator), text.size());
    values.emplace(text.substr(0, end));
    text.remove_prefix(std::min(end + kSeparator.size(), text.size()));
  }
  return values;
}

std::string list(const std::set<std::string>& values) {
  return fmt::format("{}", fmt::join(values, ", "));
}

std::string describe(const MountFact& fact) {
  const auto path = [](const std::optional<std::string>& text) {
    return text ? json::quote_bytes(*text) : "(unknown)";
  };
  std::string out = fact.operation;
  if (!fact.fstype.empty()) {
    out += " " + json::quote_bytes(fact.fstype);
  }
  if (!fact.options.empty()) {
    out +=
        json::quote_bytes(fmt::format(" ({})", fmt::join(fact.options, ", ")));
  }
  if (fact.source != "") {
    out += " " + path(fact.source);
  }
  return fmt::format("{} {} {}", out,
                     fact.operation == "pivot_root" ? "in" : "at",
                     path(fact.target));
}

std::string describe(const TraceFact& fact) {
  return fmt::format("{} {}", fact.access,
                     fact.other == Side::Program ? json::quote_bytes(fact.exe)
                     : fact.other == Side::Outside
                         ? "a process outside"
                         : "a process that is not known");
}

void absorb_arguments(SyscallFact& to, const SyscallFact& from) {
  absorb(to.args, any(to.by, &Share::count), from.args,
         any(from.by, &Share::count));
  absorb(to.denied_args, any(to.by, &Share::denied), from.denied_args,
         any(from.by, &Share::denied));
}

}  // namespace vambrace::evidence
