#include "evidence/evidence.h"

#include <algorithm>

#include "evidence/facts.h"

namespace vambrace::evidence {
namespace {

constexpr std::string_view kOrigins[] = {"runtime", "app",     "helper",
                                         "probe",   "session", "harness"};
constexpr std::string_view kSides[] = {"program", "outside", "unknown"};

}  // namespace

Share total(const By& by) {
  Share sum;
  for (const auto& [id, share] : by) {
    add(sum, share);
  }
  return sum;
}

void Arguments::add(std::vector<std::uint64_t> tuple) {
  if (unbounded) {
    return;
  }
  tuples.insert(std::move(tuple));
  if (tuples.size() > kMaxTuples) {
    unbounded = true;
    tuples.clear();
  }
}

void Arguments::add_all(const Arguments& other) {
  if (other.unbounded) {
    unbounded = true;
    tuples.clear();
  }
  for (const auto& tuple : other.tuples) {
    add(tuple);
  }
}

bool has_application(const Evidence& evidence) {
  return std::ranges::any_of(evidence.processes, [](const Process& process) {
    const Origin origin = process.key.origin;
    return (origin == Origin::App || origin == Origin::Helper) &&
           !process.syscalls.empty();
  });
}

std::set<std::string_view> paths_in(const Process& process) {
  std::set<std::string_view> paths;
  for (const FileFact& fact : process.files) {
    paths.insert(fact.path);
  }
  return paths;
}

std::string_view to_string(Origin origin) {
  return kOrigins[static_cast<std::size_t>(origin)];
}

std::optional<Origin> origin_from(std::string_view name) {
  const auto* it = std::find(std::begin(kOrigins), std::end(kOrigins), name);
  if (it == std::end(kOrigins)) {
    return std::nullopt;
  }
  return static_cast<Origin>(it - std::begin(kOrigins));
}

std::string_view to_string(Side side) {
  return kSides[static_cast<std::size_t>(side)];
}

std::optional<Side> side_from(std::string_view name) {
  const auto* it = std::ranges::find(kSides, name);
  return it == std::end(kSides)
             ? std::nullopt
             : std::optional(static_cast<Side>(it - std::begin(kSides)));
}

std::string_view to_string(State state) {
  switch (state) {
    case State::Complete:
      return "complete";
    case State::Incomplete:
      return "incomplete";
    case State::Filtered:
      return "filtered";
  }
  return "unknown";
}

}  // namespace vambrace::evidence
