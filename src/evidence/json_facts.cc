#include <algorithm>
#include <charconv>
#include <functional>

#include "evidence/facts.h"
#include "evidence/json.h"
#include "evidence/json_parts.h"
#include "kernel/capabilities.h"
#include "kernel/errnos.h"

// Reads facts, with the shares that each recording has in them.
namespace vambrace::evidence {

using json::Cursor;
using json::field;
using json::optional_field;

namespace {

// Far above what a workload does, far below what would hurt.
constexpr std::size_t kMaxFunctions = 128;
constexpr std::uint32_t kMaxCapability = 63;
constexpr std::size_t kMaxOptions = 64;  // one for each bit of the flags

// Errors by name; the sum of their counts is at most `most`.
Result<> expect_errnos(Cursor& in, const char* key,
                       const std::map<std::string, std::uint64_t>& errnos,
                       std::uint64_t most) {
  std::uint64_t left = most;
  for (const auto& [name, count] : errnos) {
    if (!kernel::errno_number(name)) {
      return in.fail("{}: not an error name", key);
    }
    if (count == 0 || count > left) {
      return in.fail("{}: more errors than calls, or none", key);
    }
    left -= count;
  }
  return {};
}

Result<> expect_phases(Cursor& in, const Share& share) {
  std::uint64_t left = share.count;
  for (const auto& [name, count] : share.phases) {
    if (count == 0 || count > left) {
      return in.fail("phases: do not add up to count");
    }
    left -= count;
  }
  return left == 0 ? Result<>() : in.fail("phases: do not add up to count");
}

struct Totals {
  std::uint64_t count = 0;
  std::uint64_t denied = 0;
  std::map<std::string, std::uint64_t> phases;
  std::map<std::string, std::uint64_t> errnos;
};

Result<> read_share(Cursor& in, Share& out) {
  TRY(in.members(field("count", out.count), field("phases", out.phases),
                 field("errnos", out.errnos), field("denied", out.denied),
                 field("denied_errnos", out.denied_errnos),
                 field("first", [&] { return read_time(in, out.first); }),
                 field("last", [&] { return read_time(in, out.last); })));
  if (out.count == 0 && out.denied == 0) {
    return in.fail("neither count nor denied");
  }
  if (out.last < out.first) {
    return in.fail("last is before first");
  }
  TRY(expect_phases(in, out));
  TRY(expect_errnos(in, "errnos", out.errnos, out.count));
  return expect_errnos(in, "denied_errnos", out.denied_errnos, out.denied);
}

Result<> read_by(Cursor& in, By& out) {
  return in.object([&](std::string_view key) -> Result<> {
    if (!is_id(key)) {
      return in.fail("not a recording id");
    }
    const auto [slot, fresh] = out.try_emplace(RecordingId(key));
    return fresh ? read_share(in, slot->second) : in.fail("appears twice");
  });
}

// The members that every kind of fact has, after its own ones.
template <class Fact, class... T>
Result<> read_fact(Cursor& in, Fact& out, const char* count, const char* denied,
                   json::Field<T>... own) {
  Totals totals;
  TRY(in.members(own..., field(count, totals.count),
                 field("phases", totals.phases), field("errnos", totals.errnos),
                 field(denied, totals.denied),
                 field("by", [&] { return read_by(in, out.by); })));
  const auto agrees = [&](const Share& sum) {
    return sum.count == totals.count && sum.denied == totals.denied &&
           sum.phases == totals.phases && sum.errnos == totals.errnos;
  };
  if (out.by.empty()) {
    return in.fail("by: names no recording");
  }
  const bool right = out.by.size() == 1 ? agrees(out.by.begin()->second)
                                        : agrees(total(out.by));
  return right ? Result<>()
               : in.fail("the totals are not the sum of the shares");
}

template <class Fact, class... T>
Result<> read_fact(Cursor& in, Fact& out, json::Field<T>... own) {
  return read_fact(in, out, "count", "denied", own...);
}

Result<> read_hex(Cursor& in, std::uint64_t& out) {
  TRY_ASSIGN(const std::string text, in.text());
  const char* end = text.data() + text.size();
  const bool prefixed = text.starts_with("0x") && text.size() > 2;
  const auto [stop, error] = std::from_chars(text.data() + (prefixed ? 2 : 0),
                                             end, out, prefixed ? 16 : 10);
  if (!prefixed || stop != end || error != std::errc() ||
      fmt::format("0x{:x}", out) != text) {
    return in.fail("not a number like 0x1f, in lower case");
  }
  return {};
}

Result<> read_tuple(Cursor& in, std::vector<std::uint64_t>& out) {
  TRY(in.array([&](std::size_t index) -> Result<> {
    return index < 6 ? read_hex(in, out.emplace_back())
                     : in.fail("a call has at most six arguments");
  }));
  return out.empty() ? in.fail("no argument") : Result<>();
}

Result<> read_arguments(Cursor& in, std::optional<Arguments>& out) {
  out.emplace();
  if (in.at_text()) {
    TRY_ASSIGN(const std::string word, in.text());
    out->unbounded = true;
    return word == "unbounded" ? Result<>() : in.fail("not \"unbounded\"");
  }
  return in.array([&](std::size_t index) -> Result<> {
    if (index >= kMaxTuples) {
      return in.fail("more than {} tuples", kMaxTuples);
    }
    std::vector<std::uint64_t> tuple;
    TRY(read_tuple(in, tuple));
    const auto [slot, fresh] = out->tuples.insert(std::move(tuple));
    return fresh && std::next(slot) == out->tuples.end()
               ? Result<>()
               : in.fail("the tuples are not sorted");
  });
}

// Tuples have the arguments that the table names and no bits that the kernel
// does not read. A table of another version may name other calls.
Result<> expect_shape(Cursor& in, const kernel::ArgSpec& spec,
                      const std::optional<Arguments>& arguments) {
  if (!arguments) {
    return {};
  }
  for (const std::vector<std::uint64_t>& tuple : arguments->tuples) {
    if (tuple.size() != spec.arguments.size()) {
      return in.fail("{} values in a tuple where {} arguments are recorded",
                     tuple.size(), spec.arguments.size());
    }
    for (std::size_t i = 0; i < tuple.size(); ++i) {
      if ((tuple[i] & ~spec.arguments[i].mask) != 0) {
        return in.fail("an argument is wider than what the kernel reads");
      }
    }
  }
  return {};
}

struct NamedSyscall {
  kernel::Syscall syscall;
  std::string name;
};

auto arch_field(Cursor& in, kernel::Arch& out) {
  return field("arch", [&] { return read_word(in, kernel::arch_from, out); });
}

// The name is for readers; where both the file and our table have one, they
// must agree. Other versions know other names.
Result<> expect_name(Cursor& in, const NamedSyscall& named) {
  const auto ours = kernel::syscall_name(named.syscall);
  if (ours && *ours != named.name && !named.name.starts_with("syscall_")) {
    return in.fail("{} number {} is {}", to_string(named.syscall.arch),
                   named.syscall.nr, *ours);
  }
  return {};
}

Result<> read_during(Cursor& in, std::optional<kernel::Syscall>& out) {
  if (in.null()) {
    return {};
  }
  NamedSyscall named;
  TRY(in.members(arch_field(in, named.syscall.arch),
                 field("nr", named.syscall.nr), field("name", named.name)));
  TRY(expect_name(in, named));
  out = named.syscall;
  return {};
}

std::optional<Audited> audited_from(std::string_view word) {
  if (word == "yes") {
    return Audited::Yes;
  }
  if (word == "no") {
    return Audited::No;
  }
  return word == "unknown" ? std::optional(Audited::Unknown) : std::nullopt;
}

// Null: not known.
Result<> read_known(Cursor& in, std::optional<std::string>& out) {
  return in.null() ? Result<>() : read(in, out.emplace());
}

}  // namespace

Result<> read(Cursor& in, SyscallFact& out) {
  NamedSyscall named;
  TRY(read_fact(
      in, out, arch_field(in, named.syscall.arch),
      field("nr", named.syscall.nr), field("name", named.name),
      optional_field("args", [&] { return read_arguments(in, out.args); }),
      optional_field("denied_args",
                     [&] { return read_arguments(in, out.denied_args); })));
  out.syscall = named.syscall;
  TRY(expect_name(in, named));
  if (const kernel::ArgSpec* spec = kernel::arg_spec(out.syscall)) {
    TRY(expect_shape(in, *spec, out.args));
    TRY(expect_shape(in, *spec, out.denied_args));
  }
  return {};
}

Result<> read(Cursor& in, FileFact& out) {
  TRY(read_fact(in, out, field("path", out.path), field("access", out.access),
                field("owner", [&]() -> Result<> {
                  if (in.null()) {
                    return {};
                  }
                  return read(in, out.owner.emplace());
                })));
  if (out.path.empty() || out.path.contains('\0')) {
    return in.fail("path: empty, or with a NUL");
  }
  const bool sorted = std::ranges::adjacent_find(
                          out.access, std::greater_equal()) == out.access.end();
  if (out.access.empty() || !sorted ||
      out.access.find_first_not_of(kAccessLetters) != std::string::npos) {
    return in.fail("access: not some of \"{}\" in that order", kAccessLetters);
  }
  return {};
}

Result<> read(Cursor& in, CapabilityFact& out) {
  std::string name;
  TRY(read_fact(in, out, "granted", "refused", field("number", out.number),
                field("name", name),
                field("during", [&] { return read_during(in, out.during); }),
                field("functions", out.functions),
                field("audited",
                      [&] { return read_word(in, audited_from, out.audited); }),
                field("overridden", out.overridden),
                field("user_namespace", out.user_namespace)));
  if (out.number > kMaxCapability) {
    return in.fail("number: no such capability");
  }
  if (kernel::capability_name(out.number) &&
      name != capability_label(out.number)) {
    return in.fail("capability {} is {}", out.number,
                   capability_label(out.number));
  }
  if (out.functions.size() > kMaxFunctions) {
    return in.fail("functions: more than {}", kMaxFunctions);
  }
  return {};
}

Result<> read(Cursor& in, NetworkFact& out) {
  return read_fact(in, out, field("operation", out.operation),
                   field("family", out.family), field("type", out.type),
                   field("protocol", out.protocol),
                   field("address", out.address), field("port", out.port));
}

Result<> read(Cursor& in, ExecFact& out) {
  return read_fact(in, out, field("path", out.path));
}

Result<> read(Cursor& in, SignalFact& out) {
  return read_fact(in, out, field("signal", out.signal),
                   optional_field("other", [&] {
                     return read_word(in, side_from, out.other);
                   }));
}

Result<> read(Cursor& in, UserFact& out) {
  return read_fact(in, out, field("uid", out.uid), field("gid", out.gid),
                   field("raised", out.raised));
}

Result<> read(Cursor& in, MountFact& out) {
  TRY(read_fact(in, out, field("operation", out.operation),
                field("fstype", out.fstype), field("options", out.options),
                field("source", [&] { return read_known(in, out.source); }),
                field("target", [&] { return read_known(in, out.target); })));
  if (std::ranges::find(kMountOperations, out.operation) ==
      std::end(kMountOperations)) {
    return in.fail("operation: unknown word");
  }
  if (out.options.size() > kMaxOptions ||
      std::ranges::adjacent_find(out.options, std::greater_equal()) !=
          out.options.end()) {
    return in.fail("options: not sorted, double or more than {}", kMaxOptions);
  }
  if (out.source.value_or("").contains('\0') ||
      out.target.value_or("/").contains('\0') || out.target == "") {
    return in.fail("source, target: with a NUL, or an empty target");
  }
  return {};
}

Result<> read(Cursor& in, TraceFact& out) {
  TRY(read_fact(
      in, out, field("access", out.access),
      field("other", [&] { return read_word(in, side_from, out.other); }),
      field("exe", out.exe)));
  if (out.access != "read" && out.access != "trace") {
    return in.fail("access: neither read nor trace");
  }
  return out.other == Side::Program || out.exe.empty()
             ? Result<>()
             : in.fail("exe: of no program of the scope");
}

std::string capability_label(std::uint32_t number) {
  const auto name = kernel::capability_name(number);
  return name ? std::string(*name) : fmt::format("capability_{}", number);
}

}  // namespace vambrace::evidence
