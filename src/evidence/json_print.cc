#include <fmt/format.h>

#include <algorithm>

#include "base/json.h"
#include "evidence/facts.h"
#include "evidence/json.h"
#include "evidence/merge.h"
#include "evidence/time.h"
#include "kernel/capabilities.h"

// The document is written from front to back, one fact on a line: a change of
// one fact is a change of one line, and a large recording is printed as fast as
// it is copied.
namespace vambrace::evidence {
namespace {

class Printer {
 public:
  explicit Printer(std::size_t expected) { out_.reserve(expected); }

  Printer& raw(std::string_view text) {
    out_ += text;
    return *this;
  }
  Printer& number(std::uint64_t value) {
    json::append_number(out_, value);
    return *this;
  }
  Printer& hex(std::uint64_t value) {
    json::append_hex(out_, value);
    return *this;
  }
  Printer& text(std::string_view value) {
    json::append_quoted(out_, value);
    return *this;
  }
  Printer& word(bool value) { return raw(value ? "true" : "false"); }
  Printer& time(Instant value) {
    out_ += '"';
    append_time(out_, value);
    out_ += '"';
    return *this;
  }

  // print(item) for each, with ", " between.
  template <class List, class Print>
  Printer& each(const List& list, Print print) {
    std::string_view between;
    for (const auto& item : list) {
      raw(between);
      between = ", ";
      print(item);
    }
    return *this;
  }

  // A list of which each element stands on a line of its own.
  template <class List, class Print>
  Printer& lines(std::string_view indent, const List& list, Print print) {
    if (list.empty()) {
      return raw("[]");
    }
    raw("[");
    std::string_view between = "\n";
    for (const auto& item : list) {
      raw(between).raw(indent).raw("  ");
      between = ",\n";
      print(item);
    }
    return raw("\n").raw(indent).raw("]");
  }

  std::string take() { return std::move(out_); }

