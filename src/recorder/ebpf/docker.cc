#include "recorder/ebpf/docker.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <set>
#include <sstream>

#include "base/json.h"
#include "host/disk_files.h"
#include "recorder/ebpf/oci.h"

namespace vambrace::recorder::ebpf {
namespace {

constexpr std::size_t kMaxAnswer = 4U << 20;

// Everything that is not plainly safe in a URL, escaped.
std::string escaped(std::string_view text) {
  std::string result;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                       (c >= '0' && c <= '9') || c == '_' || c == '-' ||
                       c == '.';
    result += plain ? std::string(1, c)
                    : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return result;
}

// Reads until the peer ends, or until there is nothing more for now.
bool read_some(int fd, std::string& to) {
  char bytes[16384];
  while (to.size() < kMaxAnswer) {
    const ssize_t got = ::read(fd, bytes, sizeof bytes);
    if (got <= 0) {
      return got == 0;
    }
    to.append(bytes, static_cast<std::size_t>(got));
  }
  return true;
}

// The container in the whole answer about it.
Result<std::optional<Container>> container_in(const std::string& bytes,
                                              const std::string& name) {
  const auto answer = parse_answer(bytes);
  if (!answer) {
    return fail(ErrorCode::Unavailable, "Docker gave no answer about {}", name);
  }
  if (answer->status == 404) {
    return std::nullopt;
  }
  if (answer->status != 200) {
    return fail(ErrorCode::Unavailable, "Docker answered {} about {}",
                answer->status, name);
  }
  TRY_ASSIGN(Container container, parse_container(answer->body));
  return container;
}

std::string path_about(const std::string& name) {
  return fmt::format("/containers/{}/json", escaped(name));
}

}  // namespace

std::string docker_socket() {
  const char* host = ::getenv("DOCKER_HOST");
  const std::string_view text = host == nullptr ? "" : host;
  return text.starts_with("unix://") ? std::string(text.substr(7))
                                     : "/var/run/docker.sock";
}

std::optional<Answer> parse_answer(const std::string& bytes) {
  const std::size_t end = bytes.find("\r\n\r\n");
  const std::size_t space = bytes.find(' ');
  if (!bytes.starts_with("HTTP/1.") || end == std::string::npos ||
      space > end) {
    return std::nullopt;
  }
  Answer answer;
  const char* first = bytes.data() + space + 1;
  const auto [rest, error] =
      std::from_chars(first, bytes.data() + end, answer.status);
  if (error != std::errc{}) {
    return std::nullopt;
  }
  answer.body = bytes.substr(end + 4);
  return answer;
}

namespace {

// Absolute paths of what a container mounts; whatever else is said is left out.
std::vector<std::string> mounts_in(const json::Value& container) {
  std::set<std::string> paths;
  const auto add = [&](const std::string& path) {
    if (path.starts_with('/') && !path.contains('\0')) {
      paths.insert(path);
    }
  };
  if (const auto mounts = container.find("Mounts");
      mounts != container.end() && mounts->is_array()) {
    for (const json::Value& mount : *mounts) {
      if (const auto place = mount.find("Destination");
          place != mount.end() && place->is_string()) {
        add(place->get<std::string>());
      }
    }
  }
  if (const auto host = container.find("HostConfig"); host != container.end()) {
    if (const auto memory = host->find("Tmpfs");
        memory != host->end() && memory->is_object()) {
      for (const auto& [path, options] : memory->items()) {
        add(path);
      }
    }
  }
  return {paths.begin(), paths.end()};
}

}  // namespace

Result<Container> parse_container(const std::string& body) {
  TRY_ASSIGN(const json::Value value, json::parse(body));
  const auto text = [](const json::Value& object, const char* key) {
    return object.is_object() && object.contains(key) &&
                   object.at(key).is_string()
               ? object.at(key).get<std::string>()
               : std::string();
  };
  Container container;
  container.id = text(value, "Id");
  container.image = text(value, "Image");
  if (container.id.empty()) {
    return fail(ErrorCode::InvalidInput, "Docker names no container id");
  }
  if (value.contains("HostConfig")) {
    container.runtime = text(value.at("HostConfig"), "Runtime");
  }
  container.mounts = mounts_in(value);
  if (value.contains("GraphDriver") && value.at("GraphDriver").is_object() &&
      value.at("GraphDriver").contains("Data")) {
    const json::Value& data = value.at("GraphDriver").at("Data");
    for (const char* key : {"UpperDir", "LowerDir"}) {
      std::stringstream folders(text(data, key));
      for (std::string folder; std::getline(folders, folder, ':');) {
        container.layers.push_back(folder);
      }
    }
  }
  if (value.contains("State")) {
    container.pid = pid_in(value.at("State"), "Pid");
  }
  return container;
}

Result<Fd> Docker::request(const std::string& path) const {
  Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (!fd || socket_.size() >= sizeof address.sun_path) {
    return fail(ErrorCode::InvalidInput, "no socket path: {}", socket_);
  }
  std::memcpy(address.sun_path, socket_.data(), socket_.size());
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address),
                sizeof address) != 0) {
    return std::unexpected(
        Error(ErrorCode::Unavailable,
              system_error("no Docker daemon at " + socket_, errno).message())
            .with_hint("start it (systemctl start docker), or record a "
                       "process: --pid, --cgroup or a command"));
  }
  const std::string head =
      fmt::format("GET {} HTTP/1.0\r\nHost: docker\r\n\r\n", path);
  if (::send(fd.get(), head.data(), head.size(), MSG_NOSIGNAL) !=
      static_cast<ssize_t>(head.size())) {
    return std::unexpected(system_error("ask Docker", errno));
  }
  return fd;
}

