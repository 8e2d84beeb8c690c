#include <algorithm>
#include <functional>

#include "evidence/json_parts.h"
#include "evidence/merge.h"
#include "evidence/time.h"

// Reads what evidence says of its recordings.
namespace vambrace::evidence {

using json::Cursor;
using json::field;

bool is_id(std::string_view text) {
  return text.size() == 32 && std::ranges::all_of(text, [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

namespace {

Result<> read_id(Cursor& in, RecordingId& out) {
  TRY(read(in, out));
  return is_id(out) ? Result<>() : in.fail("not 32 lower-case hex digits");
}

std::optional<State> state_from(std::string_view word) {
  for (const State state :
       {State::Complete, State::Incomplete, State::Filtered}) {
    if (to_string(state) == word) {
      return state;
    }
  }
  return std::nullopt;
}

// Sorted by path, each once.
template <class T, class PathOf = std::identity>
bool are_paths(const std::vector<T>& all, PathOf path_of = {}) {
  return std::ranges::adjacent_find(all, std::greater_equal<>(), path_of) ==
             all.end() &&
         std::ranges::all_of(
             all,
             [](const std::string& path) {
               return path.starts_with('/') && !path.contains('\0');
             },
             path_of);
}

}  // namespace

Result<> read_time(Cursor& in, Instant& out) {
  std::string storage;
  TRY_ASSIGN(const std::string_view text, in.text(storage));
  const auto instant = parse_time(text);
  if (!instant) {
    return in.fail("not a time like 2026-01-31T09:30:00.000250Z");
  }
  out = *instant;
  return {};
}

Result<> read(Cursor& in, Gap& out) {
  return in.members(field("kind", out.kind), field("detail", out.detail));
}

Result<> read(Cursor& in, Verdict& out) {
  TRY(in.members(
      field("state", [&] { return read_word(in, state_from, out.state); }),
      field("gaps", out.gaps)));
  return judge(out.gaps) == out ? Result<>()
                                : in.fail("the gaps do not give this verdict");
}

Result<> read(Cursor& in, Phase& out) {
  return in.members(field("name", out.name),
                    field("start", [&] { return read_time(in, out.start); }));
}

Result<> read(Cursor& in, Workload& out) {
  return in.members(field("id", out.id), field("container", out.container),
                    field("owner", out.owner));
}

Result<> read(Cursor& in, OwnedFolder& out) {
  TRY(in.members(field("path", out.path), field("uid", out.uid),
                 field("gid", out.gid), field("mode", out.mode)));
  return out.mode <= 07777 ? Result<>() : in.fail("mode: more than 4095");
}

Result<> read(Cursor& in, Recording& out) {
  TRY(in.members(
      field("id", [&] { return read_id(in, out.id); }),
      field("folded",
            [&] {
              return in.array([&](std::size_t) {
                return read_id(in, out.folded.emplace_back());
              });
            }),
      field("recorder", out.recorder),
      field("recorder_version", out.recorder_version),
      field("start", [&] { return read_time(in, out.start); }),
      field("end", [&] { return read_time(in, out.end); }),
      field("kernel", out.kernel), field("arch", out.arch),
      field("scope", out.scope), field("runtime", out.runtime),
      field("runtime_version", out.runtime_version), field("image", out.image),
      field("mounts", out.mounts), optional(field("found", out.found)),
      optional(field("owners", out.owners)), field("host", out.host),
      field("command", out.command), field("no_new_privs", out.no_new_privs),
      field("phases", out.phases), field("probes", out.probes),
      field("counters", out.counters), field("verdict", out.verdict)));
  if (out.end < out.start) {
    return in.fail("ends before it starts");
  }
  if (!are_paths(out.mounts)) {
    return in.fail("mounts: not sorted, double or no absolute path");
  }
  if (!are_paths(out.found)) {
    return in.fail("found: not sorted, double or no absolute path");
  }
  if (!are_paths(out.owners, &OwnedFolder::path)) {
    return in.fail("owners: not sorted, double or no absolute path");
  }
  const auto& folded = out.folded;
  if (folded.size() == 1 ||
      std::adjacent_find(folded.begin(), folded.end(),
                         std::greater_equal<>()) != folded.end()) {
    return in.fail("folded: not sorted, double or only one");
  }
  return {};
}

}  // namespace vambrace::evidence
