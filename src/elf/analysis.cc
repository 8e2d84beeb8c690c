#include "elf/analysis.h"

#include <algorithm>
#include <map>

#include "elf/askers.h"
#include "elf/chain.h"
#include "elf/convention.h"
#include "elf/discover.h"
#include "elf/known_plugins.h"
#include "elf/process.h"
#include "elf/site_values.h"
#include "elf/walk.h"

namespace vambrace::elf {
namespace {

// Goes through the places where reached functions enter the kernel.
class Collector {
 public:
  Collector(const Process& process, const Walk& walk, SiteValues& values,
            Reach& reach)
      : process_(process),
        walk_(walk),
        values_(values),
        reach_(reach),
        convention_(convention_of(reach.arch)) {}

  void collect() {
    for (std::uint32_t node = 0; node < process_.nodes; ++node) {
      if (walk_.visits[node].reached) {
        look_at(node);
      }
    }
    add_signal_return();
    for (auto& [number, users] : users_) {
      reach_.calls.push_back(describe(number, users));
    }
  }

 private:
  struct User {
    std::uint32_t node = 0;
    const Moment* moment = nullptr;
    // From the function with the call to the one that says its number.
    std::vector<std::uint32_t> way;
  };

  void look_at(std::uint32_t node) {
    const Object& object = process_.object_of(node);
    const Function& function = object.code.functions[node - object.first_node];
    if (function.sites == 0) {
      return;
    }
    for (const Site& site : object.code.sites_of(function)) {
      if (!site.own) {
        add_gap("other-code", node, site.address,
                "enters the kernel as another architecture");
      }
    }
    for (const Moment& moment : values_.moments(node)) {
      if (!moment.kernel) {
        continue;
      }
      const Answer answer = values_.resolve(
          node, moment.address, moment.registers[convention_.number_register]);
      for (const Lost& lost : answer.lost) {
        add_gap("number-unknown", lost.node, lost.address, lost.why);
      }
      for (const auto& [place, way] : answer.places) {
        users_[static_cast<std::uint32_t>(place.first)].push_back(
            {node, &moment, way});
      }
    }
  }

  // On aarch64 the kernel's own code (vDSO) makes it for programs, when a
  // function returns that was set to handle a signal.
  void add_signal_return() {
    const auto sets = kernel::syscall_number(reach_.arch, "rt_sigaction");
    const auto returns = kernel::syscall_number(reach_.arch, "rt_sigreturn");
    if (reach_.arch == kernel::Arch::Aarch64 && sets && returns) {
      if (const auto users = users_.find(*sets); users != users_.end()) {
        users_.try_emplace(*returns, users->second);
      }
    }
  }

  void add_gap(std::string kind, std::uint32_t node, std::uint64_t address,
               std::string detail) {
    const Object& object = process_.object_of(node);
    reach_.gaps.push_back({std::move(kind), object.path,
                           function_name(object, process_.function_of(node)),
                           address, std::move(detail)});
  }

  ReachedCall describe(std::uint32_t number, const std::vector<User>& users) {
    ReachedCall call{.syscall = {reach_.arch, number}};
    const auto distance = [&](const User& user) {
      const Visit& visit = walk_.visits[user.way.back()];
      return std::tuple(!visit.direct, visit.hops + user.way.size(), user.node);
    };
    const User& nearest = *std::ranges::min_element(users, {}, distance);
    const std::uint32_t from = nearest.way.back();
    call.confidence =
        walk_.visits[from].direct ? Confidence::Direct : Confidence::Indirect;
    call.chain = chain_to(process_, walk_.visits, from);
    for (auto node = std::next(nearest.way.rbegin());
         node != nearest.way.rend(); ++node) {
      call.chain.push_back(step_of(process_, *node, Link::Call));
    }
    for (const User& user : users) {
      call.objects.push_back(process_.object_of(user.node).path);
    }
    std::ranges::sort(call.objects);
    const auto same = std::ranges::unique(call.objects);
    call.objects.erase(same.begin(), same.end());
    std::vector<std::uint32_t> nodes;
    for (const User& user : users) {
      nodes.push_back(user.way.back());
    }
    call.askers = askers_of(process_, walk_, nodes);
    call.arguments = bounds_of(call.syscall, users);
    return call;
  }

