#include "enforcer/start.h"

#include <algorithm>
#include <filesystem>

#include "enforcer/docker_arguments.h"
#include "enforcer/process.h"
#include "enforcer/runc_config.h"

namespace vambrace::enforcer {
namespace {

bool chosen(std::span<const std::string> only,
            std::initializer_list<std::string> names) {
  return only.empty() || std::ranges::any_of(only, [&](const auto& wanted) {
           return std::ranges::find(names, wanted) != names.end();
         });
}

// What a program starts containers with, if its own name tells that.
Result<> starts_with(const std::string& program, std::string_view what,
                     runtime::Runtime does, const Armour& armour) {
  if (does == armour.runtime) {
    return {};
  }
  return std::unexpected(
      Error(ErrorCode::Denied,
            fmt::format("{} {} {}, but the bundle's profile is made for {}",
                        program, what, runtime::to_string(does),
                        runtime::to_string(armour.runtime)))
          .with_hint("--target names another target to render it for"));
}

Result<EngineStart> docker_start(const std::vector<std::string>& command,
                                 const Armour& armour,
                                 std::span<const std::string> only) {
  EngineStart start{.words = command};
  TRY_ASSIGN(const std::optional<DockerStart> parsed,
             parse_docker(std::span(command).subspan(1)));
  if (!parsed || !chosen(only, {parsed->name, parsed->image})) {
    return start;
  }
  if (parsed->runtime.empty() && engine_of(command.front()) == Engine::Docker) {
    TRY(starts_with(command.front(), "without --runtime starts",
                    runtime::Runtime::Runc, armour));
  }
  TRY_ASSIGN(std::vector<std::string> words, put_on(*parsed, armour));
  words.insert(words.begin(), command.front());
  return EngineStart{.words = std::move(words), .armoured = true};
}

Result<EngineStart> runc_start(const std::vector<std::string>& command,
                               const Armour& armour,
                               std::span<const std::string> only,
                               const Files& files, const PrivatePlace& place) {
  EngineStart start{.words = command};
  TRY_ASSIGN(const std::optional<RuncStart> parsed,
             parse_runc(std::span(command).subspan(1)));
  if (!parsed || !chosen(only, {parsed->container, parsed->bundle})) {
    return start;
  }
  TRY(starts_with(command.front(), "is",
                  file_name(command.front()) == "crun" ? runtime::Runtime::Crun
                                                       : runtime::Runtime::Runc,
                  armour));
  const std::string bundle =
      std::filesystem::absolute(parsed->bundle.empty() ? "." : parsed->bundle)
          .lexically_normal()
          .string();
  TRY_ASSIGN(const std::string config, files.read(bundle + "/config.json"));
  TRY_ASSIGN(const std::string armoured,
             during(bundle, armoured_config(config, bundle, armour)));
  TRY(place.put("oci/config.json", armoured, false));
  start.words = with_bundle(*parsed, place.file("oci"));
  start.words.insert(start.words.begin(), command.front());
  start.armoured = true;
  const auto has = [&](std::string_view word) {
    return std::ranges::find(start.words, word) != start.words.end();
  };
  start.keeps_files = has("create") || has("-d") || has("--detach");
  return start;
}

}  // namespace

Engine engine_of(const std::string& program) {
  const std::string name = file_name(program);
  if (name == "docker") {
    return Engine::Docker;
  }
  return name == "runc" || name == "crun" ? Engine::Runc : Engine::Process;
}

std::string_view to_string(Engine engine) {
  switch (engine) {
    case Engine::Process:
      return "process";
    case Engine::Docker:
      return "docker";
    case Engine::Runc:
      return "runc";
  }
  return "";
}

Result<EngineStart> engine_start(Engine engine,
                                 const std::vector<std::string>& command,
                                 const Armour& armour,
                                 std::span<const std::string> only,
                                 const Files& files,
                                 const PrivatePlace& place) {
  switch (engine) {
    case Engine::Process:
      break;
    case Engine::Docker:
      return docker_start(command, armour, only);
    case Engine::Runc:
      return runc_start(command, armour, only, files, place);
  }
  return fail(ErrorCode::Internal, "a process has no engine");
}

}  // namespace vambrace::enforcer
