#include "elf/loose_addresses.h"

#include <algorithm>
#include <set>

namespace vambrace::elf {
namespace {

// Calls with each place of the data that may hold an address, `step` bytes
// apart, and the address.
template <class Each>
void each_word(const Image& image, std::uint64_t step, Each each) {
  for (const Segment& segment : image.segments) {
    const ByteView bytes =
        image.bytes.substr(segment.offset, segment.file_bytes);
    for (std::uint64_t at = (step - segment.memory.begin % step) % step;
         at + 8 <= bytes.size(); at += step) {
      const std::uint64_t target = *read_at<std::uint64_t>(bytes, at);
      const std::uint64_t place = segment.memory.begin + at;
      if (segment.offset + at >= image.header_bytes && image.is_code(target) &&
          !image.is_code(place)) {
        each(place, target);
      }
    }
  }
}

// All words that may be addresses of code.
std::vector<Word> aligned_words(const Image& image) {
  std::vector<Word> words;
  if (image.fixed_place) {
    each_word(image, 8, [&](std::uint64_t place, std::uint64_t target) {
      words.push_back({place, target});
    });
  }
  return words;
}

// Those that a packed structure put anywhere. Small numbers beside each other
// look like addresses, too, so that only beginnings of functions count.
void add_unaligned(const Image& image, std::vector<Word>& words) {
  if (!image.fixed_place) {
    return;
  }
  each_word(image, 1, [&](std::uint64_t place, std::uint64_t target) {
    if (place % 8 != 0 && image.begins_frame(target)) {
      words.push_back({place, target});
    }
  });
  std::ranges::sort(words, {}, &Word::place);
}

// Objects point to their tables of virtual functions, which may be distances.
void add_relative(const Image& image, const JumpTables& tables,
                  std::vector<Word>& words) {
  for (const Pointer& pointer : image.pointers) {
    if (pointer.kind != Pointer::Kind::Own) {
      continue;
    }
    for (const std::uint64_t target : tables.distances_at(pointer.target)) {
      if (image.begins_frame(target)) {
        words.push_back({pointer.target, target});
      }
    }
  }
  std::ranges::sort(words, {}, &Word::place);
}

// Leaves out the tables that nothing but jumps speaks of: the functions with
// these jumps have edges to where they lead. A table reaches as far as
// addresses of code follow each other, or to the next thing that code speaks
// of.
void drop_tables(const std::vector<Event>& events, std::vector<Word>& words) {
  if (words.empty()) {
    return;
  }
  std::vector<std::uint64_t> tables, spoken;
  for (const Event& event : events) {
    if (event.what == Event::What::Table) {
      tables.push_back(event.target);
    } else if (event.what == Event::What::Address ||
               event.what == Event::What::Within ||
               event.what == Event::What::Far ||
               event.what == Event::What::Memory) {
      spoken.push_back(event.target);
    }
  }
  std::ranges::sort(spoken);
  std::set<std::uint64_t> dropped;
  for (const std::uint64_t table : tables) {
    const auto next = std::ranges::lower_bound(spoken, table);
    const std::uint64_t end = next == spoken.end() ? ~0ULL : *next;
    std::uint64_t place = table;
    for (auto word = std::ranges::lower_bound(words, table, {}, &Word::place);
         word != words.end() && word->place == place && place < end; ++word) {
      dropped.insert(place);
      place += 8;
    }
  }
  std::erase_if(words,
                [&](const Word& word) { return dropped.contains(word.place); });
}

}  // namespace

JumpTables find_tables(const Image& image, const std::vector<Event>& events) {
  std::vector<std::uint64_t> places, jumps;
  bool far = false;  // the model whose distances have 64 bits
  for (const Event& event : events) {
    if (event.what == Event::What::Address) {
      places.push_back(event.target);
    } else if (event.what == Event::What::Far) {
      places.push_back(event.target);
      far = true;
    } else if (event.what == Event::What::Table) {
      jumps.push_back(event.target);
    }
  }
  for (const Pointer& pointer : image.pointers) {
    if (pointer.kind == Pointer::Kind::Own) {
      places.push_back(pointer.target);
    }
  }
  // Functions are no tables, whatever numbers their first instructions look
  // like.
  std::erase_if(places,
                [&](std::uint64_t place) { return image.begins_frame(place); });
  std::vector<std::uint64_t> far_places =
      far ? places : std::vector<std::uint64_t>();
  return {image, std::move(places), std::move(far_places), std::move(jumps)};
}

std::vector<Word> find_words(const Image& image,
                             const std::vector<Event>& events,
                             const JumpTables& tables) {
  std::vector<Word> words = aligned_words(image);
  drop_tables(events, words);
  add_unaligned(image, words);
  add_relative(image, tables, words);
  return words;
}

}  // namespace vambrace::elf
