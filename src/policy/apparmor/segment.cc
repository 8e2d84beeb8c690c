#include "policy/apparmor/segment.h"

#include <algorithm>
#include <array>
#include <limits>

#include "policy/apparmor/known_layout.h"
#include "policy/apparmor/known_name.h"
#include "policy/apparmor/letters.h"
#include "policy/apparmor/variables.h"

// A name is read in three ways, the surest first. Some places say what a name
// is (a number in /proc is a process). Some programs always write names of one
// kind (redis: temp-PID.rdb). For all other names the letters are looked at: a
// name is cut at its punctuation, and each part that is a number, hexadecimal
// or looks drawn by lot is replaced. That last way proves nothing; it says
// which names are alike, and the caller asks for more than one of them.
namespace vambrace::policy::apparmor {
namespace {

// Which kind names the whole when several parts changed.
unsigned rank(Kind kind) {
  switch (kind) {
    case Kind::Uuid:
      return 5;
    case Kind::Date:
      return 4;
    case Kind::Hex:
      return 3;
    case Kind::TempName:
      return 2;
    case Kind::Number:
      return 1;
    default:
      return 0;
  }
}

// Nobody counts that far in a name.
constexpr std::size_t kLongNumber = 6;

class ByLetters {
 public:
  // `drawn`: a part of the name is known to be drawn by lot.
  explicit ByLetters(const Place& place, bool drawn = false)
      : static_(is_static(place.directory)), place_(place), drawn_(drawn) {}

  std::optional<Form> read(std::string_view name) {
    bool boundary = true;
    while (!name.empty()) {
      const std::size_t length =
          boundary && is_alphanumeric(name[0]) ? changing(name) : 0;
      if (length == 0) {
        const std::size_t kept = std::max<std::size_t>(
            1, boundary ? leading(name, alphanumerics()).size() : 1);
        keep(name.substr(0, kept));
        name.remove_prefix(kept);
      } else {
        name.remove_prefix(length);
      }
      boundary = true;
    }
    if (!kind_) {
      return std::nullopt;
    }
    build();
    return Form{.shape = std::move(shape_), .kind = *kind_, .needed = needed()};
  }

 private:
  void keep(std::string_view text) {
    whole_ = false;
    if (!parts_.empty() && !parts_.back().shape &&
        parts_.back().kept.end() == text.begin()) {
      const std::string_view before = parts_.back().kept;
      parts_.back().kept = {before.data(), before.size() + text.size()};
    } else {
      parts_.push_back({.kept = text, .shape = std::nullopt});
    }
  }

  // Most names have no part that changes: their shape is never built.
  void build() {
    for (const Part& part : parts_) {
      shape_ += part.shape ? *part.shape : literal(part.kept);
    }
  }

  // Sure: no other name than one that changes has such a part.
  std::size_t put(Shape shape, Kind kind, std::size_t length,
                  bool sure = false) {
    parts_.push_back({.kept = {}, .shape = std::move(shape)});
    sure_ = sure_ && sure;
    if (!kind_ || rank(kind) > rank(*kind_)) {
      kind_ = kind;
    }
    return length;
  }

  // Puts the part at the start of the text if it is one that changes, and says
  // how long it is; 0: it is none.
  std::size_t changing(std::string_view text) {
    if (leads_with_uuid(text)) {
      return put(uuid(), Kind::Uuid, 36, true);
    }
    if (const auto date = leading_date(text)) {
      return put(date->shape, Kind::Date, date->length);
    }
    const std::string_view run = leading(text, alphanumerics());
    const auto length = static_cast<unsigned>(run.size());
    if (drawn_ && counts_in_letters(run)) {
      return put(random(length), Kind::TempName, length);
    }
    if (looks_hexadecimal(run)) {
      return put(hex(length), Kind::Hex, length, length == 64);
    }
    if (is_number(run) && length <= 20) {
      long_ = long_ || length >= kLongNumber;
      return put(number(), Kind::Number, length);
    }
    if (const std::size_t digits = hex_at_end(run)) {
      keep(run.substr(0, length - digits));
      put(hex(static_cast<unsigned>(digits)), Kind::Hex, digits);
      return length;
    }
    if (!static_ && looks_random(run)) {
      return put(random(length), Kind::TempName, length);
    }
    return word_with_number(run);
  }

  // lock3f9a1c2b7d8e4f60: a word and then hexadecimal digits, both of them
  // letters and numbers; 0: none.
  static std::size_t hex_at_end(std::string_view run) {
    const std::size_t last = run.find_last_not_of("0123456789abcdef");
    const std::string_view digits =
        last == run.npos ? std::string_view() : run.substr(last + 1);
    return looks_hexadecimal(digits) && !is_number(digits) ? digits.size() : 0;
  }

  // A counter of a fixed width, in more digits than ten: "00002G" and "0E" of
  // exim's 1xXifE-00002G-0E. Beside letters that were drawn no word looks so.
  static bool counts_in_letters(std::string_view run) {
    return run.size() >= 2 && is_number(run.substr(0, 1)) &&
           (!is_number(run) || (run.size() > 2 && run.front() == '0'));
  }

