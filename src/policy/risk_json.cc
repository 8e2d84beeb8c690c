#include "policy/risk_json.h"

#include <algorithm>
#include <charconv>
#include <tuple>
#include <utility>

#include "base/json_cursor.h"
#include "base/printable.h"
#include "kernel/capabilities.h"
#include "kernel/syscalls.h"

namespace vambrace::policy {
namespace {

using json::Cursor;
using json::field;
using json::optional_field;

constexpr std::size_t kMaxTableBytes = 4U << 20;
constexpr std::size_t kMaxEntries = 4096;
constexpr std::size_t kMaxWords = 64;  // of the lists inside of an entry
constexpr std::size_t kMaxTextBytes = 400;

Result<> read_words(Cursor& in, std::string& out) {
  TRY_ASSIGN(out, in.text());
  if (out.empty()) {
    return in.fail("empty");
  }
  if (out.size() > kMaxTextBytes) {
    return in.fail("longer than {} bytes", kMaxTextBytes);
  }
  if (printable(out) != out) {
    return in.fail("has characters that do not print");
  }
  return {};
}

// A list of at most `most` elements, each read by `element`.
template <class T, class Element>
Result<> read_list(Cursor& in, std::vector<T>& out, std::size_t most,
                   Element&& element) {
  return in.array([&](std::size_t index) -> Result<> {
    if (index == most) {
      return in.fail("more than {}", most);
    }
    T value{};
    TRY(element(value));
    out.push_back(std::move(value));
    return {};
  });
}

Result<> read_sources(Cursor& in, std::vector<std::string>& out) {
  TRY(read_list(in, out, kMaxWords,
                [&](std::string& word) { return read_words(in, word); }));
  return out.empty() ? in.fail("names no source") : Result<>();
}

Result<> read_class(Cursor& in, RiskClass& out) {
  TRY_ASSIGN(const std::string word, in.text());
  const auto level = risk_class_from(word);
  if (!level) {
    return in.fail("\"{}\" is none of low, medium, high", printable(word));
  }
  out = *level;
  return {};
}

Result<> read_call(Cursor& in, std::string& out) {
  TRY(read_words(in, out));
  if (std::ranges::none_of(kernel::kAllArches, [&](kernel::Arch arch) {
        return kernel::syscall_number(arch, out).has_value();
      })) {
    const auto near = kernel::nearest_syscall_name(out);
    return in.fail("unknown system call \"{}\"{}", out,
                   near ? fmt::format(", did you mean \"{}\"?", *near) : "");
  }
  return {};
}

Result<> read_capability(Cursor& in, std::uint32_t& out) {
  TRY_ASSIGN(const std::string word, in.text());
  const auto number = kernel::capability_number(word);
  if (!number || *kernel::capability_name(*number) != word) {
    return in.fail("unknown capability \"{}\"", printable(word));
  }
  out = *number;
  return {};
}

Result<> read_hex(Cursor& in, std::uint64_t& out) {
  TRY_ASSIGN(const std::string text, in.text());
  const char* end = text.data() + text.size();
  const bool prefixed = text.starts_with("0x") && text.size() > 2;
  const auto [stop, error] =
      std::from_chars(text.data() + (prefixed ? 2 : 0), end, out, 16);
  if (!prefixed || stop != end || error != std::errc()) {
    return in.fail("not a number such as \"0x1f\"");
  }
  return {};
}

// An entry of `key` and the fields of a risk.
template <class Key>
Result<> read_entry(Cursor& in, std::string_view key, Key read_key,
                    Risk& risk) {
  return in.members(
      field(key, std::move(read_key)),
      field("class", [&] { return read_class(in, risk.level); }),
      field("exposes", [&] { return read_words(in, risk.exposes); }),
      field("sources", [&] { return read_sources(in, risk.sources); }),
      optional_field("never_legitimate",
                     [&] { return json::read(in, risk.never_legitimate); }));
}

// A map from the file's list, which is sorted by the map's key. `read_key`
// reads one.
template <class Map, class Read>
Result<> read_map(Cursor& in, std::string_view key, Map& out, Read read_key) {
  return in.array([&](std::size_t index) -> Result<> {
    if (index == kMaxEntries) {
      return in.fail("more than {}", kMaxEntries);
    }
    typename Map::key_type name{};
    Risk risk;
    TRY(read_entry(in, key, [&] { return read_key(name); }, risk));
    if (!out.empty() && out.rbegin()->first >= name) {
      return in.fail("not sorted, or twice: {}", name);
    }
    out.emplace_hint(out.end(), std::move(name), std::move(risk));
    return {};
  });
}

Result<> read_kind(Cursor& in, std::string& out) {
  TRY(read_words(in, out));
  if (!std::ranges::binary_search(kAccessKinds, std::string_view(out))) {
    return in.fail("unknown kind of access \"{}\"", out);
  }
  return {};
}

Result<> read_path(Cursor& in, std::string& out) {
  TRY(read_words(in, out));
  if (!out.starts_with('/') || (out.size() > 1 && out.ends_with('/'))) {
    return in.fail("not a path from the root without a slash at its end");
  }
  return {};
}

auto argument_key(const ArgumentRisk& one) {
  return std::tie(one.call, one.match);
}

Result<> read_argument(Cursor& in, ArgumentRisk& out) {
  std::uint32_t index = 0;
  TRY(in.members(
      field("call", [&] { return read_call(in, out.call); }),
      field("index", index),
      field("mask", [&] { return read_hex(in, out.match.mask); }),
      field("value", [&] { return read_hex(in, out.match.value); }),
      field("name", [&] { return read_words(in, out.name); }),
      field("class", [&] { return read_class(in, out.risk.level); }),
      field("exposes", [&] { return read_words(in, out.risk.exposes); }),
      field("sources", [&] { return read_sources(in, out.risk.sources); })));
  if (index > 5) {
    return in.fail("an index above 5");
  }
  if (out.match.mask == 0 || (out.match.value & ~out.match.mask) != 0) {
    return in.fail("a value that the mask never lets through");
  }
  out.match.index = static_cast<std::uint8_t>(index);
  return {};
}

Result<> read_arguments(Cursor& in, std::vector<ArgumentRisk>& out) {
  std::set<std::pair<std::string, std::string>> names;
  return read_list(in, out, kMaxEntries, [&](ArgumentRisk& one) -> Result<> {
    TRY(read_argument(in, one));
    if (!out.empty() && argument_key(out.back()) >= argument_key(one)) {
      return in.fail("not sorted, or twice: {} {}", one.call, one.name);
    }
    if (!names.emplace(one.call, one.name).second) {
      return in.fail("{} names {} twice", one.call, one.name);
    }
    return {};
  });
}

Result<> read_equivalent(Cursor& in, Equivalent& out) {
  const auto read_by = [&]() -> Result<> {
    TRY(read_list(in, out.by, kMaxWords,
                  [&](std::string& name) { return read_call(in, name); }));
    if (out.by.empty() ||
        std::ranges::adjacent_find(out.by, std::ranges::greater_equal()) !=
            out.by.end()) {
      return in.fail("empty, not sorted, or a name twice");
    }
    return {};
  };
  return in.members(field("call", [&] { return read_call(in, out.call); }),
                    field("by", read_by),
                    field("why", [&] { return read_words(in, out.why); }));
}

Result<> read_equivalents(Cursor& in, std::vector<Equivalent>& out) {
  return read_list(in, out, kMaxEntries, [&](Equivalent& one) -> Result<> {
    TRY(read_equivalent(in, one));
    if (!out.empty() && out.back().call >= one.call) {
      return in.fail("not sorted, or twice: {}", one.call);
    }
    return {};
  });
}

// Year and number of "CVE-2016-8655"; nullopt for anything else.
std::optional<std::pair<std::uint32_t, std::uint32_t>> cve(
    std::string_view id) {
  constexpr std::string_view kStart = "CVE-";
  constexpr std::size_t kDash = 8;
  if (!id.starts_with(kStart) || id.size() < 13 || id.size() > 16 ||
      id[kDash] != '-' || !std::ranges::all_of(id.substr(4, 4), [](char c) {
        return c >= '0' && c <= '9';
      })) {
    return std::nullopt;
  }
  std::pair<std::uint32_t, std::uint32_t> out;
  std::from_chars(id.data() + 4, id.data() + kDash, out.first);
  const char* end = id.data() + id.size();
  const auto [stop, error] =
      std::from_chars(id.data() + kDash + 1, end, out.second);
  const bool padded = id.size() > 13 && id[kDash + 1] == '0';
  return stop == end && error == std::errc() && !padded ? std::optional(out)
                                                        : std::nullopt;
}

Result<> read_step(Cursor& in, AdvisoryStep& out) {
  const auto capability = [&] {
    return read_capability(in, out.capability.emplace());
  };
  TRY(in.members(
      optional_field("call", [&] { return read_call(in, out.call); }),
      optional_field("argument", [&] { return read_words(in, out.argument); }),
      optional_field("capability", capability)));
  if (out.call.empty() != out.capability.has_value() ||
      (out.capability && !out.argument.empty())) {
    return in.fail("is not one call or one capability");
  }
  return {};
}

Result<> read_need(Cursor& in, std::vector<AdvisoryStep>& out) {
  const auto next = [&](AdvisoryStep& step) -> Result<> {
    TRY(read_step(in, step));
    return out.empty() || out.back() < step ? Result<>()
                                            : in.fail("not sorted, or twice");
  };
  TRY(read_list(in, out, kMaxWords, next));
  return out.empty() ? in.fail("no step does it") : Result<>();
}

Result<> read_needs(Cursor& in, Advisory& out) {
  return read_list(in, out.needs, kMaxWords,
                   [&](auto& need) { return read_need(in, need); });
}

Result<> read_advisory(Cursor& in, Advisory& out) {
  const auto read_id = [&]() -> Result<> {
    TRY(read_words(in, out.id));
    return cve(out.id) ? Result<>()
                       : in.fail("not a number such as CVE-2016-8655");
  };
  return in.members(
      field("id", read_id),
      field("subsystem", [&] { return read_words(in, out.subsystem); }),
      field("what", [&] { return read_words(in, out.what); }),
      field("needs", [&] { return read_needs(in, out); }),
      field("sources", [&] { return read_sources(in, out.sources); }));
}

Result<> read_advisories(Cursor& in, std::vector<Advisory>& out) {
  return read_list(in, out, kMaxEntries, [&](Advisory& one) -> Result<> {
    TRY(read_advisory(in, one));
    if (!out.empty() && *cve(out.back().id) >= *cve(one.id)) {
      return in.fail("not sorted, or twice: {}", one.id);
    }
    return {};
  });
}

// Each value that a step names must be one of the arguments: a step that no
// grant can be compared with would read as out of reach.
Result<> check_steps(const RiskTable& table) {
  for (std::size_t a = 0; a < table.advisories.size(); ++a) {
    const Advisory& advisory = table.advisories[a];
    for (std::size_t n = 0; n < advisory.needs.size(); ++n) {
      for (const AdvisoryStep& step : advisory.needs[n]) {
        if (!step.argument.empty() &&
            risk_of_value(table, step.call, step.argument) == nullptr) {
          return fail(ErrorCode::InvalidInput,
                      "advisories[{}].needs[{}]: the arguments have no {} of "
                      "{}",
                      a, n, step.argument, step.call);
        }
      }
    }
  }
  return {};
}

Result<> read_schema(Cursor& in) {
  TRY_ASSIGN(const std::string schema, in.text());
  return schema == kRisksSchema ? Result<>()
                                : in.fail("is not {}", kRisksSchema);
}

Result<> read_table(Cursor& in, RiskTable& table) {
  const auto call = [&](std::string& out) { return read_call(in, out); };
  const auto number = [&](std::uint32_t& out) {
    return read_capability(in, out);
  };
  const auto kind = [&](std::string& out) { return read_kind(in, out); };
  const auto path = [&](std::string& out) { return read_path(in, out); };
  return in.members(
      field("schema", [&] { return read_schema(in); }),
      field("version", [&] { return read_words(in, table.version); }),
      field("syscalls",
            [&] { return read_map(in, "name", table.syscalls, call); }),
      field("capabilities",
            [&] { return read_map(in, "name", table.capabilities, number); }),
      field("arguments", [&] { return read_arguments(in, table.arguments); }),
      field("accesses",
            [&] { return read_map(in, "name", table.accesses, kind); }),
      field("paths", [&] { return read_map(in, "path", table.paths, path); }),
      field("equivalents",
            [&] { return read_equivalents(in, table.equivalents); }),
      optional_field("covered",
                     [&] { return read_equivalents(in, table.covered); }),
      field("advisories",
            [&] { return read_advisories(in, table.advisories); }));
}

}  // namespace

Result<RiskTable> parse_risks(std::string_view text) {
  if (text.size() > kMaxTableBytes) {
    return fail(ErrorCode::InvalidInput,
                "a table of risks of {} bytes, above {}", text.size(),
                kMaxTableBytes);
  }
  Cursor in(text);
  RiskTable table;
  TRY(read_table(in, table));
  TRY(in.finish());
  TRY(check_steps(table));
  return table;
}

}  // namespace vambrace::policy
