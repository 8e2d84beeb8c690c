#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "kernel/syscalls.h"

// What a policy is rendered for.
namespace vambrace::runtime {

enum class Engine : std::uint8_t {
  None,
  Docker,
  Podman,
  Containerd,
  Kubernetes
};
enum class Runtime : std::uint8_t {
  Process,  // vambrace run: our own launcher installs the filter and execs
  Runc,
  Crun,
};

struct Version {
  std::uint32_t major = 0;
  std::uint32_t minor = 0;
  std::uint32_t patch = 0;
  auto operator<=>(const Version&) const = default;
};

struct Target {
  std::string name = "docker";
  Engine engine = Engine::Docker;
  Runtime runtime = Runtime::Runc;
  Version engine_version{20, 10, 24};
  Version runtime_version{1, 1, 5};
  Version libseccomp{2, 5, 4};
  Version kernel{6, 1, 0};
  kernel::Arch arch = kernel::Arch::X86_64;
  bool no_new_privs = true;
  // Whether the hosts have AppArmor in their kernel. nullopt: nobody said.
  std::optional<bool> apparmor;
  // The container's bounding set, sorted, with CAP_: Docker's and Podman's
  // includes and excludes ask for it.
  std::vector<std::string> capabilities;
  auto operator<=>(const Target&) const = default;
};

// The targets by name, with the versions of Debian 12: "process", "docker"
// (runc below), "runc", "crun", "podman" (crun below), "containerd",
// "kubernetes" (containerd and runc below).
std::optional<Target> target_named(std::string_view name);
// Those names, in the order in which messages list them.
std::vector<std::string> target_names();

// The capabilities that Docker 20.10 gives a container which asks for nothing
// (oci/caps/defaults.go of moby), sorted.
std::vector<std::string> docker_default_capabilities();

// "1.1.5+ds1" reads as 1.1.5; missing parts are 0.
Result<Version> parse_version(std::string_view text);
std::string to_string(Version version);

std::string_view to_string(Engine engine);
std::string_view to_string(Runtime runtime);
std::optional<Runtime> runtime_from(std::string_view name);

}  // namespace vambrace::runtime
