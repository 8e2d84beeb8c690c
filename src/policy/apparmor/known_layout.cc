#include "policy/apparmor/known_layout.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "policy/apparmor/letters.h"
#include "policy/apparmor/variables.h"

namespace vambrace::policy::apparmor {
namespace {

// Where a layout counts.
enum class Where : std::uint8_t {
  Anywhere,
  InTemporary,        // in a directory for temporary files
  MadeInTemporary,    // the same, and the workload made and removed it
  PythonInTemporary,  // the same, and Python alone used it
  Made,               // the workload made and removed it
  Python,             // the same, and Python alone used it
  Directory,          // in one that ends so
  Numbered,           // the same, or in its directories that are numbers
};

// A layout is text with fields:
//
//   %d          a number
//   %h          a hexadecimal number of up to 16 digits
//   %8x         8 hexadecimal digits
//   %8r, %6-12r letters, digits and underscores, and not just a word
//   %8l         the same, no capitals
//   %8w         the same, just a word or not
//   %*          anything up to what follows; it stays as it is
//   %e          an ending like .json, or none; it stays as it is
struct Known {
  Where where;
  std::string_view layout;
  std::string_view directory;
};

constexpr Known kKnown[] = {
    {Where::InTemporary, "tmp.%6-12r", ""},     // mktemp
    {Where::InTemporary, "tmp%8l%e", ""},       // python's tempfile
    {Where::MadeInTemporary, "tmp%8w%e", ""},   //
    {Where::MadeInTemporary, "%8l", ""},        // its trial of the folder
    {Where::PythonInTemporary, "%8w", ""},      //
    {Where::InTemporary, "pymp-%8l", ""},       // python's multiprocessing
    {Where::InTemporary, "sem.mp-%8l", ""},     //
    {Where::InTemporary, "psm_%8x", ""},        //
    {Where::InTemporary, "tmp%6-10r%e", ""},    //
    {Where::MadeInTemporary, "sem.%6r", ""},    // sem_open
    {Where::InTemporary, "php%6r", ""},         //
    {Where::InTemporary, "cc%6r%e", ""},        // gcc
    {Where::InTemporary, "sort%6r", ""},        //
    {Where::InTemporary, "sh-thd.%6r", ""},     // bash
    {Where::InTemporary, "sh-thd-%d", ""},      //
    {Where::InTemporary, "ssh-%6-16r", ""},     //
    {Where::InTemporary, "agent.%d", ""},       // ssh-agent
    {Where::InTemporary, "go-build%d", ""},     //
    {Where::InTemporary, "etilqs_%h", ""},      // sqlite
    {Where::InTemporary, "PostgreSQL.%d", ""},  //
    {Where::Made, "%*-mj%9x", ""},              // sqlite, several databases
    {Where::Made, "tmp%8l%e", ""},              // python's tempfile, dir=...
    {Where::Python, "tmp%8w%e", ""},            //
    {Where::Made, "tmp.%10r", ""},              // mktemp -p
    {Where::Made, "sed%6r", ""},                // sed -i
    {Where::Made, "tmp_obj_%6r", ""},           // git
    {Where::Made, "tmp_pack_%6r", ""},          //
    {Where::Made, "tmp_idx_%6r", ""},           //
    {Where::Made, ".#%*%16x", ""},              // systemd
    {Where::Anywhere, "sess_%22-64r", ""},      // php
    {Where::Anywhere, "kube-api-access-%5r", ""},
    {Where::Anywhere, "temp-%d.rdb", ""},  // redis
    {Where::Anywhere, "temp-rewriteaof-%d.aof", ""},
    {Where::Anywhere, "temp-rewriteaof-bg-%d.aof", ""},
    {Where::Anywhere, "%*.aof.%d.base.rdb", ""},
    {Where::Anywhere, "%*.aof.%d.base.aof", ""},
    {Where::Anywhere, "%*.aof.%d.incr.aof", ""},
    {Where::Anywhere, "#sql-alter-%h-%h%e", ""},  // MariaDB
    {Where::Anywhere, "#sql-backup-%h-%h%e", ""},
    {Where::Anywhere, "#sql-create-%h-%h%e", ""},
    {Where::Anywhere, "#sql-exchange-%h-%h%e", ""},
    {Where::Anywhere, "#sql-temptable-%h-%h-%h.MAD", ""},
    {Where::Anywhere, "#sql-temptable-%h-%h-%h.MAI", ""},
    {Where::Directory, "cgisock.%d", "/apache2/socks/"},  // apache2
    {Where::Made, "%*.sock.%d.tmp", ""},                  // haproxy
    {Where::Made, "%*.sock.%d.bak", ""},
    {Where::Anywhere, "pgsql_tmp%d.%d", ""},  // PostgreSQL
    {Where::Anywhere, "pgsql_tmp%d.%d.fileset", ""},
    {Where::Anywhere, "pgsql_tmp%d.%d.sharedfileset", ""},
    {Where::Anywhere, "pg_internal.init.%d", ""},
    {Where::Directory, "%24x", "/pg_wal/"},
    {Where::Directory, "xlogtemp.%d", "/pg_wal/"},
    {Where::Directory, "%4x", "/pg_xact/"},
    {Where::Directory, "%4x", "/pg_subtrans/"},
    {Where::Directory, "%4x", "/pg_notify/"},
    {Where::Directory, "%4x", "/pg_commit_ts/"},
    {Where::Directory, "%4x", "/pg_multixact/offsets/"},
    {Where::Directory, "%4x", "/pg_multixact/members/"},
    {Where::Directory, "%h-%h.snap", "/pg_logical/snapshots/"},
    {Where::Numbered, "t%d_%d", "/base/"},
    {Where::Numbered, "t%d_%d_fsm", "/base/"},
    {Where::Numbered, "t%d_%d_vm", "/base/"},
    {Where::Numbered, "%d", "/nginx/body/"},  // nginx
    {Where::Numbered, "%d", "/nginx/proxy/"},
    {Where::Numbered, "%d", "/nginx/fastcgi/"},
    {Where::Numbered, "%d", "/nginx/uwsgi/"},
    {Where::Numbered, "%d", "/nginx/scgi/"},
    {Where::Numbered, "%d", "/client_body_temp/"},
    {Where::Numbered, "%d", "/proxy_temp/"},
    {Where::Numbered, "%d", "/fastcgi_temp/"},
    {Where::Numbered, "%d", "/uwsgi_temp/"},
    {Where::Numbered, "%d", "/scgi_temp/"},
};

constexpr std::array<std::string_view, 3> kTempDirectories = {
    "/tmp/", "/var/tmp/", "/dev/shm/"};

bool is_numbered(std::string_view directory) {
  if (directory.empty()) {
    return false;
  }
  directory.remove_suffix(1);
  const std::string_view name = directory.substr(directory.rfind('/') + 1);
  return name == "@{number}" || is_number(name);
}

// No program has more levels of them.
constexpr unsigned kMostNumbers = 8;

// Where a name stands, as far as a layout asks for it.
struct Surroundings {
  explicit Surroundings(const Place& place)
      : directory(place.directory),
        above_numbers(place.directory),
        temporary(is_temporary_directory(place.directory)),
        made(place.made),
        of_python(place.made && place.python) {
    for (unsigned i = 0; i < kMostNumbers && is_numbered(above_numbers); ++i) {
      above_numbers.remove_suffix(1);
      above_numbers = above_numbers.substr(0, above_numbers.rfind('/') + 1);
    }
  }