  // worker3, tty1: a word and then a number.
  std::size_t word_with_number(std::string_view run) {
    const std::size_t first = run.find_first_of("0123456789");
    if (first == 0 || first == run.npos || run.size() - first > 20 ||
        !is_number(run.substr(first))) {
      return 0;
    }
    keep(run.substr(0, first));
    return put(number(), Kind::WorkerIndex, 0) + run.size();
  }

  // A number beside other letters may be a version or a name of its own: only
  // three of them, or two that took turns, show that it counts.
  unsigned needed() const {
    const bool in_package = static_ || place_.purpose == Purpose::Map;
    if (!in_package && (sure_ || (place_.made && is_own()))) {
      return 1;
    }
    const bool counts =
        *kind_ == Kind::WorkerIndex || (*kind_ == Kind::Number && !whole_);
    return counts ? 3 : 2;
  }

  // Of a file that the workload made and removed: no word looks so.
  bool is_own() const {
    return *kind_ == Kind::Hex || (*kind_ == Kind::Number && (whole_ || long_));
  }

  struct Part {
    std::string_view kept;
    std::optional<Shape> shape;
  };

  bool static_;
  Place place_;
  bool drawn_;
  std::vector<Part> parts_;
  Shape shape_;
  std::optional<Kind> kind_;
  bool sure_ = true;  // each part that changes is
  bool whole_ = true;
  bool long_ = false;  // a number of many digits
};

// How many letters and digits a text ends with.
std::size_t last_alphanumerics(std::string_view text) {
  const auto end =
      std::find_if_not(text.rbegin(), text.rend(), is_alphanumeric);
  return static_cast<std::size_t>(end - text.rbegin());
}

// The letters at the end of a text that could have been drawn by lot, as many
// as it is usual to draw.
std::optional<Part> drawn_end(std::string_view text) {
  constexpr std::size_t kPython = 8;
  constexpr std::size_t kMkstemp = 6;
  // python draws underscores, too, and no capitals.
  if (text.size() >= kPython &&
      all_in(text.substr(text.size() - kPython), lower_letters()) &&
      (text.size() == kPython ||
       !is_alphanumeric(text[text.size() - kPython - 1]))) {
    return Part{.shape = lower(kPython), .length = kPython};
  }
  std::size_t length = last_alphanumerics(text);
  if (length < kMkstemp) {
    return std::nullopt;
  }
  // With no mark before the letters a part of them is a stem.
  if (length == text.size() ||
      (length != kPython && length != 10 && length != 12)) {
    length = kMkstemp;
  }
  return Part{.shape = random(static_cast<unsigned>(length)), .length = length};
}

}  // namespace

std::string_view to_string(Kind kind) {
  switch (kind) {
    case Kind::Pid:
      return "pid";
    case Kind::Number:
      return "number";
    case Kind::Hex:
      return "hex";
    case Kind::Uuid:
      return "uuid";
    case Kind::TempName:
      return "temp name";
    case Kind::LibraryVersion:
      return "library version";
    case Kind::LogRotation:
      return "log rotation";
    case Kind::Date:
      return "date";
    case Kind::Unnamed:
      return "unnamed file";
    case Kind::WorkerIndex:
      return "worker index";
    case Kind::Siblings:
      return "siblings";
    case Kind::Subtree:
      return "subtree";
  }
  return "";
}

bool is_static(std::string_view directory) {
  constexpr std::array<std::string_view, 12> kStatic = {
      "/usr/", "/etc/",  "/lib/", "/lib32/", "/lib64/", "/libx32/",
      "/bin/", "/sbin/", "/opt/", "/boot/",  "/nix/",   "/snap/"};
  return std::ranges::any_of(kStatic, [&](std::string_view one) {
    return directory.starts_with(one);
  });
}

std::optional<Form> form_of(std::string_view name, const Place& place) {
  if (name.empty() || name.size() > 255) {
    return std::nullopt;
  }
  const bool has_digit = std::ranges::any_of(
      name, [](char byte) { return byte >= '0' && byte <= '9'; });
  if (!place.made && !has_digit && !name.contains('_') && changes(name) < 2) {
    return std::nullopt;  // no part of it could be any of the below
  }
  if (auto form = known_form(name, place);
      form || place.directory == "/proc/") {
    return form;
  }
  auto form = ByLetters(place).read(name);
  return form && form->kind == Kind::TempName
             ? ByLetters(place, true).read(name)
             : form;
}

std::optional<Form> drawn_form_of(std::string_view name, const Place& place) {
  if (!place.made || place.purpose == Purpose::Map || name.size() > 255 ||
      is_static(place.directory)) {
    return std::nullopt;
  }
  if (known_form(name, place)) {
    return std::nullopt;
  }
  std::string_view ending = name.substr(std::min(name.rfind('.'), name.size()));
  ending = is_ending(ending) ? ending : std::string_view();
  const std::string_view body = name.substr(0, name.size() - ending.size());
  const auto drawn = drawn_end(body);
  // Without a stem anything of its length looks so: only where nothing else is.
  if (!drawn || (drawn->length == body.size() &&
                 !is_temporary_directory(place.directory))) {
    return std::nullopt;
  }
  Shape shape = literal(body.substr(0, body.size() - drawn->length));
  shape += drawn->shape;
  shape += literal(ending);
  return Form{.shape = std::move(shape),
              .kind = Kind::TempName,
              .needed = std::numeric_limits<unsigned>::max()};
}

}  // namespace vambrace::policy::apparmor
