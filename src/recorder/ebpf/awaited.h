#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "evidence/evidence.h"
#include "recorder/ebpf/docker.h"
#include "recorder/ebpf/raw.h"

namespace vambrace::recorder::ebpf {

// The scope that turned out to be a container.
struct FoundContainer {
  std::string name;
  std::uint32_t scope = VMB_MAX_SCOPES;  // as it is: none
  std::string image;
  std::string runtime;
  std::vector<std::string> mounts;
  std::vector<evidence::Gap> gaps;
};

// A container that is yet to come. Each cgroup that appears while recording is
// a scope until it is known which of them is the container: nothing that it
// does before Docker's first answer is lost.
class AwaitedContainer {
 public:
  // Begins to listen. Denied if it runs already; Unavailable if no daemon
  // answers and the container can be of no one else (`docker_only`).
  static Result<AwaitedContainer> of(const std::string& name, bool docker_only);

  // Asks until Docker has answered; the events tell of one that is gone
  // already. Never waits. True if the container became known by this call.
  bool look();
  // The cgroup of a new scope: is it this container's?
  bool owns(const std::string& cgroup) const;

  const std::string& name() const { return name_; }
  const Container& container() const { return container_; }

  // After the end, among all scopes that there were.
  FoundContainer find(const Raw& raw);

 private:
  explicit AwaitedContainer(std::string name) : name_(std::move(name)) {}

  std::string name_;
  std::optional<Docker> docker_;
  std::optional<Inquiry> inquiry_;
  Container container_;
};

// "web" for the workload "container:web"; nullopt for any other.
std::optional<std::string> container_selector(const std::string& workload);

}  // namespace vambrace::recorder::ebpf
