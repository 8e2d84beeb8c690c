#include <fmt/format.h>

#include <cstdio>
#include <string>
#include <string_view>

#include "enforcer/apparmor/installed.h"
#include "host/disk_files.h"
#include "policy/apparmor/print.h"

// What we read in AppArmor's folder, the first argument: for each abstraction a
// line "refused NAME WHY", or "read NAME" and a profile of its rules, ended by
// a line "end". For "--passed-over": a line for each name, and for a name of
// each end, that is passed over in a folder.
int main(int argc, char** argv) {
  using namespace vambrace;
  namespace apparmor = policy::apparmor;
  if (argc > 1 && std::string_view(argv[1]) == "--passed-over") {
    fmt::print(".hidden\nREADME\n");
    for (const std::string_view end : apparmor::kEndsPassedOver) {
      fmt::print("x{}\n", end);
    }
    return 0;
  }
  const DiskFiles disk;
  const auto sources = enforcer::apparmor::installed(
      disk, argc > 1 ? argv[1] : std::string(enforcer::apparmor::kInstalled));
  if (!sources) {
    fmt::print(stderr, "{}\n", sources.error().message());
    return 1;
  }
  const auto tunables = apparmor::read_tunables(*sources);
  if (!tunables) {
    fmt::print(stderr, "{}\n", tunables.error().message());
    return 1;
  }
  for (const std::string& name : apparmor::abstraction_names(*sources)) {
    const auto read = apparmor::read_abstraction(*sources, *tunables, name);
    if (!read) {
      fmt::print("refused {} {}\n", name, read.error().message());
      continue;
    }
    apparmor::Profile profile{
        .name = "p", .abi = "abi/3.0", .variables = read->variables};
    profile.rules.files = apparmor::include_for(*read).rules;
    const auto text = apparmor::print(profile);
    if (!text) {
      fmt::print(stderr, "{}: {}\n", name, text.error().message());
      return 1;
    }
    fmt::print("read {}\n{}end\n", name, *text);
  }
}