 private:
  std::string out_;
};

void print(Printer& out, const std::map<std::string, std::uint64_t>& counts) {
  out.raw("{");
  out.each(counts, [&](const auto& entry) {
    out.text(entry.first).raw(": ").number(entry.second);
  });
  out.raw("}");
}

void print(Printer& out, const std::vector<std::string>& texts) {
  out.raw("[");
  out.each(texts, [&](const std::string& text) { out.text(text); });
  out.raw("]");
}

void print(Printer& out, const Verdict& verdict) {
  out.raw("{\"state\": ").text(to_string(verdict.state)).raw(", \"gaps\": [");
  out.each(verdict.gaps, [&](const Gap& gap) {
    out.raw("{\"kind\": ").text(gap.kind);
    out.raw(", \"detail\": ").text(gap.detail).raw("}");
  });
  out.raw("]}");
}

void print(Printer& out, const By& by) {
  out.raw("{");
  out.each(by, [&](const auto& entry) {
    const Share& share = entry.second;
    out.text(entry.first).raw(": {\"count\": ").number(share.count);
    out.raw(", \"phases\": ");
    print(out, share.phases);
    out.raw(", \"errnos\": ");
    print(out, share.errnos);
    out.raw(", \"denied\": ").number(share.denied);
    out.raw(", \"denied_errnos\": ");
    print(out, share.denied_errnos);
    out.raw(", \"first\": ").time(share.first);
    out.raw(", \"last\": ").time(share.last).raw("}");
  });
  out.raw("}");
}

// The derived totals. Capabilities call them granted and refused.
void print_totals(Printer& out, const Share& sum, std::string_view count,
                  std::string_view denied) {
  out.raw(", \"").raw(count).raw("\": ").number(sum.count);
  out.raw(", \"phases\": ");
  print(out, sum.phases);
  out.raw(", \"errnos\": ");
  print(out, sum.errnos);
  out.raw(", \"").raw(denied).raw("\": ").number(sum.denied);
}

void print_totals(Printer& out, const By& by, std::string_view count = "count",
                  std::string_view denied = "denied") {
  if (by.size() == 1) {
    print_totals(out, by.begin()->second, count, denied);
  } else {
    print_totals(out, total(by), count, denied);
  }
}

void finish(Printer& out, const By& by) {
  out.raw(", \"by\": ");
  print(out, by);
  out.raw("}");
}

void print(Printer& out, const Arguments& arguments) {
  if (arguments.unbounded) {
    out.raw("\"unbounded\"");
    return;
  }
  out.raw("[");
  out.each(arguments.tuples, [&](const std::vector<std::uint64_t>& tuple) {
    out.raw("[");
    out.each(tuple, [&](std::uint64_t value) { out.hex(value); });
    out.raw("]");
  });
  out.raw("]");
}

void print(Printer& out, kernel::Syscall syscall) {
  out.raw("{\"arch\": ").text(to_string(syscall.arch));
  out.raw(", \"nr\": ").number(syscall.nr);
  out.raw(", \"name\": ").text(kernel::syscall_label(syscall));
}

void print(Printer& out, const SyscallFact& fact) {
  print(out, fact.syscall);
  print_totals(out, fact.by);
  if (fact.args) {
    out.raw(", \"args\": ");
    print(out, *fact.args);
  }
  if (fact.denied_args) {
    out.raw(", \"denied_args\": ");
    print(out, *fact.denied_args);
  }
  finish(out, fact.by);
}

void print(Printer& out, const FileFact& fact) {
  out.raw("{\"path\": ").text(fact.path);
  out.raw(", \"access\": ").text(fact.access).raw(", \"owner\": ");
  fact.owner ? out.word(*fact.owner) : out.raw("null");
  print_totals(out, fact.by);
  finish(out, fact.by);
}

std::string_view audited_word(Audited audited) {
  return audited == Audited::Yes  ? "yes"
         : audited == Audited::No ? "no"
                                  : "unknown";
}

void print(Printer& out, const CapabilityFact& fact) {
  out.raw("{\"number\": ").number(fact.number);
  out.raw(", \"name\": ").text(capability_label(fact.number));
  out.raw(", \"during\": ");
  if (fact.during) {
    print(out, *fact.during);
    out.raw("}");
  } else {
    out.raw("null");
  }
  out.raw(", \"functions\": ");
  print(out, fact.functions);
  out.raw(", \"audited\": ").text(audited_word(fact.audited));
  out.raw(", \"overridden\": ").word(fact.overridden);
  out.raw(", \"user_namespace\": ").text(fact.user_namespace);
  print_totals(out, fact.by, "granted", "refused");
  finish(out, fact.by);
}

void print(Printer& out, const NetworkFact& fact) {
  out.raw("{\"operation\": ").text(fact.operation);
  out.raw(", \"family\": ").text(fact.family);
  out.raw(", \"type\": ").text(fact.type);
  out.raw(", \"protocol\": ").number(fact.protocol);
  out.raw(", \"address\": ").text(fact.address);
  out.raw(", \"port\": ").number(fact.port);
  print_totals(out, fact.by);
  finish(out, fact.by);
}

void print(Printer& out, const ExecFact& fact) {
  out.raw("{\"path\": ").text(fact.path);
  print_totals(out, fact.by);
  finish(out, fact.by);
}

void print(Printer& out, const SignalFact& fact) {
  out.raw("{\"signal\": ").number(fact.signal);
  if (fact.other != Side::Unknown) {
    out.raw(", \"other\": ").text(to_string(fact.other));
  }
  print_totals(out, fact.by);
  finish(out, fact.by);
}

void print(Printer& out, const UserFact& fact) {
  out.raw("{\"uid\": ").number(fact.uid);
  out.raw(", \"gid\": ").number(fact.gid);
  out.raw(", \"raised\": ").word(fact.raised);
  print_totals(out, fact.by);
  finish(out, fact.by);
}

void print(Printer& out, const std::optional<std::string>& text) {
  text ? out.text(*text) : out.raw("null");
}

void print(Printer& out, const MountFact& fact) {
  out.raw("{\"operation\": ").text(fact.operation);
  out.raw(", \"fstype\": ").text(fact.fstype).raw(", \"options\": ");
  print(out, fact.options);
  print((out.raw(", \"source\": "), out), fact.source);
  print((out.raw(", \"target\": "), out), fact.target);
  print_totals(out, fact.by);
  finish(out, fact.by);
}

void print(Printer& out, const TraceFact& fact) {
  out.raw("{\"access\": ").text(fact.access);
  out.raw(", \"other\": ").text(to_string(fact.other));
  out.raw(", \"exe\": ").text(fact.exe);
  print_totals(out, fact.by);
  finish(out, fact.by);
}

void print(Printer& out, const Recording& recording) {
  const auto key = [&](std::string_view name) -> Printer& {
    return out.raw(",\n      \"").raw(name).raw("\": ");
  };
  out.raw("{\n      \"id\": ").text(recording.id);
  print((key("folded"), out), recording.folded);
  key("recorder").text(recording.recorder);
  key("recorder_version").text(recording.recorder_version);
  key("start").time(recording.start);
  key("end").time(recording.end);
  key("kernel").text(recording.kernel);
  key("arch").text(recording.arch);
  key("scope").text(recording.scope);
  key("runtime").text(recording.runtime);
  key("runtime_version").text(recording.runtime_version);
  key("image").text(recording.image);
  print((key("mounts"), out), recording.mounts);
  if (!recording.found.empty()) {
    print((key("found"), out), recording.found);
  }
  if (!recording.owners.empty()) {
    key("owners").lines("      ", recording.owners,
                        [&](const OwnedFolder& folder) {
                          out.raw("{\"path\": ").text(folder.path);
                          out.raw(", \"uid\": ").number(folder.uid);
                          out.raw(", \"gid\": ").number(folder.gid);
                          out.raw(", \"mode\": ").number(folder.mode).raw("}");
                        });
  }
  key("host").text(recording.host);
  print((key("command"), out), recording.command);
  key("no_new_privs").word(recording.no_new_privs);
  key("phases").lines("      ", recording.phases, [&](const Phase& phase) {
    out.raw("{\"name\": ").text(phase.name);
    out.raw(", \"start\": ").time(phase.start).raw("}");
  });
  key("probes").raw("{");
  out.each(recording.probes, [&](const auto& entry) {
    out.text(entry.first).raw(": ").text(entry.second);
  });
  out.raw("}");
  print((key("counters"), out), recording.counters);
  print((key("verdict"), out), recording.verdict);
  out.raw("\n    }");
}

void print(Printer& out, const Process& process) {
  const auto key = [&](std::string_view name) -> Printer& {
    return out.raw(",\n      \"").raw(name).raw("\": ");
  };
  const auto facts = [&](std::string_view name, const auto& list) {
    key(name).lines("      ", list,
                    [&](const auto& fact) { print(out, fact); });
  };
  out.raw("{\n      \"exe\": ").text(process.key.exe);
  key("build_id");
  process.key.build_id ? out.text(*process.key.build_id) : out.raw("null");
  key("script").text(process.key.script);
  key("origin").text(to_string(process.key.origin));
  key("parent").text(process.key.parent);
  facts("syscalls", process.syscalls);
  facts("files", process.files);
  facts("capabilities", process.capabilities);
  facts("network", process.network);
  facts("execs", process.execs);
  facts("signals", process.signals);
  facts("users", process.users);
  facts("mounts", process.mounts);
  facts("traces", process.traces);
  out.raw("\n    }");
}

// About how long the document gets, so that it is not copied as it grows.
std::size_t expected_size(const Evidence& evidence) {
  constexpr std::size_t kFact = 160;
  constexpr std::size_t kShare = 220;
  std::size_t size = 4096 + evidence.recordings.size() * 2048;
  for (const Process& process : evidence.processes) {
    each_list(
        [&](const auto& list) {
          for (const auto& fact : list) {
            size += kFact + fact.by.size() * kShare;
          }
        },
        process);
    for (const FileFact& fact : process.files) {
      size += fact.path.size();
    }
  }
  return size;
}

std::string print_canonical(const Evidence& evidence) {
  Printer out(expected_size(evidence));
  out.raw("{\n  \"schema\": ").text(kSchema);
  out.raw(",\n  \"workload\": {\"id\": ").text(evidence.workload.id);
  out.raw(", \"container\": ").text(evidence.workload.container);
  out.raw(", \"owner\": ").text(evidence.workload.owner);
  out.raw("},\n  \"recordings\": ");
  out.lines("  ", evidence.recordings,
            [&](const Recording& recording) { print(out, recording); });
  out.raw(",\n  \"verdict\": ");
  print(out, verdict(evidence));
  out.raw(",\n  \"processes\": ");
  out.lines("  ", evidence.processes,
            [&](const Process& process) { print(out, process); });
  out.raw("\n}\n");
  return out.take();
}

}  // namespace

std::string print(const Evidence& evidence) {
  if (is_canonical(evidence)) {
    return print_canonical(evidence);
  }
  return print_canonical(canonical(evidence));
}

}  // namespace vambrace::evidence
