#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/fd.h"
#include "base/result.h"

namespace vambrace::recorder::ebpf {

// What Docker says about one container.
struct Container {
  std::string id;
  std::string image;    // digest
  std::string runtime;  // "runc"
  int pid = 0;          // of its first process; 0: not running
};

// Where the daemon listens: DOCKER_HOST=unix://..., else /var/run/docker.sock.
std::string docker_socket();

// The Docker daemon behind /var/run/docker.sock (or DOCKER_HOST=unix://...).
class Docker {
 public:
  // Unavailable, with what to do, if no daemon answers.
  static Result<Docker> connect(const std::string& socket);

  // nullopt if there is no such container.
  Result<std::optional<Container>> inspect(const std::string& name) const;

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
