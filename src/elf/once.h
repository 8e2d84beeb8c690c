#pragma once

namespace vambrace::elf {

// The answer in `known`, or what `ask` says, which is then known. It stays
// where it is as long as `known` is a map of nodes.
template <class Map, class Ask>
const typename Map::mapped_type& once(Map& known,
                                      const typename Map::key_type& key,
                                      Ask ask) {
  auto found = known.find(key);
  if (found == known.end()) {
    found = known.emplace(key, ask()).first;
  }
  return found->second;
}

}  // namespace vambrace::elf
