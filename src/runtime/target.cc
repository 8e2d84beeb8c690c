#include "runtime/target.h"

#include <array>
#include <charconv>

namespace vambrace::runtime {

std::vector<std::string> docker_default_capabilities() {
  return {"CAP_AUDIT_WRITE",  "CAP_CHOWN",
          "CAP_DAC_OVERRIDE", "CAP_FOWNER",
          "CAP_FSETID",       "CAP_KILL",
          "CAP_MKNOD",        "CAP_NET_BIND_SERVICE",
          "CAP_NET_RAW",      "CAP_SETFCAP",
          "CAP_SETGID",       "CAP_SETPCAP",
          "CAP_SETUID",       "CAP_SYS_CHROOT"};
}

std::optional<Target> target_named(std::string_view name) {
  Target target;
  target.name = std::string(name);
  target.capabilities = docker_default_capabilities();
  const auto with = [&](Engine engine, Version engine_version, Runtime runtime,
                        Version runtime_version) {
    target.engine = engine;
    target.engine_version = engine_version;
    target.runtime = runtime;
    target.runtime_version = runtime_version;
    return target;
  };
  constexpr Version kRunc{1, 1, 5};
  constexpr Version kCrun{1, 8, 1};
  constexpr Version kContainerd{1, 6, 20};
  if (name == "process") {
    return with(Engine::None, {}, Runtime::Process, {});
  }
  if (name == "docker") {
    return with(Engine::Docker, {20, 10, 24}, Runtime::Runc, kRunc);
  }
  if (name == "runc") {
    return with(Engine::None, {}, Runtime::Runc, kRunc);
  }
  if (name == "crun") {
    return with(Engine::None, {}, Runtime::Crun, kCrun);
  }
  if (name == "podman") {
    return with(Engine::Podman, {4, 3, 1}, Runtime::Crun, kCrun);
  }
  if (name == "containerd") {
    return with(Engine::Containerd, kContainerd, Runtime::Runc, kRunc);
  }
  if (name == "kubernetes") {
    return with(Engine::Kubernetes, kContainerd, Runtime::Runc, kRunc);
  }
  return std::nullopt;
}

std::vector<std::string> target_names() {
  return {"process", "docker",     "runc",      "crun",
          "podman",  "containerd", "kubernetes"};
}

Result<Version> parse_version(std::string_view text) {
  std::array<std::uint32_t, 3> parts{};
  const char* at = text.data();
  const char* end = at + text.size();
  for (std::uint32_t& part : parts) {
    const auto [next, error] = std::from_chars(at, end, part);
    if (error != std::errc()) {
      return fail(ErrorCode::InvalidInput,
                  "\"{}\" is not a version such as 1.1.5", text.substr(0, 40));
    }
    at = next;
    if (at == end || *at != '.') {
      break;
    }
    ++at;
  }
  return Version{parts[0], parts[1], parts[2]};
}

std::string to_string(Version version) {
  return fmt::format("{}.{}.{}", version.major, version.minor, version.patch);
}

std::string_view to_string(Engine engine) {
  switch (engine) {
    case Engine::None:
      return "none";
    case Engine::Docker:
      return "docker";
    case Engine::Podman:
      return "podman";
    case Engine::Containerd:
      return "containerd";
    case Engine::Kubernetes:
      return "kubernetes";
  }
  return "none";
}

std::string_view to_string(Runtime runtime) {
  switch (runtime) {
    case Runtime::Process:
      return "process";
    case Runtime::Runc:
      return "runc";
    case Runtime::Crun:
      return "crun";
  }
  return "process";
}

std::optional<Runtime> runtime_from(std::string_view name) {
  for (const Runtime each : {Runtime::Process, Runtime::Runc, Runtime::Crun}) {
    if (to_string(each) == name) {
      return each;
    }
  }
  return std::nullopt;
}

}  // namespace vambrace::runtime
