#include "host/image_root.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "base/json.h"
#include "base/printable.h"
#include "host/disk_files.h"
#include "host/programs.h"

extern char** environ;

namespace vambrace {
namespace {

std::vector<std::string> texts_in(const json::Value& object, const char* key) {
  std::vector<std::string> texts;
  const auto list = object.find(key);
  if (list != object.end() && list->is_array()) {
    for (const json::Value& value : *list) {
      if (value.is_string()) {
        texts.push_back(value.get<std::string>());
      }
    }
  }
  return texts;
}

std::string text_in(const json::Value& object, const char* key) {
  const auto text = object.find(key);
  return text != object.end() && text->is_string() ? text->get<std::string>()
                                                   : "";
}

// The last line of what a program complained of.
std::string complaint(const Ended& ended) {
  std::string_view said = ended.err;
  while (said.ends_with('\n')) {
    said.remove_suffix(1);
  }
  const std::string_view last = said.substr(said.rfind('\n') + 1);
  return last.empty() ? fmt::format("exit code {}", ended.code)
                      : printable(last);
}

Error docker_error(std::string_view step, const Ended& ended) {
  const bool absent =
      ended.err.contains("No such image") || ended.err.contains("not found");
  Error error(absent ? ErrorCode::NotFound : ErrorCode::Unavailable,
              fmt::format("{}: {}", step, complaint(ended)));
  return std::move(error).with_hint(
      absent ? "docker pull it first: images are not fetched here"
             : "is the daemon running, and may you talk to it?");
}

Result<ImageSettings> settings_of(const std::string& name) {
  TRY_ASSIGN(const Ended ended,
             run_program({"docker", "image", "inspect", "--", name}));
  if (ended.code != 0) {
    return std::unexpected(docker_error("image " + printable(name), ended));
  }
  return during("image " + printable(name), parse_image_settings(ended.out));
}

// Starts the child that removes folder and container when the last holder of
// `alive` is gone. It has a session of its own and ignores what interrupts
// this process. Folders that their owner may not change are made changeable.
Result<pid_t> start_cleaner(const std::string& folder,
                            const std::string& container, const Fd& listening) {
  constexpr const char* kScript =
      "trap '' HUP INT TERM; cat; docker rm -f \"$2\"; "
      "chmod -R u+rwX -- \"$1\"; rm -rf -- \"$1\"";
  std::string words[] = {"sh", "-c", kScript, "vambrace", folder, container};
  std::vector<char*> argv;
  for (std::string& word : words) {
    argv.push_back(word.data());
  }
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, listening.get(), 0);
  for (const int fd : {1, 2}) {
    ::posix_spawn_file_actions_addopen(&actions, fd, "/dev/null", O_WRONLY, 0);
  }
  posix_spawnattr_t attributes;
  ::posix_spawnattr_init(&attributes);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID);
  pid_t pid = 0;
  const int error =
      ::posix_spawnp(&pid, "sh", &actions, &attributes, argv.data(), environ);
  ::posix_spawnattr_destroy(&attributes);
  ::posix_spawn_file_actions_destroy(&actions);
  if (error != 0) {
    return std::unexpected(system_error("start sh", error));
  }
  return pid;
}

// Through a container that never runs. `alive` is held by the programs, too:
// what they make is removed after they ended.
Result<> unpack(const std::string& image, const std::string& container,
                const std::string& root, const Fd& alive) {
  TRY_ASSIGN(const Ended made,
             run_program({"docker", "create", "--pull", "never", "--network",
                          "none", "--name", container, "--", image, "/none"},
                         alive.get()));
  if (made.code != 0) {
    return std::unexpected(docker_error("docker create", made));
  }
  TRY_ASSIGN(
      const Ended unpacked,
      run_piped({"docker", "export", container},
                {"tar", "-x", "-f", "-", "-C", root, "--exclude=dev/*",
                 "--no-same-owner", "--no-same-permissions", "--no-acls",
                 "--no-selinux", "--no-xattrs", "--delay-directory-restore"},
                alive.get()));
  if (unpacked.code != 0) {
    return fail(ErrorCode::Unavailable, "unpack the image into {}: {}", root,
                complaint(unpacked));
  }
  return {};
}

}  // namespace

Result<ImageSettings> parse_image_settings(std::string_view text) {
  TRY_ASSIGN(const json::Value list, json::parse(text));
  if (!list.is_array() || list.size() != 1 || !list[0].is_object() ||
      !list[0].contains("Config") || !list[0].at("Config").is_object()) {
    return fail(ErrorCode::InvalidInput,
                "Docker does not describe one image with a configuration");
  }
  const json::Value& config = list[0].at("Config");
  ImageSettings settings{.id = text_in(list[0], "Id"),
                         .entrypoint = texts_in(config, "Entrypoint"),
                         .command = texts_in(config, "Cmd"),
                         .environment = texts_in(config, "Env")};
  if (const std::string folder = text_in(config, "WorkingDir");
      folder.starts_with('/')) {
    settings.folder = folder;
  }
  return settings;
}

Result<ImageRoot> ImageRoot::open(const std::string& name,
                                  const std::string& below) {
  ImageRoot image;
  TRY_ASSIGN(image.settings_, settings_of(name));
  std::string folder = below + "/vambrace-image.XXXXXX";
  if (::mkdtemp(folder.data()) == nullptr) {
    return std::unexpected(system_error("make a folder in " + below, errno));
  }
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) {
    ::rmdir(folder.c_str());
    return std::unexpected(system_error("pipe", errno));
  }
  const Fd listening(ends[0]);
  image.alive_.reset(ends[1]);
  // The folder's name is of this process alone, and so is the container's.
  const std::string container = folder.substr(below.size() + 1);
  auto cleaner = start_cleaner(folder, container, listening);
  if (!cleaner) {
    ::rmdir(folder.c_str());
    return std::unexpected(std::move(cleaner).error());
  }
  image.cleaner_ = *cleaner;
  image.root_ = folder + "/root";
  if (::mkdir(image.root_.c_str(), 0700) != 0) {
    return std::unexpected(system_error("make " + image.root_, errno));
  }
  TRY(unpack(name, container, image.root_, image.alive_));
  return image;
}

ImageRoot::ImageRoot(ImageRoot&& other) noexcept
    : settings_(std::move(other.settings_)),
      root_(std::move(other.root_)),
      alive_(std::move(other.alive_)),
      cleaner_(std::exchange(other.cleaner_, -1)) {}

ImageRoot::~ImageRoot() {
  alive_.reset();
  while (cleaner_ > 0 && ::waitpid(cleaner_, nullptr, 0) < 0) {
    if (errno != EINTR) {
      break;
    }
  }
}

}  // namespace vambrace
