#include "attest/container_options.h"

#include <algorithm>

#include "base/json.h"
#include "kernel/capabilities.h"

namespace vambrace::attest {
namespace {

using json::Reader;
using policy::securitycontext::Mount;
using policy::securitycontext::SecurityContext;

// Docker writes null for a list or a map that was not given.
Result<std::vector<std::string>> texts(Reader& reader, const char* key) {
  return reader.optional(key) == nullptr
             ? Result<std::vector<std::string>>(std::vector<std::string>{})
             : reader.texts(key);
}

// "chown" and "CAP_CHOWN" are one capability.
std::set<std::string> capabilities(const std::vector<std::string>& names) {
  std::set<std::string> out;
  for (std::string name : names) {
    std::ranges::transform(name, name.begin(), [](char c) {
      return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    });
    out.insert(name == "ALL" || name.starts_with("CAP_") ? name
                                                         : "CAP_" + name);
  }
  return out;
}

Result<> read_mounts(Reader& reader, ContainerOptions& out) {
  if (const json::Value* tmpfs = reader.optional("tmpfs")) {
    if (!tmpfs->is_object()) {
      return fail(ErrorCode::InvalidInput, "tmpfs: not an object");
    }
    for (const auto& [folder, options] : tmpfs->items()) {
      out.memory.insert(folder);
    }
  }
  if (reader.optional("mounts") == nullptr) {
    return {};
  }
  TRY_ASSIGN(const json::Value* mounts, reader.array("mounts"));
  for (const json::Value& mount : *mounts) {
    const auto text = [&](const char* key) {
      const auto found = mount.find(key);
      return found != mount.end() && found->is_string()
                 ? found->get<std::string>()
                 : std::string();
    };
    if (!mount.is_object() || text("Destination").empty()) {
      return fail(ErrorCode::InvalidInput, "mounts: one without a place");
    }
    const auto writable = mount.find("RW");
    if (text("Type") == "tmpfs") {
      out.memory.insert(text("Destination"));
    } else if (writable != mount.end() && *writable == true) {
      out.mounts.insert(text("Destination"));
    }
  }
  return {};
}

bool is_within(std::string_view path, std::string_view folder) {
  while (folder.size() > 1 && folder.ends_with('/')) {
    folder.remove_suffix(1);
  }
  return path == folder ||
         (path.starts_with(folder) && path[folder.size()] == '/');
}

class Comparison {
 public:
  Comparison(const ContainerOptions& running, const SecurityContext& context,
             const std::vector<std::string>& volumes)
      : running_(running), context_(context), volumes_(volumes) {}

  std::vector<Finding> run(std::vector<std::string>& unknown) {
    compare_user(unknown);
    compare_root();
    compare_rights();
    return std::move(out_);
  }

 private:
  void find(std::string id, std::string message) {
    out_.push_back({.id = std::move(id),
                    .thread = "container",
                    .message = std::move(message)});
  }

  void compare_user(std::vector<std::string>& unknown) {
    if (!context_.user) {
      return;
    }
    const auto& [uid, gid] = *context_.user;
    const std::string wanted = fmt::format("{}:{}", uid, gid);
    // An empty one is what the image says, which an imported image does not.
    const std::string user = running_.user.empty() ? "0:0" : running_.user;
    if (user.find_first_not_of("0123456789:") != std::string::npos) {
      unknown.push_back(fmt::format(
          "which numbers the user {} has in the container; the bundle says {}",
          json::quote_bytes(user), wanted));
    } else if (user != wanted && user != std::to_string(uid)) {
      find("user",
           fmt::format("started as user {}, the bundle says {}", user, wanted));
    }
  }

  bool is_volume(const std::string& folder) const {
    return std::ranges::any_of(volumes_, [&](const std::string& volume) {
      return is_within(folder, volume);
    });
  }

