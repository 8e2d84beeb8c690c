#include "elf/process.h"

#include <algorithm>

namespace vambrace::elf {
namespace {

// Where Debian's loader looks when nothing else says so (ld.so(8)).
constexpr std::string_view kFolders[] = {"/lib/x86_64-linux-gnu",
                                         "/usr/lib/x86_64-linux-gnu",
                                         "/lib64",
                                         "/usr/lib64",
                                         "/lib",
                                         "/usr/lib"};

class Loader {
 public:
  Loader(const Root& root, const Request& request)
      : root_(root), request_(request) {}

  Result<Process> load() {
    TRY_ASSIGN(Object * program, add(request_.program, "program"));
    const std::string interpreter(program->image.interpreter);
    follow(0);
    if (!interpreter.empty()) {
      if (Object* loader = add_or_gap(interpreter, "the program's loader")) {
        process_.loader = loader;
      }
    }
    std::size_t done = process_.objects.size();
    for (const Extra& extra : request_.extras) {
      if (Object* object = add_or_gap(extra.path, extra.why)) {
        object->extra = &extra;
      }
    }
    follow(done);
    number();
    return std::move(process_);
  }

 private:
  // The same file under two names is loaded once.
  Result<Object*> add(const std::string& path, const std::string& why) {
    TRY_ASSIGN(RootFile file, during(path, root_.read(path)));
    for (Object& known : process_.objects) {
      if (known.path == file.path) {
        return &known;
      }
    }
    TRY_ASSIGN(Image image, during(path, parse_image(file.bytes.text())));
    Object object{.path = file.path, .why = why, .bytes = file.bytes};
    object.image = std::move(image);
    if (request_.cache != nullptr) {
      object.code = request_.cache->find(object.image);
    }
    if (!object.code) {
      TRY_ASSIGN(Code code, during(path, scan_code(object.image)));
      object.code = std::make_shared<const Code>(std::move(code));
      if (request_.cache != nullptr) {
        request_.cache->keep(object.image, object.code);
      }
    }
    for (std::uint32_t i = 0; i < object.image.symbols.size(); ++i) {
      const Symbol& symbol = object.image.symbols[i];
      if (symbol.defined && !symbol.local) {
        object.exports[symbol.name].push_back(i);
      }
    }
    for (const std::string& fault : object.image.faults) {
      process_.gaps.push_back({"library-unreadable", file.path, "", 0, fault});
    }
    if (!process_.objects.empty() &&
        object.image.arch != process_.objects.front().image.arch) {
      return fail(ErrorCode::InvalidInput, "{}: of another architecture", path);
    }
    process_.objects.push_back(std::move(object));
    return &process_.objects.back();
  }

  Object* add_or_gap(const std::string& path, const std::string& why) {
    Result<Object*> object = add(path, why);
    if (!object) {
      process_.gaps.push_back({object.error().code() == ErrorCode::NotFound
                                   ? "library-missing"
                                   : "library-unreadable",
                               path, "", 0, object.error().message()});
      return nullptr;
    }
    return *object;
  }

  // Breadth first, as symbols are looked up.
  void follow(std::size_t first) {
    for (std::size_t i = first; i < process_.objects.size(); ++i) {
      Object& object = process_.objects[i];
      for (const std::string_view name : object.image.needed) {
        if (const Object* known = by_name(name)) {
          object.needed.push_back(known);
          continue;
        }
        const std::string path = search(object, std::string(name));
        if (path.empty()) {
          process_.gaps.push_back({"library-missing", object.path, "", 0,
                                   fmt::format("needs {}", name)});
        } else if (const Object* found =
                       add_or_gap(path, "needed by " + object.path)) {
          object.needed.push_back(found);
        }
      }
    }
  }

  const Object* by_name(std::string_view name) const {
    for (const Object& object : process_.objects) {
      if (object.image.soname == name) {
        return &object;
      }
    }
    return nullptr;
  }

  std::string search(const Object& /*from*/, const std::string& name) const {
    for (const std::string_view folder : kFolders) {
      const std::string path = fmt::format("{}/{}", folder, name);
      if (root_.is_file(path)) {
        return path;
      }
    }
    return "";
  }

  void number() {
    for (Object& object : process_.objects) {
      object.data = find_cells(object.image, *object.code);
      object.first_cell = process_.cells;
      process_.cells += static_cast<std::uint32_t>(object.data.begins.size());
      object.first_node = process_.nodes;
      process_.nodes +=
          static_cast<std::uint32_t>(object.code->functions.size());
    }
  }

  const Root& root_;
  const Request& request_;
  Process process_;
};

}  // namespace

std::optional<Found> Process::find(const Object& from,
                                   const Symbol& symbol) const {
  const auto in = [&](const Object& object) -> const Symbol* {
    const auto named = object.exports.find(symbol.name);
    if (named == object.exports.end()) {
      return nullptr;
    }
    const Symbol* any = nullptr;
    for (const std::uint32_t index : named->second) {
      const Symbol& candidate = object.image.symbols[index];
      if (candidate.version == symbol.version || candidate.version.empty()) {
        return &candidate;
      }
      if (symbol.version.empty() && !candidate.hidden_version) {
        any = &candidate;
      }
    }
    return any;
  };
  for (const Object& object : objects) {
    if (object.extra == nullptr || &object == &from) {
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

std::optional<Found> Process::find(const Object& in,
                                   std::string_view name) const {
  const auto named = in.exports.find(name);
  if (named == in.exports.end()) {
    return std::nullopt;
  }
  for (const std::uint32_t index : named->second) {
    if (!in.image.symbols[index].hidden_version) {
      return Found{&in, &in.image.symbols[index]};
    }
  }
  return Found{&in, &in.image.symbols[named->second.front()]};
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
  return object.code->functions[node - object.first_node];
}

std::optional<std::uint32_t> Process::node_at(const Object& object,
                                              std::uint64_t address) const {
  if (!object.image.is_code(address)) {
    return std::nullopt;
  }
  if (const auto function = object.code->function_at(address)) {
    return object.first_node + *function;
  }
  // Padding: what comes behind it.
  const auto next = std::ranges::upper_bound(
      object.code->functions, address, {},
      [](const Function& function) { return function.bounds.begin; });
  if (next == object.code->functions.end()) {
    return std::nullopt;
  }
  return object.first_node +
         static_cast<std::uint32_t>(next - object.code->functions.begin());
}

Result<Process> load_process(const Root& root, const Request& request) {
  return Loader(root, request).load();
}

}  // namespace vambrace::elf
