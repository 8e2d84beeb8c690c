#include "cli/analyze_text.h"

#include <map>

#include "base/printable.h"
#include "cli/columns.h"

namespace vambrace::cli {
namespace {

using elf::Confidence;
using elf::Gap;
using elf::Reach;
using elf::ReachedCall;

constexpr std::size_t kGapsShown = 3;

std::string base_of(const std::string& path) {
  return printable(path.substr(path.rfind('/') + 1));
}

std::string function_text(const elf::Step& step) {
  return step.function.empty()
             ? fmt::format("{}+{:#x}", base_of(step.object), step.address)
             : printable(step.function);
}

// "_start > ... > accept4_wrapper > accept4 in libc.so.6".
std::string short_chain(const std::vector<elf::Step>& chain) {
  std::string text = function_text(chain.front());
  std::size_t next = 1;
  if (chain.size() > 4) {
    text += " > ...";
    next = chain.size() - 2;
  }
  for (; next < chain.size(); ++next) {
    text += " > " + function_text(chain[next]);
  }
  return text + " in " + base_of(chain.back().object);
}

std::string whole_chain(const std::vector<elf::Step>& chain) {
  std::string text;
  for (const elf::Step& step : chain) {
    const std::string name =
        step.function.empty() ? "" : printable(step.function) + " at ";
    text += fmt::format("      {}: {}{:#x} in {}\n", to_string(step.link), name,
                        step.address, printable(step.object));
  }
  return text;
}

// Whose code wants the call, apart from the file that makes it anyhow.
std::string askers_text(const std::vector<elf::Asker>& askers) {
  std::string text;
  for (const elf::Asker& asker : askers) {
    if (asker.inside > 0) {
      text += fmt::format(
          "{}{}{}", text.empty() ? "      asked for by " : ", ",
          asker.function.empty() ? "" : printable(asker.function) + " of ",
          base_of(asker.object));
    }
  }
  return text.empty() ? "" : text + "\n";
}

std::string calls_text(const Reach& reach, bool chains) {
  std::string text;
  if (chains) {
    for (const ReachedCall& call : reach.calls) {
      text +=
          fmt::format("  {} ({})\n{}{}", kernel::syscall_label(call.syscall),
                      to_string(call.confidence), whole_chain(call.chain),
                      askers_text(call.askers));
    }
    return text;
  }
  Columns table({{"  call"}, {"confidence"}, {"reached by"}});
  for (const ReachedCall& call : reach.calls) {
    table.row({"  " + kernel::syscall_label(call.syscall),
               std::string(to_string(call.confidence)),
               short_chain(call.chain)});
  }
  return table.empty() ? "" : table.print();
}

std::string place_text(const Gap& gap) {
  std::string text = printable(gap.object);
  if (gap.address != 0) {
    text += gap.function.empty()
                ? fmt::format(", {:#x}", gap.address)
                : fmt::format(", {} at {:#x}", printable(gap.function),
                              gap.address);
  }
  return gap.detail.empty()
             ? text
             : fmt::format("{}: {}", text, printable(gap.detail));
}

std::string gaps_text(const Reach& reach) {
  if (reach.gaps.empty()) {
    return "no gap: every number and every library was told\n";
  }
  std::map<std::string, std::vector<const Gap*>> kinds;
  for (const Gap& gap : reach.gaps) {
    kinds[gap.kind].push_back(&gap);
  }
  std::string text = fmt::format("{}, so more calls may be reached:\n",
                                 counted(reach.gaps.size(), "gap"));
  for (const auto& [kind, gaps] : kinds) {
    text += fmt::format("  {}: {}\n", printable(kind), gaps.size());
    for (std::size_t i = 0; i < std::min(gaps.size(), kGapsShown); ++i) {
      text += fmt::format("    {}\n", place_text(*gaps[i]));
    }
    if (gaps.size() > kGapsShown) {
      text += fmt::format("    ... and {} more; see them with --json\n",
                          gaps.size() - kGapsShown);
    }
  }
  return text;
}

// Files without a call of their own, of one folder and for one reason, are one
// row if there are many: converters of characters, modules of a language.
class FileRows {
 public:
  explicit FileRows(const std::vector<elf::LoadedFile>& files) {
    for (const elf::LoadedFile& file : files) {
      ++alike_[kind_of(file)];
    }
    for (const elf::LoadedFile& file : files) {
      const Kind kind = kind_of(file);
      const bool many = file.syscalls.empty() && alike_[kind] >= kMany;
      Row& row = many ? rows_[row_of(kind)] : rows_.emplace_back();
      row.name = many ? fmt::format("{}/* ({} files)", kind.first, alike_[kind])
                      : file.path;
      row.sum.why = file.why;
      row.sum.syscalls = file.syscalls;
      row.sum.code_bytes += file.code_bytes;
      row.sum.functions += file.functions;
      row.sum.reached_functions += file.reached_functions;
    }
  }

  struct Row {
    std::string name;
    elf::LoadedFile sum;
  };
  const std::vector<Row>& rows() const { return rows_; }

 private:
  static constexpr std::size_t kMany = 5;
  using Kind = std::pair<std::string, std::string>;  // folder, why

  static Kind kind_of(const elf::LoadedFile& file) {
    return {file.syscalls.empty() ? file.path.substr(0, file.path.rfind('/'))
                                  : file.path,
            file.why};
  }

  std::size_t row_of(const Kind& kind) {
    const auto [it, fresh] = places_.try_emplace(kind, rows_.size());
    if (fresh) {
      rows_.emplace_back();
    }
    return it->second;
  }

  std::map<Kind, std::size_t> alike_, places_;
  std::vector<Row> rows_;
};

std::string files_text(const Reach& reach) {
  using Align = Columns::Align;
  Columns table({{"  file"},
                 {"calls", Align::Right},
                 {"functions reached", Align::Right},
                 {"code", Align::Right},
                 {"why"}});
  const FileRows files(reach.files);
  for (const auto& [name, sum] : files.rows()) {
    table.row({"  " + printable(name), fmt::format("{}", sum.syscalls.size()),
               fmt::format("{} of {}", sum.reached_functions, sum.functions),
               fmt::format("{} kB", (sum.code_bytes + 1023) / 1024),
               printable(sum.why)});
  }
  return table.print();
}

}  // namespace

std::string reach_text(const Reach& reach, bool chains) {
  const auto direct =
      std::ranges::count_if(reach.calls, [](const ReachedCall& call) {
        return call.confidence == Confidence::Direct;
      });
  std::string text = fmt::format(
      "{} can reach {}: {} by calls alone, {} over pointers to functions\n",
      printable(reach.program), counted(reach.calls.size(), "system call"),
      direct, static_cast<std::int64_t>(reach.calls.size()) - direct);
  text += calls_text(reach, chains);
  text += gaps_text(reach);
  text += fmt::format("{} of code:\n", counted(reach.files.size(), "file"));
  return text + files_text(reach);
}

}  // namespace vambrace::cli
