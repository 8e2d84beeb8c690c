#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "elf/analysis.h"
#include "elf/binary.h"
#include "elf/library_search.h"
#include "elf/reach.h"
#include "elf/root.h"

// The files of one process, as the loader would have them.
namespace vambrace::elf {

// A file that is loaded. Its address stays, since others point to it.
struct Object;

// Where a symbol was found.
struct Found {
  const Object* object = nullptr;
  const Symbol* symbol = nullptr;
};

struct Object {
  explicit Object(std::shared_ptr<const Binary> of)
      : binary(std::move(of)),
        image(binary->image),
        code(binary->code),
        data(binary->data),
        exports(binary->exports) {}

  std::string path;
  std::string why;
  // Shared with other processes that load the file.
  std::shared_ptr<const Binary> binary;
  const Image& image;
  const Code& code;
  const DataCells& data;
  const Exports& exports;
  // Number of its first function among those of the process.
  std::uint32_t first_node = 0;
  std::uint32_t first_cell = 0;  // of its data, among those of the process
  std::vector<const Object*> needed;
  // Loaded while it runs (dlopen): its symbols are looked up by name.
  std::optional<Extra> extra;
  // What each symbol is bound to, as far as that was asked for.
  struct Bound {
    Found found;
    // The function there.
    std::optional<std::uint32_t> node;
    // With how many objects nothing was found: more may have it.
    std::size_t missed = 0;
  };
  mutable std::vector<Bound> bound;
  Requester requester;             // as it asks for what it needs
  const Object* parent = nullptr;  // who needs it; of the program none
};

// Thread rule: one thread, since it remembers what was asked of it.
struct Process {
  // The program, then in the order in which symbols are looked up.
  std::deque<Object> objects;
  const Object* loader = nullptr;  // of the program; nullptr: it has none
  std::vector<Gap> gaps;
  // Functions and data that code looks up by their names (dlsym).
  std::vector<Found> looked_up;
  std::uint32_t nodes = 0;  // functions of all objects
  std::uint32_t cells = 0;  // of the data of all objects

  // What the loader binds a symbol of an object to, by the symbol's index;
  // nullopt if nothing has it. Remembers what was found.
  std::optional<Found> bind(const Object& from, std::uint32_t symbol) const;
  // The function that this is, by its number.
  std::optional<std::uint32_t> bound_node(const Object& from,
                                          std::uint32_t symbol) const;
  // The exported definition by a name alone, of the newest version.
  std::optional<Found> find(const Object& in, std::string_view name) const;
  std::optional<Found> find(const Object& in, const HashedName& name) const;

  // Functions by their number among those of all objects.
  const Object& object_of(std::uint32_t node) const;
  const Function& function_of(std::uint32_t node) const;
  std::optional<std::uint32_t> node_at(const Object& object,
                                       std::uint64_t address) const;

 private:
  std::optional<Found> find(const Object& from, const Symbol& symbol) const;
  const Object::Bound& bound(const Object& from, std::uint32_t symbol) const;
};

// Loads the files of a process, first those that it starts with, then what it
// is found to load by itself.
class ProcessLoader {
 public:
  // All must outlive it.
  ProcessLoader(const Root& root, const Request& request, Binaries& binaries);

  // The program, its loader, what they need, and the extras of the request.
  // Fails only if the program itself cannot be read; the rest becomes gaps.
  Result<> start();

  // A file of that name, as dlopen finds it: a path, or a name to search for.
  // True if it is new. Call finish() after the last one.
  bool add(const Extra& extra, const Object& from);
  void finish();

  Process& process() { return process_; }

 private:
  Result<Object*> load(RootFile file, const std::string& why,
                       const std::string& name);
  void learn_entries(const Object* object, const Extra& extra);
  Object* load_or_gap(const std::string& path, const std::string& why);
  const Object* by_name(std::string_view name) const;
  const Object* search(const std::string& name, const Object& from);
  void tell(const std::string& name, const Object& from, const Error& error);
  void follow();
  void number();

  const Root& root_;
  const Request& request_;
  Binaries& binaries_;
  Process process_;
  std::optional<LibrarySearch> search_;
  std::size_t followed_ = 0;  // objects whose needs are loaded
};

}  // namespace vambrace::elf