  bool have(const Known& known) const {
    switch (known.where) {
      case Where::Anywhere:
        return true;
      case Where::InTemporary:
        return temporary;
      case Where::MadeInTemporary:
        return made && temporary;
      case Where::PythonInTemporary:
        return of_python && temporary;
      case Where::Made:
        return made;
      case Where::Python:
        return of_python;
      case Where::Directory:
        return directory.ends_with(known.directory);
      case Where::Numbered:
        return above_numbers.ends_with(known.directory);
    }
    return false;
  }

  std::string_view directory;
  std::string_view above_numbers;  // the nearest directory that is no number
  bool temporary;
  bool made;
  bool of_python;  // it was made, and by Python alone
};

// A word may be a name that somebody chose: /tmp/tmpbackup.
bool is_word(std::string_view text) {
  return changes(text) == 0 && !text.contains('_');
}

// Reads a name by a layout and builds its shape on the way.
class LayoutReader {
 public:
  LayoutReader(std::string_view layout, std::string_view name)
      : layout_(layout), name_(name) {}

  std::optional<Form> read() {
    while (!layout_.empty()) {
      if (!(layout_.front() == '%' ? field() : text())) {
        return std::nullopt;
      }
    }
    if (!name_.empty()) {
      return std::nullopt;
    }
    return Form{.shape = std::move(shape_), .kind = kind_, .needed = 1};
  }

