#include "elf/json.h"

#include <charconv>

#include "base/json.h"
#include "base/json_cursor.h"

// The document is written from front to back, and read the same way: a program
// with all its libraries has a thousand steps and some hundred files, and is
// read whenever an answer that was kept is used again.
namespace vambrace::elf {
namespace {

using json::Cursor;
using json::field;

// Writes what json::print() writes of the same values: the caller gives the
// keys in their order.
class Printer {
 public:
  Printer& open(char bracket) {
    out_ += bracket;
    indent_ += 2;
    between_ = "\n";
    return *this;
  }
  Printer& close(char bracket) {
    indent_ -= 2;
    // An empty list stays on its line.
    if (between_ == ",\n") {
      out_ += '\n';
      out_.append(indent_, ' ');
    }
    out_ += bracket;
    between_ = ",\n";
    return *this;
  }
  Printer& next() {
    out_ += between_;
    out_.append(indent_, ' ');
    between_ = ",\n";
    return *this;
  }
  Printer& key(std::string_view name) {
    next();
    out_ += '"';
    out_ += name;
    out_ += "\": ";
    return *this;
  }
  Printer& text(std::string_view value) {
    json::append_quoted(out_, value);
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
  // print(element) for each.
  template <class List, class Print>
  Printer& list(const List& list, Print print) {
    open('[');
    for (const auto& element : list) {
      next();
      print(element);
    }
    return close(']');
  }
  Printer& texts(const std::vector<std::string>& texts) {
    return list(texts, [&](const std::string& one) { text(one); });
  }
  std::string take() { return std::move(out_) + "\n"; }

 private:
  std::string out_;
  std::size_t indent_ = 0;
  std::string_view between_;
};

void print(Printer& out, const Step& step) {
  out.open('{').key("address").hex(step.address);
  out.key("function").text(step.function);
  out.key("link").text(to_string(step.link));
  out.key("object").text(step.object).close('}');
}

void print(Printer& out, const ArgumentBound& bound) {
  out.open('{').key("index").number(bound.index);
  out.key("values").list(bound.values,
                         [&](std::uint64_t value) { out.hex(value); });
  out.close('}');
}

void print(Printer& out, const Asker& asker) {
  out.open('{').key("function").text(asker.function);
  out.key("inside").number(asker.inside);
  out.key("object").text(asker.object).close('}');
}

void print(Printer& out, const ReachedCall& call) {
  const auto each = [&](const auto& one) { print(out, one); };
  out.open('{').key("arguments").list(call.arguments, each);
  out.key("askers").list(call.askers, each);
  out.key("chain").list(call.chain, each);
  out.key("confidence").text(to_string(call.confidence));
  out.key("name").text(kernel::syscall_label(call.syscall));
  out.key("nr").number(call.syscall.nr);
  out.key("objects").texts(call.objects).close('}');
}

void print(Printer& out, const Gap& gap) {
  out.open('{').key("address").hex(gap.address);
  out.key("detail").text(gap.detail);
  out.key("function").text(gap.function);
  out.key("kind").text(gap.kind);
  out.key("object").text(gap.object).close('}');
}

void print(Printer& out, const LoadedFile& file) {
  out.open('{').key("build_id").text(file.build_id);
  out.key("code_bytes").number(file.code_bytes);
  out.key("functions").number(file.functions);
  out.key("path").text(file.path);
  out.key("reached_functions").number(file.reached_functions);
  out.key("syscalls").texts(file.syscalls);
  out.key("why").text(file.why).close('}');
}

void print(Printer& out, const Reach& reach) {
  const auto each = [&](const auto& one) { print(out, one); };
  out.open('{').key("arch").text(kernel::to_string(reach.arch));
  out.key("build_id").text(reach.build_id);
  out.key("gaps").list(reach.gaps, each);
  out.key("libraries").list(reach.files, each);
  out.key("program").text(reach.program);
  out.key("schema").text(kReachSchema);
  out.key("syscalls").list(reach.calls, each).close('}');
}

// A word of a closed list, turned into its value by `from`.
template <class From, class T>
Result<> read_word(Cursor& in, From from, T& out) {
  std::string storage;
  TRY_ASSIGN(const std::string_view word, in.text(storage));
  const auto value = from(word);
  if (!value) {
    return in.fail("unknown word \"{}\"", json::quote_bytes(word));
  }
  out = *value;
  return {};
}

Result<> read_hex(Cursor& in, std::uint64_t& out) {
  std::string storage;
  TRY_ASSIGN(const std::string_view text, in.text(storage));
  const char* last = text.data() + text.size();
  const bool marked = text.starts_with("0x") && text.size() > 2;
  const char* first = text.data() + (marked ? 2 : 0);
  const auto [end, error] = std::from_chars(first, last, out, 16);
  if (!marked || error != std::errc() || end != last) {
    return in.fail("not a hexadecimal number like 0x1f");
  }
  return {};
}

}  // namespace

// The vectors of base/json_cursor.h find these by the types they fill.
static Result<> read(Cursor& in, Step& out) {
  return in.members(
      field("address", [&] { return read_hex(in, out.address); }),
      field("function", out.function),
      field("link", [&] { return read_word(in, link_from, out.link); }),
      field("object", out.object));
}

static Result<> read(Cursor& in, ArgumentBound& out) {
  std::uint64_t index = 0;
  TRY(in.members(field("index", index), field("values", [&] {
                   return in.array([&](std::size_t) {
                     return read_hex(in, out.values.emplace_back());
                   });
                 })));
  if (index > 5 || out.values.empty() || out.values.size() > 64) {
    return in.fail("an index of 0 to 5 and 1 to 64 values are expected");
  }
  out.index = static_cast<std::uint8_t>(index);
  return {};
}

static Result<> read(Cursor& in, Asker& out) {
  TRY(in.members(field("function", out.function), field("inside", out.inside),
                 field("object", out.object)));
  return out.inside > kMaxInside ? in.fail("inside is above {}", kMaxInside)
                                 : Result<>();
}

// The name is compared in the end, with what would be printed.
static Result<> read(Cursor& in, ReachedCall& out) {
  std::string name;
  TRY(in.members(
      field("arguments", out.arguments), field("askers", out.askers),
      field("chain", out.chain),
      field("confidence",
            [&] { return read_word(in, confidence_from, out.confidence); }),
      field("name", name), field("nr", out.syscall.nr),
      field("objects", out.objects)));
  return out.chain.empty() ? in.fail("the chain is empty") : Result<>();
}

static Result<> read(Cursor& in, Gap& out) {
  return in.members(field("address", [&] { return read_hex(in, out.address); }),
                    field("detail", out.detail),
                    field("function", out.function), field("kind", out.kind),
                    field("object", out.object));
}

static Result<> read(Cursor& in, LoadedFile& out) {
  return in.members(field("build_id", out.build_id),
                    field("code_bytes", out.code_bytes),
                    field("functions", out.functions), field("path", out.path),
                    field("reached_functions", out.reached_functions),
                    field("syscalls", out.syscalls), field("why", out.why));
}

static Result<> read(Cursor& in, Reach& out) {
  std::string schema;
  return in.members(
      field("arch", [&] { return read_word(in, kernel::arch_from, out.arch); }),
      field("build_id", out.build_id), field("gaps", out.gaps),
      field("libraries", out.files), field("program", out.program),
      field("schema", schema), field("syscalls", out.calls));
}

namespace {

// Another document says of itself that it is one.
Result<> check_schema(std::string_view text) {
  TRY_ASSIGN(const json::Value value, json::parse(text));
  TRY_ASSIGN(json::Reader reader, json::Reader::of(value, "reach"));
  TRY_ASSIGN(const std::string schema, reader.text("schema"));
  if (schema != kReachSchema) {
    return fail(ErrorCode::InvalidInput, "schema \"{}\" is not {}",
                json::quote_bytes(schema), kReachSchema);
  }
  return {};
}

Result<> check_calls(Reach& reach) {
  for (std::size_t i = 0; i < reach.calls.size(); ++i) {
    kernel::Syscall& syscall = reach.calls[i].syscall;
    syscall.arch = reach.arch;
    if (i > 0 && reach.calls[i - 1].syscall >= syscall) {
      return fail(ErrorCode::InvalidInput,
                  "syscalls: not sorted by number, or one is there twice");
    }
  }
  return {};
}

}  // namespace

std::string print_reach(const Reach& reach) {
  Printer out;
  print(out, reach);
  return out.take();
}

std::string print_reaches(std::span<const Reach> reaches) {
  Printer out;
  out.open('{').key("programs").list(reaches, [&](const Reach& reach) {
    print(out, reach);
  });
  out.key("schema").text(kReachesSchema).close('}');
  return out.take();
}

Result<Reach> parse_reach(std::string_view text) {
  Reach reach;
  Cursor in(text);
  Result<> done = read(in, reach);
  if (done) {
    done = in.finish();
  }
  if (!done) {
    TRY(check_schema(text));
    return std::unexpected(std::move(done).error());
  }
  TRY(check_calls(reach));
  const std::string written = print_reach(reach);
  if (written != text) {
    // Other white space and another order of keys are no difference.
    TRY(check_schema(text));
    TRY_ASSIGN(const json::Value value, json::parse(text));
    if (written != json::print(value)) {
      return fail(ErrorCode::InvalidInput,
                  "not as it would be written: a call's name does not fit its "
                  "number, or a name is not quoted as usual");
    }
  }
  return reach;
}

Result<std::vector<Reach>> parse_reaches(std::string_view text) {
  auto single = parse_reach(text);
  if (single) {
    return std::vector<Reach>{std::move(*single)};
  }
  std::vector<Reach> reaches;
  std::string schema;
  Cursor in(text);
  Result<> done =
      in.members(field("programs", reaches), field("schema", schema));
  if (done) {
    done = in.finish();
  }
  if (!done || schema != kReachesSchema) {
    // What is wrong with several is told only of what says to be several.
    const bool several =
        text.find(fmt::format("\"{}\"", kReachesSchema)) != text.npos;
    return std::unexpected(
        std::move(several && !done ? done.error() : single.error()));
  }
  for (Reach& reach : reaches) {
    // Checked as one of its own.
    TRY(check_calls(reach));
    TRY_ASSIGN(reach, parse_reach(print_reach(reach)));
  }
  return reaches;
}

}  // namespace vambrace::elf
