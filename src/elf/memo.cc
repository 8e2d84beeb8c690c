#include "elf/memo.h"

#include <algorithm>
#include <charconv>

#include "base/json.h"
#include "elf/json.h"

namespace vambrace::elf {
namespace {

Digest digest_of_text(std::string_view text) {
  return digest_of(std::array{text});
}

// Takes a text apart, line by line.
class Lines {
 public:
  explicit Lines(std::string_view text) : text_(text) {}

  // The next line without its end.
  Result<std::string_view> next() {
    const std::size_t end = text_.find('\n');
    if (end == std::string_view::npos) {
      return error("the file ends within it");
    }
    ++number_;
    const std::string_view line = text_.substr(0, end);
    text_.remove_prefix(end + 1);
    return line;
  }

  // What stands behind the word and a space.
  Result<std::string_view> behind(std::string_view word) {
    TRY_ASSIGN(std::string_view line, next());
    if (!line.starts_with(word) || line.substr(word.size(), 1) != " ") {
      return error(fmt::format("\"{}\" is expected", word));
    }
    return line.substr(word.size() + 1);
  }

  std::unexpected<Error> error(std::string_view what) const {
    return fail(ErrorCode::InvalidInput, "line {}: {}", number_, what);
  }

  std::string_view rest() const { return text_; }

 private:
  std::string_view text_;
  std::size_t number_ = 0;
};

// The text up to the next space, which is taken away with it.
std::string_view take_word(std::string_view& text) {
  const std::size_t end = std::min(text.find(' '), text.size());
  const std::string_view word = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return word;
}

std::optional<std::uint64_t> number_in(std::string_view text) {
  std::uint64_t number = 0;
  const char* last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), last, number);
  if (error != std::errc() || end != last || fmt::to_string(number) != text) {
    return std::nullopt;
  }
  return number;
}

std::string print_asked(const Asked& asked) {
  const Question& question = asked.question;
  const std::string limit = question.what == Question::What::Read
                                ? fmt::format("{} ", question.limit)
                                : "";
  return fmt::format("{} {} {}{}\n", to_string(question.what),
                     hex_of(asked.answer), limit,
                     json::quote_bytes(question.path));
}

std::optional<Asked> parse_asked(std::string_view line) {
  const auto what = what_from(take_word(line));
  const auto answer = digest_from(take_word(line));
  if (!what || !answer) {
    return std::nullopt;
  }
  Asked asked{{*what}, *answer};
  if (*what == Question::What::Read) {
    const auto limit = number_in(take_word(line));
    if (!limit) {
      return std::nullopt;
    }
    asked.question.limit = *limit;
  }
  auto path = json::unquote_bytes(line);
  if (!path || json::quote_bytes(*path) != line) {
    return std::nullopt;
  }
  asked.question.path = *std::move(path);
  return asked;
}

Result<std::vector<Asked>> parse_questions(Lines& lines) {
  TRY_ASSIGN(const std::string_view word, lines.behind("questions"));
  const auto count = number_in(word);
  if (!count || *count > kMaxQuestions) {
    return lines.error("no number of questions");
  }
  std::vector<Asked> all;
  while (all.size() < *count) {
    TRY_ASSIGN(const std::string_view line, lines.next());
    auto asked = parse_asked(line);
    if (!asked) {
      return lines.error("no question");
    }
    if (!all.empty() && !(all.back().question < asked->question)) {
      return lines.error("not sorted, or there twice");
    }
    all.push_back(*std::move(asked));
  }
  return all;
}

// Fields with their lengths, so that no two requests are one text.
void add_field(std::string& text, std::string_view field) {
  text += fmt::format("{}:{}", field.size(), field);
}

void add_fields(std::string& text, const std::vector<std::string>& fields) {
  text += fmt::format("{};", fields.size());
  for (const std::string& field : fields) {
    add_field(text, field);
  }
}

std::string text_of(const Request& request) {
  std::string text;
  add_field(text, request.program);
  add_fields(text, request.library_path);
  text += request.linked_only ? "linked;" : "all;";
  for (const Extra& extra : request.extras) {
    add_field(text, extra.path);
    add_field(text, extra.why);
    add_fields(text, extra.entries);
    text += extra.observed ? "observed;" : "named;";
  }
  return text;
}

Question program_of(const Request& request) {
  return {Question::What::Read, request.program, kMaxRootFile};
}

// The memo of that key, if all it asked is answered the same now. The program
// itself is part of the key.
std::optional<Memo> find_memo(const Root& root, const Request& request,
                              const Digest& key, MemoStore& store) {
  const auto text = store.find(hex_of(key));
  auto memo = text ? parse_memo(*text) : fail(ErrorCode::NotFound, "no memo");
  if (!memo || memo->key != key) {
    return std::nullopt;
  }
  const Question program = program_of(request);
  const bool holds = std::ranges::all_of(memo->asked, [&](const Asked& asked) {
    return asked.question == program ||
           answer_of(root, asked.question) == asked.answer;
  });
  return holds ? std::optional(*std::move(memo)) : std::nullopt;
}

}  // namespace

std::string print_memo(const Memo& memo) {
  std::string body = fmt::format("key {}\nquestions {}\n", hex_of(memo.key),
                                 memo.asked.size());
  for (const Asked& asked : memo.asked) {
    body += print_asked(asked);
  }
  body += print_reach(memo.reach);
  return fmt::format("{} {}\n", kMemoFormat, hex_of(digest_of_text(body))) +
         body;
}

Result<Memo> parse_memo(std::string_view text) {
  if (text.size() > kMaxMemoBytes) {
    return fail(ErrorCode::InvalidInput, "larger than {} bytes", kMaxMemoBytes);
  }
  Lines lines(text);
  TRY_ASSIGN(const std::string_view own, lines.behind(kMemoFormat));
  if (digest_from(own) != digest_of_text(lines.rest())) {
    return lines.error("what follows does not have this digest");
  }
  Memo memo;
  TRY_ASSIGN(const std::string_view digits, lines.behind("key"));
  const auto key = digest_from(digits);
  if (!key) {
    return lines.error("no digest");
  }
  memo.key = *key;
  TRY_ASSIGN(memo.asked, parse_questions(lines));
  TRY_ASSIGN(memo.reach, during("the answer", parse_reach(lines.rest())));
  return memo;
}

Result<Answered> analyze_once(const Root& root, const Request& request,
                              std::string_view builds, MemoStore* store,
                              Binaries& binaries) {
  const AskedRoot asked(root);
  if (store == nullptr) {
    TRY_ASSIGN(Reach reach, analyze(asked, request, binaries));
    return Answered{std::move(reach)};
  }
  const Digest program = answer_of(asked, program_of(request));
  const Digest key = digest_of(std::array{kMemoFormat, builds,
                                          std::string_view(text_of(request)),
                                          std::string_view(hex_of(program))});
  if (auto memo = find_memo(root, request, key, *store)) {
    return Answered{std::move(memo->reach), memo->asked.size()};
  }
  Memo memo{.key = key};
  TRY_ASSIGN(memo.reach, analyze(asked, request, binaries));
  memo.asked = asked.asked();
  const std::string text = print_memo(memo);
  if (memo.asked.size() <= kMaxQuestions && text.size() <= kMaxMemoBytes) {
    store->keep(hex_of(key), text);
  }
  return Answered{std::move(memo.reach)};
}

}  // namespace vambrace::elf