  void compare_root() {
    if (!context_.read_only_root) {
      return;
    }
    if (!running_.read_only_root) {
      find("root-writable", "the root is writable, the bundle says read-only");
    }
    std::set<std::string> wanted;
    for (const Mount& mount : context_.mounts) {
      wanted.insert(mount.folder);
      if (!running_.memory.contains(mount.folder) &&
          !running_.mounts.contains(mount.folder)) {
        find("mount-missing",
             fmt::format("{} has no file system of its own", mount.folder));
      }
    }
    for (const auto* list : {&running_.memory, &running_.mounts}) {
      for (const std::string& folder : *list) {
        if (!wanted.contains(folder) && !is_volume(folder)) {
          find("mount-added",
               fmt::format("{} is writable, and the bundle has no mount there",
                           json::quote_bytes(folder)));
        }
      }
    }
  }

  void compare_rights() {
    if (running_.privileged) {
      find("privileged", "started with --privileged");
    }
    std::set<std::string> wanted;
    for (const std::uint32_t number : context_.capabilities) {
      wanted.emplace(kernel::capability_name(number).value_or("CAP_?"));
    }
    if (running_.added != wanted || !running_.dropped.contains("ALL")) {
      find("capabilities",
           fmt::format("started with {}, the bundle says none but [{}]",
                       running_.dropped.contains("ALL")
                           ? fmt::format("none but [{}]",
                                         fmt::join(running_.added, ", "))
                           : "Docker's default capabilities",
                       fmt::join(wanted, ", ")));
    }
    if (running_.no_new_privs != context_.no_new_privs) {
      find("no-new-privileges",
           fmt::format("started {} no-new-privileges, the bundle says {}",
                       running_.no_new_privs ? "with" : "without",
                       context_.no_new_privs ? "with" : "without"));
    }
    if (running_.default_seccomp) {
      find("seccomp", "no seccomp profile was named at the start");
    }
    if (!context_.apparmor.empty() && running_.apparmor != context_.apparmor) {
      find(
          "apparmor",
          fmt::format("AppArmor profile \"{}\", the bundle says {}",
                      json::quote_bytes(running_.apparmor), context_.apparmor));
    }
  }

  const ContainerOptions& running_;
  const SecurityContext& context_;
  const std::vector<std::string>& volumes_;
  std::vector<Finding> out_;
};

}  // namespace

const char* const kInspectFormat =
    R"({"user":{{json .Config.User}},"privileged":{{json .HostConfig.Privileged}},)"
    R"("read_only":{{json .HostConfig.ReadonlyRootfs}},"tmpfs":{{json .HostConfig.Tmpfs}},)"
    R"("mounts":{{json .Mounts}},"cap_add":{{json .HostConfig.CapAdd}},)"
    R"("cap_drop":{{json .HostConfig.CapDrop}},"security":{{json .HostConfig.SecurityOpt}},)"
    R"("apparmor":{{json .AppArmorProfile}}})";

Result<ContainerOptions> parse_options(std::string_view text) {
  TRY_ASSIGN(const json::Value document,
             json::parse(text, {.bytes = 4U << 20, .depth = 16}));
  TRY_ASSIGN(Reader reader, Reader::of(document, "container"));
  ContainerOptions out;
  TRY_ASSIGN(out.user, reader.text_or("user", ""));
  TRY_ASSIGN(out.privileged, reader.boolean("privileged"));
  TRY_ASSIGN(out.read_only_root, reader.boolean("read_only"));
  TRY(read_mounts(reader, out));
  TRY_ASSIGN(const auto added, texts(reader, "cap_add"));
  TRY_ASSIGN(const auto dropped, texts(reader, "cap_drop"));
  out.added = capabilities(added);
  out.dropped = capabilities(dropped);
  TRY_ASSIGN(const auto security, texts(reader, "security"));
  for (const std::string& option : security) {
    if (option.starts_with("no-new-privileges")) {
      out.no_new_privs = !option.ends_with("false");
    } else if (option.starts_with("seccomp=") ||
               option.starts_with("seccomp:")) {
      out.default_seccomp = false;
    }
  }
  TRY_ASSIGN(out.apparmor, reader.text_or("apparmor", ""));
  TRY(reader.finish());
  return out;
}

std::vector<Finding> judge_options(const ContainerOptions& running,
                                   const SecurityContext& context,
                                   const std::vector<std::string>& volumes,
                                   std::vector<std::string>& unknown) {
  return Comparison(running, context, volumes).run(unknown);
}

}  // namespace vambrace::attest
