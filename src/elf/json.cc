#include "elf/json.h"

#include <charconv>

#include "base/json.h"

namespace vambrace::elf {
namespace {

using json::Reader;
using json::Value;

std::string hex(std::uint64_t number) {
  return fmt::format("{:#x}", number);
}

Value to_json(const Step& step) {
  return {{"object", json::quote_bytes(step.object)},
          {"function", json::quote_bytes(step.function)},
          {"address", hex(step.address)},
          {"link", to_string(step.link)}};
}

Value to_json(const ReachedCall& call) {
  Value chain = Value::array(), objects = Value::array(),
        askers = Value::array(), arguments = Value::array();
  for (const Step& step : call.chain) {
    chain.push_back(to_json(step));
  }
  for (const std::string& object : call.objects) {
    objects.push_back(json::quote_bytes(object));
  }
  for (const Asker& asker : call.askers) {
    askers.push_back({{"object", json::quote_bytes(asker.object)},
                      {"function", json::quote_bytes(asker.function)},
                      {"inside", asker.inside}});
  }
  for (const ArgumentBound& bound : call.arguments) {
    Value values = Value::array();
    for (const std::uint64_t value : bound.values) {
      values.push_back(hex(value));
    }
    arguments.push_back({{"index", bound.index}, {"values", values}});
  }
  return {{"name", kernel::syscall_label(call.syscall)},
          {"nr", call.syscall.nr},
          {"confidence", to_string(call.confidence)},
          {"chain", chain},
          {"objects", objects},
          {"askers", askers},
          {"arguments", arguments}};
}

Value to_json(const Gap& gap) {
  return {{"kind", gap.kind},
          {"object", json::quote_bytes(gap.object)},
          {"function", json::quote_bytes(gap.function)},
          {"address", hex(gap.address)},
          {"detail", json::quote_bytes(gap.detail)}};
}

Value to_json(const LoadedFile& file) {
  return {{"path", json::quote_bytes(file.path)},
          {"build_id", file.build_id},
          {"why", json::quote_bytes(file.why)},
          {"code_bytes", file.code_bytes},
          {"functions", file.functions},
          {"reached_functions", file.reached_functions},
          {"syscalls", file.syscalls}};
}

Result<std::string> bytes_of(Reader& reader, const char* key) {
  TRY_ASSIGN(const std::string quoted, reader.text(key));
  return during(reader.place_of(key), json::unquote_bytes(quoted));
}

Result<std::uint64_t> parse_hex(std::string_view text,
                                const std::string& place) {
  std::uint64_t number = 0;
  const std::string_view digits =
      text.starts_with("0x") ? text.substr(2) : std::string_view();
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), number, 16);
  if (digits.empty() || error != std::errc() ||
      end != digits.data() + digits.size() || hex(number) != text) {
    return fail(ErrorCode::InvalidInput,
                "{}: not a hexadecimal number like 0x1f", place);
  }
  return number;
}

Result<std::uint64_t> hex_of(Reader& reader, const char* key) {
  TRY_ASSIGN(const std::string text, reader.text(key));
  return parse_hex(text, reader.place_of(key));
}

// Calls `parse` with a reader of each object of the array.
template <class T>
Result<std::vector<T>> list_of(Reader& reader, const char* key,
                               Result<T> (*parse)(Reader&)) {
  TRY_ASSIGN(const Value* array, reader.array(key));
  std::vector<T> out;
  for (const Value& value : *array) {
    TRY_ASSIGN(Reader entry,
               Reader::of(value, fmt::format("{}[{}]", reader.place_of(key),
                                             out.size())));
    TRY_ASSIGN(T parsed, parse(entry));
    TRY(entry.finish());
    out.push_back(std::move(parsed));
  }
  return out;
}

Result<Step> parse_step(Reader& reader) {
  Step step;
  TRY_ASSIGN(step.object, bytes_of(reader, "object"));
  TRY_ASSIGN(step.function, bytes_of(reader, "function"));
  TRY_ASSIGN(step.address, hex_of(reader, "address"));
  TRY_ASSIGN(const std::string word, reader.text("link"));
  const auto link = link_from(word);
  if (!link) {
    return fail(ErrorCode::InvalidInput, "{}: unknown link \"{}\"",
                reader.place_of("link"), word);
  }
  step.link = *link;
  return step;
}

Result<ArgumentBound> parse_bound(Reader& reader) {
  ArgumentBound bound;
  TRY_ASSIGN(const std::uint64_t index, reader.number("index"));
  TRY_ASSIGN(const std::vector<std::string> values, reader.texts("values"));
  if (index > 5 || values.empty() || values.size() > 64) {
    return fail(ErrorCode::InvalidInput,
                "{}: an index of 0 to 5 and 1 to 64 values are expected",
                reader.place());
  }
  bound.index = static_cast<std::uint8_t>(index);
  for (const std::string& text : values) {
    TRY_ASSIGN(const std::uint64_t value,
               parse_hex(text, reader.place_of("values")));
    bound.values.push_back(value);
  }
  return bound;
}

Result<Asker> parse_asker(Reader& reader) {
  Asker asker;
  TRY_ASSIGN(asker.object, bytes_of(reader, "object"));
  TRY_ASSIGN(asker.function, bytes_of(reader, "function"));
  TRY_ASSIGN(const std::uint64_t inside, reader.number("inside"));
  if (inside > kMaxInside) {
    return fail(ErrorCode::InvalidInput, "{}: above {}",
                reader.place_of("inside"), kMaxInside);
  }
  asker.inside = static_cast<std::uint32_t>(inside);
  return asker;
}