Result<Docker> Docker::connect(const std::string& socket) {
  Docker docker(socket);
  TRY_ASSIGN(const Fd probe, docker.request("/_ping"));
  return docker;
}

Result<std::optional<Container>> Docker::inspect(
    const std::string& name) const {
  TRY_ASSIGN(const Fd fd, request(path_about(name)));
  timeval limit{.tv_sec = 5, .tv_usec = 0};
  ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  std::string bytes;
  read_some(fd.get(), bytes);
  return container_in(bytes, name);
}

Result<Inquiry> Docker::ask(const std::string& name) const {
  TRY_ASSIGN(Fd fd, request(path_about(name)));
  ::fcntl(fd.get(), F_SETFL, O_NONBLOCK);
  return Inquiry(std::move(fd), name);
}

std::optional<Result<std::optional<Container>>> Inquiry::answer() {
  errno = 0;
  if (!read_some(fd_.get(), bytes_) && (errno == EAGAIN || errno == EINTR)) {
    return std::nullopt;
  }
  return container_in(bytes_, name_);
}

Result<> Docker::listen(const std::string& name) {
  const std::string filter =
      fmt::format("{{\"type\":[\"container\"],\"container\":[\"{}\"]}}", name);
  TRY_ASSIGN(events_, request("/events?filters=" + escaped(filter)));
  // The head of the answer says that the daemon listens.
  while (buffer_.find("\r\n\r\n") == std::string::npos) {
    char byte = 0;
    if (::read(events_.get(), &byte, 1) != 1) {
      return fail(ErrorCode::Unavailable, "Docker tells no events");
    }
    buffer_ += byte;
  }
  ::fcntl(events_.get(), F_SETFL, O_NONBLOCK);
  buffer_.clear();
  return {};
}

std::optional<std::string> Docker::heard() {
  if (!events_) {
    return std::nullopt;
  }
  read_some(events_.get(), buffer_);
  const std::size_t end = buffer_.find('\n');
  if (end == std::string::npos) {
    return std::nullopt;
  }
  const auto event = json::parse(buffer_.substr(0, end));
  buffer_.erase(0, end + 1);
  if (!event || !event->is_object() || !event->contains("id") ||
      !event->at("id").is_string()) {
    return std::nullopt;
  }
  return event->at("id").get<std::string>();
}

}  // namespace vambrace::recorder::ebpf
