#include "elf/discover.h"

#include <algorithm>
#include <array>

#include "elf/chain.h"
#include "elf/convention.h"

namespace vambrace::elf {
namespace {

constexpr std::size_t kMaxName = 4096;

// A function that takes a name, and which of its arguments that is.
struct NameTaker {
  std::string_view name;
  std::size_t argument;
  bool loads;  // a file; else a symbol
};

constexpr std::array kNameTakers = {
    NameTaker{"dlopen", 0, true},
    NameTaker{"dlmopen", 1, true},
    NameTaker{"__libc_dlopen_mode", 0, true},
    NameTaker{"dlsym", 1, false},
    NameTaker{"dlvsym", 1, false},
    NameTaker{"__libc_dlsym", 1, false},
};

// The text at an address of a file; nullopt if it is none.
std::optional<std::string> text_at(const Object& object,
                                   std::uint64_t address) {
  const ByteView bytes = object.image.from(address).substr(0, kMaxName);
  const std::size_t end = bytes.find('\0');
  if (end == ByteView::npos || end == 0) {
    return std::nullopt;
  }
  const ByteView text = bytes.substr(0, end);
  const bool printable = std::ranges::all_of(
      text, [](char letter) { return letter > ' ' && letter < 0x7f; });
  return printable ? std::optional(std::string(text)) : std::nullopt;
}

class Search {
 public:
  Search(const Process& process, const Walk& walk, SiteValues& values)
      : process_(process), walk_(walk), values_(values) {}

  Discovered run() {
    for (const NameTaker& taker : kNameTakers) {
      for (const Object& object : process_.objects) {
        const Symbol* symbol = named(object, taker.name);
        if (symbol == nullptr) {
          continue;
        }
        if (const auto node = process_.node_at(object, symbol->address)) {
          look_at(taker, *node);
        }
      }
    }
    look_for_loader();
    return std::move(found_);
  }

 private:
  // The loader of glibc in a static program without symbols: dlopen is known
  // by what it says when it is called wrongly, in all versions and to all who
  // load by it (NSS, iconv, the unwinder).
  void look_for_loader() {
    constexpr std::string_view kSaid = "invalid mode for dlopen()";
    const Object& program = process_.objects.front();
    if (!is_static(program) || has_symbol(program, "_dl_open") ||
        program.image.bytes.find(kSaid) == ByteView::npos) {
      return;
    }
    for (const Function& function : program.code.functions) {
      const auto node = static_cast<std::uint32_t>(
          program.first_node + (&function - program.code.functions.data()));
      if (walk_.visits[node].reached &&
          std::ranges::any_of(
              program.code.edges_of(function), [&](const Edge& edge) {
                return program.image.from(edge.target).starts_with(kSaid);
              })) {
        found_.gaps.push_back(
            {"library-untold", program.path, function_name(program, function),
             function.bounds.begin,
             "glibc's dlopen is in a static program, and no symbol tells who "
             "calls it"});
      }
    }
  }

  bool is_static(const Object& object) const {
    return &object == &process_.objects.front() &&
           object.image.interpreter.empty();
  }

  static bool has_symbol(const Object& object, std::string_view name) {
    return std::ranges::any_of(
        object.image.local_symbols,
        [&](const Symbol& symbol) { return symbol.name == name; });
  }

  // Static programs tell names as long as they are not stripped.
  const Symbol* named(const Object& object, std::string_view name) const {
    if (const auto found = process_.find(object, name)) {
      return found->symbol->function ? found->symbol : nullptr;
    }
    const auto& local = object.image.local_symbols;
    const auto found = std::ranges::find_if(local, [&](const Symbol& symbol) {
      return symbol.function && symbol.defined && symbol.name == name;
    });
    return is_static(object) && found != local.end() ? &*found : nullptr;
  }

  void look_at(const NameTaker& taker, std::uint32_t asked) {
    if (!walk_.visits[asked].reached) {
      return;
    }
    if (walk_.visits[asked].pointed_to) {
      add_gap(taker, asked, process_.function_of(asked).bounds.begin,
              "may be called through a pointer");
    }
    for (const std::uint32_t caller : walk_.callers.of(asked)) {
      const Object& object = process_.object_of(caller);
      for (const Moment& moment : values_.moments(caller)) {
        if (moment.given_up) {
          add_gap(taker, caller, moment.address, kNoConstant);
        }
        if (!moment.kernel && moment.target != 0 &&
            values_.called(object, moment.target, moment.through_slot) ==
                asked) {
          look_at(taker, caller, moment);
        }
      }
    }
  }

  void look_at(const NameTaker& taker, std::uint32_t caller,
               const Moment& moment) {
    const Object& object = process_.object_of(caller);
    const Answer answer =
        values_.resolve(caller, moment.address,
                        moment.registers[convention_of(object.image.arch)
                                             .arguments[taker.argument]]);
    bool told = answer.lost.empty();
    for (const auto& [place, way] : answer.places) {
      const auto& [address, node] = place;
      const Object* owner = &process_.object_of(node);
      if (address == 0) {
        continue;  // the program itself
      }
      const auto text = text_at(*owner, address);
      if (!text) {
        told = false;
      } else if (taker.loads) {
        add_file(*text, *owner);
      } else {
        add_symbol(*text);
      }
    }
    if (!told) {
      add_gap(taker, caller, moment.address, kNoConstant);
    }
  }

  static constexpr std::string_view kNoConstant =
      "of a name that is not a constant";

  void add_gap(const NameTaker& taker, std::uint32_t caller,
               std::uint64_t address, std::string_view why) {
    const Object& object = process_.object_of(caller);
    found_.gaps.push_back({taker.loads ? "library-untold" : "lookup-untold",
                           object.path,
                           function_name(object, process_.function_of(caller)),
                           address, fmt::format("{} {}", taker.name, why)});
  }

  void add_file(const std::string& name, const Object& from) {
    found_.files.emplace_back(
        Extra{.path = name, .why = "loaded by name by " + from.path}, &from);
  }

  void add_symbol(const std::string& name) {
    for (const Object& object : process_.objects) {
      if (const auto found = process_.find(object, name)) {
        found_.symbols.push_back(*found);
      }
    }
  }

  const Process& process_;
  const Walk& walk_;
  SiteValues& values_;
  Discovered found_;
};

}  // namespace

Discovered discover(const Process& process, const Walk& walk,
                    SiteValues& values) {
  return Search(process, walk, values).run();
}

bool reaches_export(const Process& process, const Walk& walk,
                    std::string_view name) {
  const HashedName hashed(name);
  return std::ranges::any_of(process.objects, [&](const Object& object) {
    const auto found = process.find(object, hashed);
    if (!found) {
      return false;
    }
    const auto node = process.node_at(object, found->symbol->address);
    return node && walk.visits[*node].reached;
  });
}

}  // namespace vambrace::elf
