#include <algorithm>
#include <deque>
#include <map>
#include <utility>

#include "policy/apparmor/pattern.h"

// All machines read the same path, byte by byte, each in the set of states that
// it may be in. The search goes through these sets, the shortest path first,
// until the first machine accepts and no other one does. Bytes that no machine
// tells apart are tried once.
namespace vambrace::policy::apparmor {
namespace {

constexpr std::size_t kMaxPlaces = 20'000;

// The letters of the examples that people read, before all other bytes.
std::string bytes_by_liking() {
  std::string out = "/x";
  for (int c = 1; c < 256; ++c) {
    const char byte = static_cast<char>(c);
    const bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    if (plain) {
      out.insert(out.end(), byte);
    }
  }
  for (int c = 1; c < 256; ++c) {
    out += static_cast<char>(c);
  }
  return out;
}

}  // namespace

// The machines, the one in question first.
class PatternSearch {
 public:
  PatternSearch(const Pattern& one, std::span<const Pattern* const> others) {
    machines_.push_back(&one);
    machines_.insert(machines_.end(), others.begin(), others.end());
    choose_bytes();
  }

  std::optional<std::string> run() {
    Place start;
    for (const Pattern* machine : machines_) {
      std::vector<std::uint32_t> states;
      std::vector<bool> seen(machine->states_.size());
      machine->reach(machine->start_, states, seen);
      std::ranges::sort(states);
      start.push_back(std::move(states));
    }
    std::map<Place, std::string> paths{{start, ""}};
    std::deque<Place> next{start};
    while (!next.empty()) {
      const Place place = std::move(next.front());
      next.pop_front();
      const std::string path = paths.at(place);
      if (is_beyond(place) && !path.empty()) {
        return path;
      }
      for (const char byte : bytes_) {
        Place then = step(place, byte);
        if (then[0].empty() || paths.contains(then)) {
          continue;
        }
        if (paths.size() == kMaxPlaces) {
          return "";
        }
        paths.emplace(then, path + byte);
        next.push_back(std::move(then));
      }
    }
    return std::nullopt;
  }

 private:
  // For each machine the states that it may be in, sorted.
  using Place = std::vector<std::vector<std::uint32_t>>;

  void choose_bytes() {
    static const std::string kBytes = bytes_by_liking();
    std::map<std::vector<bool>, char> kinds;
    for (const char byte : kBytes) {
      std::vector<bool> kind;
      for (const Pattern* machine : machines_) {
        for (const Pattern::Bytes& set : machine->sets_) {
          kind.push_back(set.test(static_cast<unsigned char>(byte)));
        }
      }
      if (kinds.emplace(std::move(kind), byte).second) {
        bytes_ += byte;
      }
    }
  }

  Place step(const Place& from, char byte) const {
    Place then;
    for (std::size_t i = 0; i < machines_.size(); ++i) {
      const Pattern& machine = *machines_[i];
      std::vector<std::uint32_t> states;
      std::vector<bool> seen(machine.states_.size());
      for (const std::uint32_t state : from[i]) {
        const Pattern::State& one = machine.states_[state];
        if (one.set >= 0 &&
            machine.sets_[one.set].test(static_cast<unsigned char>(byte))) {
          machine.reach(one.next, states, seen);
        }
      }
      std::ranges::sort(states);
      then.push_back(std::move(states));
    }
    return then;
  }

  bool accepts(const Place& place, std::size_t machine) const {
    return std::ranges::binary_search(place[machine],
                                      machines_[machine]->accept_);
  }

  bool is_beyond(const Place& place) const {
    for (std::size_t i = 1; i < machines_.size(); ++i) {
      if (accepts(place, i)) {
        return false;
      }
    }
    return accepts(place, 0);
  }

  std::vector<const Pattern*> machines_;
  std::string bytes_;
};

std::optional<std::string> beyond(const Pattern& one,
                                  std::span<const Pattern* const> others) {
  return PatternSearch(one, others).run();
}

}  // namespace vambrace::policy::apparmor
