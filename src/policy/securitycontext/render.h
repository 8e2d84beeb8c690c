#pragma once

#include <array>
#include <map>
#include <string>

#include "policy/securitycontext/context.h"

// One context, as five programs read it. Nothing in these texts comes from
// evidence but numbers and plain paths (is_plain()).
namespace vambrace::policy::securitycontext {

// A strategic merge patch for a Deployment: kubectl patch deployment NAME
// --patch-file. The seccomp profile is expected on each node below the
// kubelet's folder seccomp/, at vambrace/NAME.json, the AppArmor profile loaded
// there; its field is Kubernetes 1.30's, older versions drop it. Mounts are
// emptyDir volumes, which begin empty.
std::string kubernetes_patch(const SecurityContext& context);

// Options of `docker run`, one argument per line, to be used in the bundle's
// folder, where the seccomp profile lies: docker run $(cat docker.args) IMAGE.
// No argument has white space or a sign that a shell reads.
std::string docker_arguments(const SecurityContext& context);

// A second file for docker compose, to be used in the bundle's folder or with
// the profile's path set right: the profile is named relative to it.
std::string compose_override(const SecurityContext& context);

// A drop-in for a Podman quadlet, NAME.container.d/vambrace.conf. The seccomp
// profile is expected at /etc/vambrace/NAME/seccomp.json.
std::string quadlet(const SecurityContext& context);

// A drop-in for a service of systemd, NAME.service.d/vambrace.conf, for a
// workload that is no container. systemd's filter knows no arguments, and is
// left out before harden, since it cannot let a call through and log it.
std::string systemd_unit(const SecurityContext& context);

// The names that they have in a bundle.
constexpr std::array<const char*, 5> kFiles = {
    "compose.override.yaml", "docker.args", "quadlet.conf",
    "securitycontext.yaml", "systemd.conf"};

// All of them, by those names.
std::map<std::string, std::string> files_of(const SecurityContext& context);

}  // namespace vambrace::policy::securitycontext
