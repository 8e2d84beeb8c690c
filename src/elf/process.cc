#include "elf/process.h"

#include <algorithm>

namespace vambrace::elf {
namespace {

// More is no process that anybody runs.
constexpr std::size_t kMaxObjects = 4096;

std::optional<std::string> list_of(std::string_view text) {
  return text.empty() ? std::nullopt : std::optional(std::string(text));
}

}  // namespace

ProcessLoader::ProcessLoader(const Root& root, const Request& request,
                             Binaries& binaries)
    : root_(root), request_(request), binaries_(binaries) {}

Result<> ProcessLoader::start() {
  TRY_ASSIGN(RootFile file,
             during(request_.program, root_.read(request_.program)));
  const std::string path = file.path;
  TRY_ASSIGN(const Object* program,
             during(request_.program, load(std::move(file), "program", path)));
  std::string library_path;
  for (const std::string& folder : request_.library_path) {
    library_path += (library_path.empty() ? "" : ":") + folder;
  }
  search_.emplace(
      root_,
      SearchSettings{.interpreter = std::string(program->image.interpreter),
                     .arch = program->image.arch,
                     .program = program->path,
                     .library_path = library_path});
  for (const std::string& remark : search_->remarks()) {
    process_.gaps.push_back(
        {"library-unreadable", program->path, "", 0, remark});
  }
  if (!program->image.interpreter.empty()) {
    for (const std::string& name : search_->preloaded()) {
      search(name, *program);
    }
  }
  follow();
  if (!program->image.interpreter.empty()) {
    process_.loader = load_or_gap(std::string(program->image.interpreter),
                                  "the program's loader");
  }
  for (const Extra& extra : request_.extras) {
    add(extra, *program);
  }
  finish();
  return {};
}

bool ProcessLoader::add(const Extra& extra, const Object& from) {
  const std::size_t before = process_.objects.size();
  const Object* object = nullptr;
  if (extra.path.contains('/')) {
    object = load_or_gap(extra.path, extra.why);
  } else {
    object = by_name(extra.path);
    object = object == nullptr ? search(extra.path, from) : object;
  }
  if (object == nullptr || process_.objects.size() == before) {
    learn_entries(object, extra);
    return false;
  }
  Object& fresh = process_.objects.back();
  fresh.extra = extra;
  fresh.why = extra.why;
  return true;
}

// A rule knows the entries of a file that was seen being loaded.
void ProcessLoader::learn_entries(const Object* object, const Extra& extra) {
  for (Object& known : process_.objects) {
    if (&known == object && known.extra && known.extra->observed &&
        known.extra->entries.empty() && !extra.entries.empty()) {
      known.extra->entries = extra.entries;
    }
  }
}

void ProcessLoader::finish() {
  follow();
  number();
}

// The same file under two names is loaded once.
Result<Object*> ProcessLoader::load(RootFile file, const std::string& why,
                                    const std::string& name) {
  for (Object& known : process_.objects) {
    if (known.path == file.path) {
      return &known;
    }
  }
  if (process_.objects.size() >= kMaxObjects) {
    return fail(ErrorCode::InvalidInput, "more than {} files are loaded",
                kMaxObjects);
  }
  // Hardly anything but a library is loaded into several programs.
  TRY_ASSIGN(std::shared_ptr<const Binary> binary, process_.objects.empty()
                                                       ? read_binary(file.bytes)
                                                       : binaries_.read(file));
  if (!process_.objects.empty() &&
      binary->image.arch != process_.objects.front().image.arch) {
    return fail(ErrorCode::InvalidInput, "of another architecture");
  }
  Object& object = process_.objects.emplace_back(std::move(binary));
  object.path = file.path;
  object.why = why;
  for (const std::string& fault : object.image.faults) {
    process_.gaps.push_back({"library-unreadable", file.path, "", 0, fault});
  }
  if (!object.code.complete) {
    process_.gaps.push_back({"library-unreadable", file.path, "", 0,
                             "what its code speaks of takes too long to tell"});
  }
  if (!object.code.methods) {
    process_.gaps.push_back({"library-unreadable", file.path, "", 0,
                             "the methods of its types, which Go finds while "
                             "it runs, are not in a form that is known"});
  }
  if (!object.code.contained) {
    process_.gaps.push_back({"library-unreadable", file.path, "", 0,
                             "its code goes on in a part that is said to hold "
                             "none, which is not read"});
  }
  object.requester = {.path = name,
                      .rpath = list_of(object.image.rpath),
                      .runpath = list_of(object.image.runpath),
                      .no_default = object.image.no_default_folders};
  return &object;
}

void ProcessLoader::tell(const std::string& name, const Object& from,
                         const Error& error) {
  process_.gaps.push_back(
      {error.code() == ErrorCode::NotFound ? "library-missing"
                                           : "library-unreadable",
       from.path, "", 0, fmt::format("{}: {}", name, error.message())});
}

Object* ProcessLoader::load_or_gap(const std::string& path,
                                   const std::string& why) {
  const Object& program = process_.objects.front();
  auto file = root_.read(path);
  if (!file) {
    tell(path, program, file.error());
    return nullptr;
  }
  auto object = load(std::move(*file), why, path);
  if (!object) {
    tell(path, program, object.error());
    return nullptr;
  }
  return *object;
}

const Object* ProcessLoader::search(const std::string& name,
                                    const Object& from) {
  std::vector<Requester> chain;
  for (const Object* at = &from; at != nullptr; at = at->parent) {
    chain.push_back(at->requester);
  }
  auto found = search_->find(name, chain);
  if (!found) {
    tell(name, from, found.error());
    return nullptr;
  }
  for (const std::string& other : found->alternatives) {
    process_.gaps.push_back({"library-untold", from.path, "", 0,
                             fmt::format("another processor loads {}", other)});
  }
  auto object =
      load(std::move(found->file), "needed by " + from.path, found->name);
  if (!object) {
    tell(name, from, object.error());
    return nullptr;
  }
  if ((*object)->parent == nullptr && *object != &process_.objects.front()) {
    (*object)->parent = &from;
  }
  return *object;
}

// Breadth first, as symbols are looked up.
void ProcessLoader::follow() {
  for (; followed_ < process_.objects.size(); ++followed_) {
    Object& object = process_.objects[followed_];
    for (const std::string_view name : object.image.needed) {
      const Object* found = by_name(name);
      found = found == nullptr ? search(std::string(name), object) : found;
      if (found != nullptr) {
        object.needed.push_back(found);
      }
    }
    for (const std::string_view name : object.image.filtees) {
      add({.path = std::string(name), .why = "stood in for by " + object.path},
          object);
    }
    for (const std::string_view name : object.image.auditors) {
      add({.path = std::string(name),
           .why = "watches the loading of " + object.path,
           .entries = {"la_*"}},
          object);
    }
  }
}

const Object* ProcessLoader::by_name(std::string_view name) const {
  for (const Object& object : process_.objects) {
    if (object.image.soname == name) {
      return &object;
    }
  }
  return nullptr;
}

void ProcessLoader::number() {
  process_.nodes = 0;
  process_.cells = 0;
  for (Object& object : process_.objects) {
    object.first_cell = process_.cells;
    process_.cells += static_cast<std::uint32_t>(object.data.begins.size());
    object.first_node = process_.nodes;
    process_.nodes += static_cast<std::uint32_t>(object.code.functions.size());
  }
}

std::optional<Found> Process::find(const Object& from,
                                   const Symbol& symbol) const {
  const HashedName name(symbol.name);
  const auto in = [&](const Object& object) -> const Symbol* {
    const Symbol* any = nullptr;
    for (const std::uint32_t index : object.exports.find(name)) {
      const Symbol& candidate = object.image.symbols[index];
      if (candidate.version == symbol.version || candidate.version.empty() ||
          (symbol.version.empty() && candidate.first_version)) {
        return &candidate;
      }
      if (symbol.version.empty() && !candidate.hidden_version) {
        any = &candidate;
      }
    }
    return any;
  };
  for (const Object& object : objects) {
    if (!object.extra || &object == &from) {
      if (const Symbol* found = in(object)) {
        return Found{&object, found};
      }
    }
  }
  for (const Object* object : from.needed) {
    if (const Symbol* found = in(*object)) {
      return Found{object, found};
    }
  }
  if (symbol.defined) {
    return Found{&from, &symbol};
  }
  return std::nullopt;
}

const Object::Bound& Process::bound(const Object& from,
                                    std::uint32_t symbol) const {
  from.bound.resize(from.image.symbols.size());
  Object::Bound& known = from.bound[symbol];
  if (known.found.object == nullptr && known.missed < objects.size()) {
    known.found = find(from, from.image.symbols[symbol]).value_or(Found{});
    known.missed = objects.size();
    known.node =
        known.found.object == nullptr
            ? std::nullopt
            : node_at(*known.found.object, known.found.symbol->address);
  }
  return known;
}

std::optional<Found> Process::bind(const Object& from,
                                   std::uint32_t symbol) const {
  const Found& found = bound(from, symbol).found;
  return found.object == nullptr ? std::nullopt : std::optional(found);
}

std::optional<std::uint32_t> Process::bound_node(const Object& from,
                                                 std::uint32_t symbol) const {
  return bound(from, symbol).node;
}

std::optional<Found> Process::find(const Object& in,
                                   std::string_view name) const {
  return find(in, HashedName(name));
}

std::optional<Found> Process::find(const Object& in,
                                   const HashedName& name) const {
  const std::span<const std::uint32_t> named = in.exports.find(name);
  if (named.empty()) {
    return std::nullopt;
  }
  for (const std::uint32_t index : named) {
    if (!in.image.symbols[index].hidden_version) {
      return Found{&in, &in.image.symbols[index]};
    }
  }
  return Found{&in, &in.image.symbols[named.front()]};
}

const Object& Process::object_of(std::uint32_t node) const {
  const auto after =
      std::upper_bound(objects.begin(), objects.end(), node,
                       [](std::uint32_t number, const Object& object) {
                         return number < object.first_node;
                       });
  return *std::prev(after);
}

const Function& Process::function_of(std::uint32_t node) const {
  const Object& object = object_of(node);
  return object.code.functions[node - object.first_node];
}

std::optional<std::uint32_t> Process::node_at(const Object& object,
                                              std::uint64_t address) const {
  const auto function = function_from(object.image, object.code, address);
  return function ? std::optional(object.first_node + *function) : std::nullopt;
}

}  // namespace vambrace::elf
