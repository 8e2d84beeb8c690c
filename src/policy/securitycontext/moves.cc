#include "policy/securitycontext/moves.h"

#include <algorithm>
#include <unordered_set>

#include "policy/reasons.h"
#include "policy/securitycontext/paths.h"

namespace vambrace::policy::securitycontext {
namespace {

using Names = std::set<std::string>;

// The mounts that folders are on.
Names on_mounts(const std::set<std::string_view>& folders,
                const Moves::Folders& mounts) {
  Names out;
  for (std::string_view folder : folders) {
    while (folder != "/" && !mounts.contains(folder)) {
      folder = parent_of(folder);
    }
    if (mounts.contains(folder)) {
      out.emplace(folder);
    }
  }
  return out;
}

Names without(Names all, const Names& some) {
  for (const std::string& one : some) {
    all.erase(one);
  }
  return all;
}

Names with(Names all, const Names& more) {
  all.insert(more.begin(), more.end());
  return all;
}

// The pairs of one program.
class Pairs {
 public:
  // One that went from `here` into one of `others`, or the other way round.
  void add(const std::string& here, const Names& others) {
    if (others.size() == 1) {
      certain_.insert(with(others, {here}));
    } else {
      add_perhaps(here, others);
    }
  }

  void add_perhaps(const std::string& here, const Names& others) {
    for (const std::string& other : others) {
      perhaps_.insert({here, other});
    }
  }

  void add_from_anywhere(const std::string& here) { perhaps_.insert({here}); }

  void move_to(std::set<Apart>& out) const {
    Names open;
    for (const Names& one : perhaps_) {
      if (!certain_.contains(one)) {
        open.insert(one.begin(), one.end());
      }
    }
    for (const Names& pair : certain_) {
      out.insert({pair, true});
    }
    if (!open.empty()) {
      out.insert({open, false});
    }
  }

 private:
  std::set<Names> certain_;
  std::set<Names> perhaps_;
};

void add_renames(Pairs& pairs, const Names& from, const Names& into,
                 const Names& perhaps) {
  const Names ends = with(into, perhaps);
  for (const std::string& mount : without(into, from)) {
    pairs.add(mount, from);
  }
  for (const std::string& mount : from) {
    const Names others = without(ends, {mount});
    if (ends.contains(mount)) {  // a rename within it explains both
      pairs.add_perhaps(mount, others);
    } else if (!others.empty()) {
      pairs.add(mount, others);
    }
  }
}

// What a link's old name was is not told; often it is removed then.
void add_links(Pairs& pairs, const Names& linked, const Names& removed) {
  for (const std::string& mount : linked) {
    const Names others = without(removed, {mount});
    if (removed.contains(mount)) {
      pairs.add_perhaps(mount, others);
    } else if (!others.empty()) {
      pairs.add(mount, others);
    } else {
      pairs.add_from_anywhere(mount);
    }
  }
}

}  // namespace

Moves::Program Moves::program_of(const evidence::Process& process) {
  std::unordered_set<std::string_view> moved;
  for (const evidence::FileFact& fact : process.files) {
    if (fact.access == "drw") {
      moved.insert(bare(fact.path));
    }
  }
  Program program;
  for (const evidence::FileFact& fact : process.files) {
    const std::string_view path = bare(fact.path);
    if (!path.starts_with('/') || path == "/") {
      continue;
    }
    const std::string_view folder = parent_of(path);
    if (fact.access == "drw") {
      program.from.insert(folder);
    }
    if (fact.access.contains('d')) {
      program.removed.insert(folder);
    }
    if (fact.access.contains('l')) {
      program.linked.insert(folder);
    }
    if (fact.access == "cw" && !fact.owner) {
      program.into.insert(folder);
    } else if (fact.access == "cw" && !moved.contains(path)) {
      program.perhaps.insert(folder);
    }
  }
  return program;
}

Moves::Moves(const evidence::Evidence& evidence) {
  for (const evidence::Process& process : evidence.processes) {
    if (counts(process.key.origin)) {
      Program program = program_of(process);
      if (!program.from.empty() || !program.linked.empty()) {
        programs_.push_back(std::move(program));
      }
    }
  }
}

std::set<Apart> Moves::between(const Folders& mounts) const {
  std::set<Apart> out;
  for (const Program& program : programs_) {
    Pairs pairs;
    add_renames(pairs, on_mounts(program.from, mounts),
                on_mounts(program.into, mounts),
                on_mounts(program.perhaps, mounts));
    add_links(pairs, on_mounts(program.linked, mounts),
              on_mounts(program.removed, mounts));
    pairs.move_to(out);
  }
  return out;
}

std::string common_parent(const std::set<std::string>& folders) {
  std::string_view common = *folders.begin();
  for (const std::string& folder : folders) {
    while (folder != common && !is_below(folder, common)) {
      common = parent_of(common);
    }
  }
  return std::string(common);
}

}  // namespace vambrace::policy::securitycontext