 private:
  bool text() {
    const std::string_view same = layout_.substr(0, layout_.find('%'));
    layout_.remove_prefix(same.size());
    return name_.starts_with(same) && keep(same.size());
  }

  bool field() {
    layout_.remove_prefix(1);
    const std::size_t least = length();
    std::size_t most = least;
    if (layout_.starts_with('-')) {
      layout_.remove_prefix(1);
      most = length();
    }
    const char kind = layout_.front();
    layout_.remove_prefix(1);
    switch (kind) {
      case 'd':
        return put(leading(name_, digits()), 1, kMaxDigits,
                   [](unsigned) { return number(); });
      case 'h':
        return put(leading(name_, hex_digits()), 1, kMaxHexDigits,
                   [](unsigned) { return hex_number(); });
      case 'x':
        kind_ = Kind::Hex;
        return put(leading(name_.substr(0, most), hex_digits()), least, most,
                   hex);
      case 'r':
        return drawn(leading(name_, alphanumerics() | one_of("_")), least, most,
                     random);
      case 'l':
        return drawn(leading(name_, lower_letters()), least, most, lower);
      case 'w':
        kind_ = Kind::TempName;
        return put(leading(name_, lower_letters()), least, most, lower);
      case 'e':
        return is_ending(name_) && keep(name_.size());
      default:
        return anything();
    }
  }

  std::size_t length() {
    std::size_t out = 0;
    const auto [end, error] =
        std::from_chars(layout_.data(), layout_.data() + layout_.size(), out);
    layout_.remove_prefix(static_cast<std::size_t>(end - layout_.data()));
    return out;
  }

  bool anything() {
    const std::size_t next = layout_.find('%');
    const std::string_view after = layout_.substr(0, next);
    // What is drawn has a length; the rest before it is anything.
    if (after.empty()) {
      constexpr std::size_t kDrawn = 16;
      return name_.size() > kDrawn && keep(name_.size() - kDrawn);
    }
    const std::size_t at = name_.rfind(after);
    return at != name_.npos && at > 0 && keep(at);
  }

  template <typename ShapeOf>
  bool put(std::string_view run, std::size_t least, std::size_t most,
           ShapeOf shape) {
    if (run.size() < least || run.size() > most) {
      return false;
    }
    shape_ += shape(static_cast<unsigned>(run.size()));
    name_.remove_prefix(run.size());
    return true;
  }

  template <typename ShapeOf>
  bool drawn(std::string_view run, std::size_t least, std::size_t most,
             ShapeOf shape) {
    kind_ = Kind::TempName;
    return !is_word(run) && put(run, least, most, shape);
  }

  bool keep(std::size_t length) {
    shape_ += literal(name_.substr(0, length));
    name_.remove_prefix(length);
    return true;
  }

  std::string_view layout_;
  std::string_view name_;
  Shape shape_;
  Kind kind_ = Kind::Number;
};

// The text of each layout before its first field: most names do not begin so.
constexpr auto kStarts = [] {
  std::array<std::string_view, std::size(kKnown)> out;
  std::ranges::transform(kKnown, out.begin(), [](const Known& known) {
    return known.layout.substr(0, known.layout.find('%'));
  });
  return out;
}();

}  // namespace

bool is_temporary_directory(std::string_view directory) {
  const bool below = std::ranges::any_of(
      kTempDirectories,
      [&](std::string_view temp) { return directory.starts_with(temp); });
  return below &&
         (std::ranges::find(kTempDirectories, directory) !=
              kTempDirectories.end() ||
          directory.ends_with("/tmp/") || directory.starts_with("/tmp/ssh-"));
}

bool is_ending(std::string_view text) {
  return text.empty() || (text.size() <= 6 && text[0] == '.' &&
                          std::ranges::none_of(text.substr(1), [](char byte) {
                            return byte < 'a' || byte > 'z';
                          }));
}

std::optional<Form> known_layout(std::string_view name, const Place& place) {
  const Surroundings surroundings(place);
  for (std::size_t i = 0; i < std::size(kKnown); ++i) {
    const Known& known = kKnown[i];
    const std::string_view start = kStarts[i];
    const bool other = !start.empty() && !name.starts_with(start.front());
    if (other || !name.starts_with(start) || !surroundings.have(known)) {
      continue;
    }
    if (auto form = LayoutReader(known.layout, name).read()) {
      return form;
    }
  }
  return std::nullopt;
}

}  // namespace vambrace::policy::apparmor