  std::vector<ArgumentBound> bounds_of(const kernel::Syscall& syscall,
                                       const std::vector<User>& users) {
    std::vector<ArgumentBound> bounds;
    const kernel::ArgSpec* spec = kernel::arg_spec(syscall);
    if (spec == nullptr || !spec->filterable) {
      return bounds;
    }
    for (const kernel::ArgSpec::Argument& argument : spec->arguments) {
      std::set<std::uint64_t> numbers;
      bool told = true;
      for (const User& user : users) {
        const Answer answer = values_.resolve(
            user.node, user.moment->address,
            user.moment
                ->registers[convention_.kernel_arguments[argument.index]]);
        told = told && answer.lost.empty();
        for (const std::uint64_t number : answer.numbers) {
          numbers.insert(number & argument.mask);
        }
      }
      if (told && !numbers.empty() && numbers.size() <= 64) {
        bounds.push_back({argument.index, {numbers.begin(), numbers.end()}});
      }
    }
    return bounds;
  }

  const Process& process_;
  const Walk& walk_;
  SiteValues& values_;
  Reach& reach_;
  const Convention& convention_;
  std::map<std::uint32_t, std::vector<User>> users_;
};

void add_files(const Process& process, const Walk& walk, Reach& reach) {
  for (const Object& object : process.objects) {
    LoadedFile file{.path = object.path,
                    .build_id = object.image.build_id,
                    .why = object.why};
    for (const Range& code : object.image.code) {
      file.code_bytes += code.end - code.begin;
    }
    file.functions = object.code.functions.size();
    for (std::uint32_t i = 0; i < file.functions; ++i) {
      file.reached_functions +=
          walk.visits[object.first_node + i].reached ? 1 : 0;
    }
    for (const ReachedCall& call : reach.calls) {
      if (std::ranges::find(call.objects, object.path) != call.objects.end()) {
        file.syscalls.push_back(kernel::syscall_label(call.syscall));
      }
    }
    reach.files.push_back(std::move(file));
  }
}

// Each round may load files that load others.
constexpr unsigned kMaxRounds = 16;

// Loads what the process loads while it runs, as far as rules and constants
// tell; returns what is reached with all of it.
Walk settle(const Root& root, ProcessLoader& loader, SiteValues& values,
            const Request& request, Reach& reach) {
  Process& process = loader.process();
  if (request.linked_only) {
    reach.gaps.push_back({"library-untold", reach.program, "", 0,
                          "what it loads while it runs is left out, as asked"});
    return walk(process);
  }
  for (unsigned round = 0;; ++round) {
    Walk walked = walk(process);
    values.use(walked);
    Discovered found = discover(process, walked, values);
    PluginQuery query{.program = process.objects.front().path,
                      .arch = process.objects.front().image.arch};
    for (const Object& object : process.objects) {
      query.loaded.push_back(object.path);
    }
    query.imports = [&](std::string_view name) {
      return reaches_export(process, walked, name);
    };
    for (const Plugin& plugin : known_plugins(root, query)) {
      found.files.emplace_back(Extra{.path = plugin.path,
                                     .why = plugin.why,
                                     .entries = plugin.entries},
                               &process.objects.front());
    }
    bool fresh = false;
    for (const auto& [extra, from] : found.files) {
      fresh = loader.add(extra, *from) || fresh;
    }
    const std::size_t before = process.looked_up.size();
    process.looked_up = std::move(found.symbols);
    fresh = fresh || process.looked_up.size() > before;
    const bool last = round >= kMaxRounds;
    if (!fresh || last) {
      std::ranges::move(found.gaps, std::back_inserter(reach.gaps));
    }
    if (!fresh) {
      return walked;
    }
    loader.finish();
    if (last) {
      reach.gaps.push_back({"library-untold", query.program, "", 0,
                            "files that are loaded load ever more files"});
      return walk(process);
    }
  }
}

}  // namespace

Result<Reach> analyze(const Root& root, const Request& request) {
  Binaries binaries;
  return analyze(root, request, binaries);
}

Result<Reach> analyze(const Root& root, const Request& request,
                      Binaries& binaries) {
  ProcessLoader loader(root, request, binaries);
  TRY(loader.start());
  Process& process = loader.process();
  const Object& program = process.objects.front();
  Reach reach{.program = program.path,
              .build_id = program.image.build_id,
              .arch = program.image.arch};
  SiteValues values(process);
  const Walk walked = settle(root, loader, values, request, reach);
  values.use(walked);
  std::ranges::copy(process.gaps, std::back_inserter(reach.gaps));
  Collector(process, walked, values, reach).collect();
  add_files(process, walked, reach);
  std::ranges::sort(reach.gaps);
  const auto same = std::ranges::unique(reach.gaps);
  reach.gaps.erase(same.begin(), same.end());
  return reach;
}

}  // namespace vambrace::elf
