#include "policy/securitycontext/render.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>

#include "kernel/capabilities.h"

namespace vambrace::policy::securitycontext {
namespace {

constexpr std::string_view kProfile = "seccomp.json";

// "CHOWN", as Docker and Kubernetes want it.
std::vector<std::string> short_names(const SecurityContext& context) {
  std::vector<std::string> names;
  for (const std::uint32_t number : context.capabilities) {
    names.emplace_back(kernel::capability_name(number)->substr(4));
  }
  return names;
}

std::vector<std::string> long_names(const SecurityContext& context) {
  std::vector<std::string> names;
  for (const std::uint32_t number : context.capabilities) {
    names.emplace_back(*kernel::capability_name(number));
  }
  return names;
}

// Who may write there: as in the image. Where that is not known, a program that
// never leaves its user needs a folder of its own alone; for others it is as
// /tmp is. (runc 1.1.5, of Debian 12, takes the mode of the image's folder
// whatever it is told, and leaves it to root.)
std::string owner_options(const SecurityContext& context, const Mount& mount) {
  if (mount.owner) {
    return fmt::format("uid={},gid={},mode={:04o}", mount.owner->uid,
                       mount.owner->gid, mount.owner->mode);
  }
  if (context.user && context.user->uid != 0) {
    return fmt::format("uid={},gid={},mode=0755", context.user->uid,
                       context.user->gid);
  }
  return may_change_user(context) ? "mode=1777" : "mode=0755";
}

std::string memory_options(const SecurityContext& context, const Mount& mount) {
  return fmt::format("rw,nosuid,nodev,{},{}",
                     mount.executable ? "exec" : "noexec",
                     owner_options(context, mount));
}

std::string header(const SecurityContext& context, std::string_view what) {
  return fmt::format(
      "# {}, made by vambrace synth at stage {} for {}.\n"
      "# Not to be edited: change bundle.yaml and run synth again.\n",
      what, to_string(context.stage), context.target);
}

// Where a file has a place for it by name. The name is a label of DNS.
std::string name_remark(const SecurityContext& context, std::string_view what) {
  return fmt::format(
      "# It is for the {} {} alone; where that has another name, write it as\n"
      "# container under workload in bundle.yaml.\n",
      what, context.name);
}

std::string text_of(const YAML::Emitter& out) {
  return std::string(out.c_str(), out.size()) + "\n";
}

void text(YAML::Emitter& out, const std::string& value) {
  out << YAML::DoubleQuoted << value;
}

void entry(YAML::Emitter& out, const char* key, const std::string& value) {
  out << YAML::Key << key << YAML::Value;
  text(out, value);
}

template <class T>
void plain(YAML::Emitter& out, const char* key, const T& value) {
  out << YAML::Key << key << YAML::Value << value;
}

void list(YAML::Emitter& out, const char* key,
          const std::vector<std::string>& values) {
  out << YAML::Key << key << YAML::Value << YAML::BeginSeq;
  for (const std::string& value : values) {
    text(out, value);
  }
  out << YAML::EndSeq;
}

// "/var/lib/a_b" -> "vambrace-var-lib-a-b", a label of DNS that no other mount
// of the context has.
std::vector<std::string> volume_names(const SecurityContext& context) {
  constexpr std::size_t kLongest = 48;
  std::vector<std::string> names;
  for (const Mount& mount : context.mounts) {
    std::string name = "vambrace";
    for (char c : mount.folder) {
      c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
      const bool letter = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
      if (letter || !name.ends_with('-')) {
        name += letter ? c : '-';
      }
    }
    name.resize(std::min(name.size(), kLongest));
    while (name.ends_with('-')) {
      name.pop_back();
    }
    std::string unique = name;
    for (int number = 2; std::ranges::find(names, unique) != names.end();
         ++number) {
      unique = fmt::format("{}-{}", name, number);
    }
    names.push_back(std::move(unique));
  }
  return names;
}

void localhost(YAML::Emitter& out, const char* key, const std::string& name) {
  out << YAML::Key << key << YAML::Value << YAML::BeginMap;
  entry(out, "type", "Localhost");
  entry(out, "localhostProfile", name);
  out << YAML::EndMap;
}

void container_context(YAML::Emitter& out, const SecurityContext& context) {
  out << YAML::Key << "securityContext" << YAML::Value << YAML::BeginMap;
  plain(out, "allowPrivilegeEscalation", !context.no_new_privs);
  out << YAML::Key << "capabilities" << YAML::Value << YAML::BeginMap;
  list(out, "drop", {"ALL"});
  list(out, "add", short_names(context));
  out << YAML::EndMap;
  plain(out, "privileged", false);
  plain(out, "readOnlyRootFilesystem", context.read_only_root);
  if (context.user) {
    plain(out, "runAsUser", context.user->uid);
    plain(out, "runAsGroup", context.user->gid);
    plain(out, "runAsNonRoot", !context.runs_as_root());
  }
  localhost(out, "seccompProfile",
            fmt::format("vambrace/{}.json", context.name));
  if (!context.apparmor.empty()) {
    localhost(out, "appArmorProfile", context.apparmor);
  }
  out << YAML::EndMap;
}

// The first list says that what is not listed is refused. systemd reads an
// errno only where a later list, with ~, takes a call away (248 and later;
// earlier ones answer such a call EPERM), and starts nothing where that is the
// errno that it gives anyway.
void add_calls(std::string& out, const std::set<std::string>& calls) {
  constexpr std::string_view kOtherwise = "EPERM";
  out +=
      fmt::format("SystemCallErrorNumber={}\nSystemCallFilter=\n", kOtherwise);
  std::string refused;
  for (const std::string& call : calls) {
    const std::size_t colon = call.find(':');
    if (colon == std::string::npos) {
      out += fmt::format("SystemCallFilter={}\n", call);
    } else if (call.substr(colon + 1) != kOtherwise) {
      refused += fmt::format("SystemCallFilter=~{}\n", call);
    }
  }
  out += refused;
}

}  // namespace

std::string kubernetes_patch(const SecurityContext& context) {
  const std::vector<std::string> volumes = volume_names(context);
  YAML::Emitter out;
  out << YAML::BeginMap << YAML::Key << "spec" << YAML::Value << YAML::BeginMap
      << YAML::Key << "template" << YAML::Value << YAML::BeginMap << YAML::Key
      << "spec" << YAML::Value << YAML::BeginMap << YAML::Key << "containers"
      << YAML::Value << YAML::BeginSeq << YAML::BeginMap;
  entry(out, "name", context.name);
  container_context(out, context);
  if (!context.mounts.empty()) {
    out << YAML::Key << "volumeMounts" << YAML::Value << YAML::BeginSeq;
    for (std::size_t i = 0; i < volumes.size(); ++i) {
      out << YAML::BeginMap;
      entry(out, "name", volumes[i]);
      entry(out, "mountPath", context.mounts[i].folder);
      out << YAML::EndMap;
    }
    out << YAML::EndSeq;
  }
  out << YAML::EndMap << YAML::EndSeq;
  if (!context.mounts.empty()) {
    out << YAML::Key << "volumes" << YAML::Value << YAML::BeginSeq;
    for (const std::string& volume : volumes) {
      out << YAML::BeginMap;
      entry(out, "name", volume);
      out << YAML::Key << "emptyDir" << YAML::Value << YAML::BeginMap
          << YAML::EndMap << YAML::EndMap;
    }
    out << YAML::EndSeq;
  }
  out << YAML::EndMap << YAML::EndMap << YAML::EndMap << YAML::EndMap;
  const std::string since =
      context.apparmor.empty()
          ? ""
          : "# appArmorProfile is known to Kubernetes 1.30 and later.\n";
  return header(context, "A strategic merge patch for a Deployment") +
         name_remark(context, "container") +
         fmt::format(
             "# First copy seccomp.json to each node, as\n"
             "# /var/lib/kubelet/seccomp/vambrace/{}.json (or in "
             "seccomp below the\n"
             "# kubelet's --root-dir).\n",
             context.name) +
         since + text_of(out);
}

std::string docker_arguments(const SecurityContext& context) {
  std::string out;
  const auto add = [&](std::string_view option, std::string_view value = "") {
    out += fmt::format("--{}{}{}\n", option, value.empty() ? "" : "=", value);
  };
  if (context.user) {
    add("user", fmt::format("{}:{}", context.user->uid, context.user->gid));
  }
  if (context.read_only_root) {
    add("read-only");
  }
  for (const Mount& mount : context.mounts) {
    if (mount.memory) {
      add("tmpfs",
          fmt::format("{}:{}", mount.folder, memory_options(context, mount)));
    } else {
      add("mount", fmt::format("type=volume,destination={}", mount.folder));
    }
  }
  add("cap-drop", "ALL");
  for (const std::string& name : short_names(context)) {
    add("cap-add", name);
  }
  if (context.no_new_privs) {
    add("security-opt", "no-new-privileges");
  }
  add("security-opt", fmt::format("seccomp={}", kProfile));
  if (!context.apparmor.empty()) {
    add("security-opt", fmt::format("apparmor={}", context.apparmor));
  }
  return out;
}

std::string compose_override(const SecurityContext& context) {
  YAML::Emitter out;
  out << YAML::BeginMap << YAML::Key << "services" << YAML::Value
      << YAML::BeginMap << YAML::Key << YAML::DoubleQuoted << context.name
      << YAML::Value << YAML::BeginMap;
  if (context.user) {
    entry(out, "user",
          fmt::format("{}:{}", context.user->uid, context.user->gid));
  }
  plain(out, "read_only", context.read_only_root);
  std::vector<std::string> memory;
  for (const Mount& mount : context.mounts) {
    if (mount.memory) {
      memory.push_back(
          fmt::format("{}:{}", mount.folder, memory_options(context, mount)));
    }
  }
  if (!memory.empty()) {
    list(out, "tmpfs", memory);
  }
  if (memory.size() < context.mounts.size()) {
    out << YAML::Key << "volumes" << YAML::Value << YAML::BeginSeq;
    for (const Mount& mount : context.mounts) {
      if (!mount.memory) {
        out << YAML::BeginMap;
        entry(out, "type", "volume");
        entry(out, "target", mount.folder);
        out << YAML::EndMap;
      }
    }
    out << YAML::EndSeq;
  }
  list(out, "cap_drop", {"ALL"});
  list(out, "cap_add", short_names(context));
  std::vector<std::string> options;
  if (context.no_new_privs) {
    options.emplace_back("no-new-privileges:true");
  }
  options.push_back(fmt::format("seccomp:{}", kProfile));
  if (!context.apparmor.empty()) {
    options.push_back(fmt::format("apparmor:{}", context.apparmor));
  }
  list(out, "security_opt", options);
  out << YAML::EndMap << YAML::EndMap << YAML::EndMap;
  return header(context, "A second file for docker compose") +
         name_remark(context, "service") +
         "# Compose 2 looks for the profile in the project's folder, Compose "
         "1\n"
         "# where it is run. It unites lists: what the first file adds "
         "remains.\n" +
         text_of(out);
}

std::string quadlet(const SecurityContext& context) {
  std::string out = header(context, "A drop-in for a quadlet of Podman");
  out += fmt::format(
      "# First copy seccomp.json to the host, into /etc/vambrace/{}.\n"
      "[Container]\n",
      context.name);
  const auto add = [&](std::string_view key, std::string_view value) {
    out += fmt::format("{}={}\n", key, value);
  };
  if (context.user) {
    add("User", std::to_string(context.user->uid));
    add("Group", std::to_string(context.user->gid));
  }
  if (context.read_only_root) {
    add("ReadOnly", "true");
    // Otherwise /run, /tmp and /var/tmp are writable whatever is listed.
    add("ReadOnlyTmpfs", "false");
  }
  for (const Mount& mount : context.mounts) {
    if (mount.memory) {
      add("Tmpfs",
          fmt::format("{}:{}", mount.folder, memory_options(context, mount)));
    } else {
      add("Volume", mount.folder);
    }
  }
  add("DropCapability", "all");
  for (const std::string& name : long_names(context)) {
    add("AddCapability", name);
  }
  add("NoNewPrivileges", context.no_new_privs ? "true" : "false");
  add("SeccompProfile",
      fmt::format("/etc/vambrace/{}/{}", context.name, kProfile));
  if (!context.apparmor.empty()) {
    add("PodmanArgs",
        fmt::format("--security-opt=apparmor={}", context.apparmor));
  }
  return out;
}

std::string systemd_unit(const SecurityContext& context) {
  std::string out = header(context, "A drop-in for a service of systemd");
  out += "[Service]\n";
  const auto add = [&](std::string_view key, std::string_view value) {
    out += fmt::format("{}={}\n", key, value);
  };
  if (context.user) {
    add("User", std::to_string(context.user->uid));
    add("Group", std::to_string(context.user->gid));
  }
  add("NoNewPrivileges", context.no_new_privs ? "yes" : "no");
  const std::string names =
      fmt::format("{}", fmt::join(long_names(context), " "));
  add("CapabilityBoundingSet", names);
  // An empty one resets what stands before it.
  add("AmbientCapabilities",
      context.user && !context.runs_as_root() ? names : "");
  if (context.read_only_root) {
    add("ProtectSystem", "strict");
    add("ReadWritePaths", "");
    for (const Mount& mount : context.mounts) {
      add("ReadWritePaths", mount.folder);
    }
  }
  if (!context.apparmor_where_known.empty()) {
    // Where the kernel has no AppArmor, systemd passes over the line.
    out += "# First: vambrace apparmor load DIR\n";
    add("AppArmorProfile", context.apparmor_where_known);
  }
  if (context.stage == Stage::Harden) {
    add("SystemCallArchitectures", context.compat ? "native x86" : "native");
    add_calls(out, context.calls);
  }
  return out;
}

std::map<std::string, std::string> files_of(const SecurityContext& context) {
  return {{"compose.override.yaml", compose_override(context)},
          {"docker.args", docker_arguments(context)},
          {"quadlet.conf", quadlet(context)},
          {"securitycontext.yaml", kubernetes_patch(context)},
          {"systemd.conf", systemd_unit(context)}};
}

}  // namespace vambrace::policy::securitycontext
