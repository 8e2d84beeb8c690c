#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"

namespace vambrace::recorder::ebpf {

// What Docker says about one container.
struct Container {
  std::string id;
  std::string image;    // digest
  std::string runtime;  // "runc"
  // Where something is mounted over the image, sorted.
  std::vector<std::string> mounts;
  int pid = 0;  // of its first process; 0: not running
  // Folders of the host that make up its root, the uppermost first: what is
  // left of it once it has ended. Empty for drivers that have none.
  std::vector<std::string> layers;
};

// Where the daemon listens: DOCKER_HOST=unix://..., else /var/run/docker.sock.
std::string docker_socket();

// A question on its way.
class Inquiry {
 public:
  Inquiry(Fd fd, std::string name)
      : fd_(std::move(fd)), name_(std::move(name)) {}

  // nullopt while there is no answer. Never waits. Not to be called again after
  // the answer.
  std::optional<Result<std::optional<Container>>> answer();

 private:
  Fd fd_;
  std::string name_;
  std::string bytes_;
};

// The Docker daemon behind /var/run/docker.sock (or DOCKER_HOST=unix://...).
class Docker {
 public:
  // Unavailable, with what to do, if no daemon answers.
  static Result<Docker> connect(const std::string& socket);

  // nullopt if there is no such container. Waits for the answer: while Docker
  // starts or ends the container, it gives none.
  Result<std::optional<Container>> inspect(const std::string& name) const;
  // The same without waiting.
  Result<Inquiry> ask(const std::string& name) const;

  // Begins to listen for events of containers of that name, so that one that
  // comes and goes between two looks is not missed.
  Result<> listen(const std::string& name);
  // The id in the next event since listen(), if there is one. Never waits.
  std::optional<std::string> heard();

 private:
  explicit Docker(std::string socket) : socket_(std::move(socket)) {}
  Result<Fd> request(const std::string& path) const;

  std::string socket_;
  Fd events_;
  std::string buffer_;
};

// The body of an HTTP answer, and its status; nullopt if it is none.
struct Answer {
  unsigned status = 0;
  std::string body;
};
std::optional<Answer> parse_answer(const std::string& bytes);

// The container in the body of GET /containers/NAME/json.
Result<Container> parse_container(const std::string& body);

}  // namespace vambrace::recorder::ebpf
