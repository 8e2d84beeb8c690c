#include "enforcer/apparmor/compiled.h"

#include <algorithm>
#include <cstdint>

namespace vambrace::enforcer::apparmor {
namespace {

// The tags, in the order of the kernel's security/apparmor/policy_unpack.c.
enum class Tag : std::uint8_t {
  U8,
  U16,
  U32,
  U64,
  Name,
  String,
  Blob,
  Struct,
  StructEnd,
  List,
  ListEnd,
  Array,
  ArrayEnd,
};

struct Value {
  Tag tag = Tag::U8;
  std::string_view text;  // of a name or a string, without its final zero
};

class Values {
 public:
  explicit Values(std::string_view bytes) : bytes_(bytes) {}

  bool at_end() const { return at_ == bytes_.size(); }

  Result<Value> next() {
    TRY_ASSIGN(const std::string_view tag, take(1));
    Value value{.tag = static_cast<Tag>(tag[0])};
    switch (value.tag) {
      case Tag::U8:
        TRY(take(1));
        break;
      case Tag::U16:
      case Tag::Array:
        TRY(take(2));
        break;
      case Tag::U32:
        TRY(take(4));
        break;
      case Tag::U64:
        TRY(take(8));
        break;
      case Tag::Name:
      case Tag::String: {
        TRY_ASSIGN(value.text, sized(2));
        if (!value.text.ends_with('\0')) {
          return broken("a text without an end");
        }
        value.text.remove_suffix(1);
        break;
      }
      case Tag::Blob:
        TRY(sized(4));
        break;
      case Tag::Struct:
      case Tag::StructEnd:
      case Tag::List:
      case Tag::ListEnd:
      case Tag::ArrayEnd:
        break;
      default:
        return broken("an unknown tag");
    }
    return value;
  }

  std::unexpected<Error> broken(std::string_view what) const {
    return fail(ErrorCode::InvalidInput, "compiled policy: byte {}: {}", at_,
                what);
  }

 private:
  Result<std::string_view> take(std::size_t count) {
    if (count > bytes_.size() - at_) {
      return broken("it ends too early");
    }
    const std::string_view taken = bytes_.substr(at_, count);
    at_ += count;
    return taken;
  }

  // A length of that many bytes, and what it measures.
  Result<std::string_view> sized(std::size_t width) {
    TRY_ASSIGN(const std::string_view length, take(width));
    std::size_t count = 0;
    for (std::size_t i = width; i > 0; --i) {
      count = count << 8 | static_cast<std::uint8_t>(length[i - 1]);
    }
    return take(count);
  }

  std::string_view bytes_;
  std::size_t at_ = 0;
};

}  // namespace

Result<std::vector<std::string>> compiled_names(std::string_view bytes) {
  Values values(bytes);
  std::vector<std::string> names;
  std::string space;
  std::string_view called;  // the name that the next value bears
  while (!values.at_end()) {
    TRY_ASSIGN(const Value value, values.next());
    if (value.tag == Tag::Name) {
      called = value.text;
      continue;
    }
    if (value.tag == Tag::String && called == "namespace") {
      space = fmt::format(":{}://", value.text);
    }
    if (value.tag == Tag::Struct && called == "profile") {
      TRY_ASSIGN(const Value name, values.next());
      if (name.tag != Tag::String || name.text.empty()) {
        return values.broken("a profile without a name");
      }
      names.push_back(space + std::string(name.text));
    }
    called = {};
  }
  if (names.empty()) {
    return fail(ErrorCode::InvalidInput, "compiled policy: it has no profile");
  }
  std::ranges::sort(names);
  return names;
}

}  // namespace vambrace::enforcer::apparmor