Result<ReachedCall> parse_call(Reader& reader) {
  ReachedCall call;
  TRY_ASSIGN(const std::uint64_t nr, reader.number("nr"));
  TRY_ASSIGN(const std::string name, reader.text("name"));
  TRY_ASSIGN(const std::string word, reader.text("confidence"));
  const auto confidence = confidence_from(word);
  if (!confidence || nr > 0xffffffff) {
    return fail(ErrorCode::InvalidInput, "{}: unknown confidence or number",
                reader.place());
  }
  call.syscall.nr = static_cast<std::uint32_t>(nr);
  call.confidence = *confidence;
  TRY_ASSIGN(call.chain, list_of(reader, "chain", parse_step));
  TRY_ASSIGN(call.askers, list_of(reader, "askers", parse_asker));
  TRY_ASSIGN(call.arguments, list_of(reader, "arguments", parse_bound));
  TRY_ASSIGN(const std::vector<std::string> objects, reader.texts("objects"));
  for (const std::string& object : objects) {
    TRY_ASSIGN(std::string path, json::unquote_bytes(object));
    call.objects.push_back(std::move(path));
  }
  if (call.chain.empty()) {
    return fail(ErrorCode::InvalidInput, "{}: empty", reader.place_of("chain"));
  }
  return call;
}

Result<Gap> parse_gap(Reader& reader) {
  Gap gap;
  TRY_ASSIGN(gap.kind, reader.text("kind"));
  TRY_ASSIGN(gap.object, bytes_of(reader, "object"));
  TRY_ASSIGN(gap.function, bytes_of(reader, "function"));
  TRY_ASSIGN(gap.address, hex_of(reader, "address"));
  TRY_ASSIGN(gap.detail, bytes_of(reader, "detail"));
  return gap;
}

Result<LoadedFile> parse_file(Reader& reader) {
  LoadedFile file;
  TRY_ASSIGN(file.path, bytes_of(reader, "path"));
  TRY_ASSIGN(file.build_id, reader.text("build_id"));
  TRY_ASSIGN(file.why, bytes_of(reader, "why"));
  TRY_ASSIGN(file.code_bytes, reader.number("code_bytes"));
  TRY_ASSIGN(file.functions, reader.number("functions"));
  TRY_ASSIGN(file.reached_functions, reader.number("reached_functions"));
  TRY_ASSIGN(file.syscalls, reader.texts("syscalls"));
  return file;
}

Result<> check_calls(Reach& reach, const Reader& reader) {
  for (std::size_t i = 0; i < reach.calls.size(); ++i) {
    kernel::Syscall& syscall = reach.calls[i].syscall;
    syscall.arch = reach.arch;
    if (i > 0 && reach.calls[i - 1].syscall >= syscall) {
      return fail(ErrorCode::InvalidInput,
                  "{}: not sorted by number, or one is there twice",
                  reader.place_of("syscalls"));
    }
  }
  return {};
}

}  // namespace

std::string print_reach(const Reach& reach) {
  Value calls = Value::array(), gaps = Value::array(), files = Value::array();
  for (const ReachedCall& call : reach.calls) {
    calls.push_back(to_json(call));
  }
  for (const Gap& gap : reach.gaps) {
    gaps.push_back(to_json(gap));
  }
  for (const LoadedFile& file : reach.files) {
    files.push_back(to_json(file));
  }
  return json::print({{"schema", kReachSchema},
                      {"program", json::quote_bytes(reach.program)},
                      {"build_id", reach.build_id},
                      {"arch", kernel::to_string(reach.arch)},
                      {"syscalls", calls},
                      {"gaps", gaps},
                      {"libraries", files}});
}

Result<Reach> parse_reach(std::string_view text) {
  TRY_ASSIGN(const Value value, json::parse(text));
  TRY_ASSIGN(Reader reader, Reader::of(value, "reach"));
  TRY_ASSIGN(const std::string schema, reader.text("schema"));
  if (schema != kReachSchema) {
    return fail(ErrorCode::InvalidInput, "schema \"{}\" is not {}", schema,
                kReachSchema);
  }
  Reach reach;
  TRY_ASSIGN(const std::string arch_name, reader.text("arch"));
  const auto arch = kernel::arch_from(arch_name);
  if (!arch) {
    return fail(ErrorCode::InvalidInput, "arch: unknown \"{}\"", arch_name);
  }
  reach.arch = *arch;
  TRY_ASSIGN(reach.program, bytes_of(reader, "program"));
  TRY_ASSIGN(reach.build_id, reader.text("build_id"));
  TRY_ASSIGN(reach.calls, list_of(reader, "syscalls", parse_call));
  TRY_ASSIGN(reach.gaps, list_of(reader, "gaps", parse_gap));
  TRY_ASSIGN(reach.files, list_of(reader, "libraries", parse_file));
  TRY(reader.finish());
  TRY(check_calls(reach, reader));
  if (print_reach(reach) != json::print(value)) {
    return fail(ErrorCode::InvalidInput,
                "not as it would be written: a call's name does not fit its "
                "number, or a name is not quoted as usual");
  }
  return reach;
}

}  // namespace vambrace::elf
