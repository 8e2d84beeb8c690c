#include <fmt/format.h>

#include <cstdio>
#include <iostream>
#include <string>

#include "policy/apparmor/print.h"
#include "policy/apparmor/quote.h"

// Prints a profile that lets each named file be read, and uses the names in
// every other place where a name may stand. Lines of standard input: the bytes
// of a path in hexadecimal. The profile's name is the first argument.
int main(int argc, char** argv) {
  using namespace vambrace::policy;
  using apparmor::pattern_of;
  apparmor::Profile profile{.name = argc > 1 ? argv[1] : "hostile",
                            .abi = "abi/3.0"};
  apparmor::Rules& rules = profile.rules;
  rules.capabilities = {{.name = "net_admin"}};
  rules.network = {{.family = "inet", .type = "stream"}};
  for (std::string line; std::getline(std::cin, line);) {
    std::string path;
    for (std::size_t at = 0; at + 1 < line.size(); at += 2) {
      path += static_cast<char>(std::stoi(line.substr(at, 2), nullptr, 16));
    }
    const std::string pattern = pattern_of(path);
    const apparmor::Why why = {
        .reasons = {{.cause = Cause::Observed, .exe = path, .note = path}},
        .examples = {path}};
    rules.files.push_back(
        {.pattern = pattern, .access = {.read = true}, .why = why});
    rules.mounts.push_back({.fstype = "tmpfs",
                            .options = {"rw"},
                            .source = pattern_of(path.substr(5)),
                            .target = pattern,
                            .why = why});
    rules.mounts.push_back({.kind = apparmor::MountKind::PivotRoot,
                            .source = pattern + "/",
                            .target = pattern + "/",
                            .why = why});
    rules.mounts.push_back(
        {.kind = apparmor::MountKind::Umount, .target = pattern, .why = why});
    rules.links.push_back(
        {.pattern = "/link" + pattern, .target = pattern, .why = why});
    profile.children["child"].files.push_back({.pattern = pattern,
                                               .access = {.map = true},
                                               .exec = apparmor::Exec::Inherit,
                                               .owner = true,
                                               .why = why});
    if (rules.ptrace.size() < 10) {
      rules.unix_sockets.push_back({.access = {"connect"},
                                    .type = "stream",
                                    .peer = pattern,
                                    .peer_address = "@" + pattern,
                                    .why = why});
      rules.signals.push_back({.access = {"send"},
                               .signals = {"term"},
                               .peer = pattern,
                               .why = why});
      rules.ptrace.push_back({.access = {"read"}, .peer = pattern, .why = why});
    }
  }
  const auto text = apparmor::print(profile, {.comments = true});
  if (!text) {
    fmt::print(stderr, "{}\n", text.error().message());
    return 1;
  }
  fmt::print("{}", *text);
}
