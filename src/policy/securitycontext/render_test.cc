#include "policy/securitycontext/render.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <yaml-cpp/yaml.h>

#include "kernel/capabilities.h"

namespace vambrace::policy::securitycontext {
namespace {

using testing::HasSubstr;
using testing::Not;

SecurityContext context() {
  return {.name = "web",
          .target = "docker",
          .user = User{999, 998},
          .mounts = {{.folder = "/run"},
                     {.folder = "/srv/x_y", .memory = false},
                     {.folder = "/srv/x-y", .executable = true}},
          .capabilities = {*kernel::capability_number("CAP_CHOWN")},
          .apparmor = "web-0123",
          .apparmor_where_known = "web-0123",
          .calls = {"clone3:ENOSYS", "mlock:EPERM", "read"}};
}

TEST(KubernetesPatch, SaysEverythingInItsPlace) {
  const YAML::Node spec =
      YAML::Load(kubernetes_patch(context()))["spec"]["template"]["spec"];
  const YAML::Node container = spec["containers"][0];
  EXPECT_EQ(container["name"].as<std::string>(), "web");
  const YAML::Node rights = container["securityContext"];
  EXPECT_FALSE(rights["allowPrivilegeEscalation"].as<bool>());
  EXPECT_FALSE(rights["privileged"].as<bool>());
  EXPECT_TRUE(rights["readOnlyRootFilesystem"].as<bool>());
  EXPECT_TRUE(rights["runAsNonRoot"].as<bool>());
  EXPECT_EQ(rights["runAsUser"].as<int>(), 999);
  EXPECT_EQ(rights["runAsGroup"].as<int>(), 998);
  EXPECT_EQ(rights["capabilities"]["drop"][0].as<std::string>(), "ALL");
  EXPECT_EQ(rights["capabilities"]["add"][0].as<std::string>(), "CHOWN");
  EXPECT_EQ(rights["seccompProfile"]["type"].as<std::string>(), "Localhost");
  EXPECT_EQ(rights["seccompProfile"]["localhostProfile"].as<std::string>(),
            "vambrace/web.json");
  EXPECT_EQ(rights["appArmorProfile"]["localhostProfile"].as<std::string>(),
            "web-0123");
  EXPECT_THAT(kubernetes_patch(context()), HasSubstr("Kubernetes 1.30"));
  ASSERT_EQ(spec["volumes"].size(), 3);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(spec["volumes"][i]["name"].as<std::string>(),
              container["volumeMounts"][i]["name"].as<std::string>());
    EXPECT_TRUE(spec["volumes"][i]["emptyDir"].IsMap());
  }
  EXPECT_EQ(container["volumeMounts"][1]["mountPath"].as<std::string>(),
            "/srv/x_y");
  EXPECT_EQ(spec["volumes"][1]["name"].as<std::string>(), "vambrace-srv-x-y");
  EXPECT_EQ(spec["volumes"][2]["name"].as<std::string>(), "vambrace-srv-x-y-2");
}

TEST(Files, SayForWhomTheyAreAndWhereTheFilterMustLie) {
  EXPECT_THAT(kubernetes_patch(context()),
              HasSubstr("for the container web alone; where that has another "
                        "name, write it as\n# container under workload in "
                        "bundle.yaml.\n"));
  EXPECT_THAT(kubernetes_patch(context()),
              HasSubstr("\n# /var/lib/kubelet/seccomp/vambrace/web.json "));
  EXPECT_THAT(compose_override(context()), HasSubstr("the service web alone"));
  EXPECT_THAT(quadlet(context()),
              HasSubstr("copy seccomp.json to the host, into "
                        "/etc/vambrace/web.\n[Container]\n"));
}

TEST(KubernetesPatch, LeavesOutWhatIsNotKnown) {
  SecurityContext given = context();
  given.user.reset();
  given.mounts.clear();
  given.read_only_root = false;
  given.no_new_privs = false;
  given.apparmor = "";
  const YAML::Node spec =
      YAML::Load(kubernetes_patch(given))["spec"]["template"]["spec"];
  const YAML::Node rights = spec["containers"][0]["securityContext"];
  EXPECT_TRUE(rights["allowPrivilegeEscalation"].as<bool>());
  EXPECT_FALSE(rights["readOnlyRootFilesystem"].as<bool>());
  EXPECT_FALSE(rights["runAsUser"].IsDefined());
  EXPECT_FALSE(rights["runAsNonRoot"].IsDefined());
  EXPECT_FALSE(rights["appArmorProfile"].IsDefined());
  EXPECT_FALSE(spec["volumes"].IsDefined());
}

TEST(DockerArguments, AreOnePerLine) {
  EXPECT_EQ(docker_arguments(context()),
            "--user=999:998\n"
            "--read-only\n"
            "--tmpfs=/run:rw,nosuid,nodev,noexec,uid=999,gid=998,mode=0755\n"
            "--mount=type=volume,destination=/srv/x_y\n"
            "--tmpfs=/srv/x-y:rw,nosuid,nodev,exec,uid=999,gid=998,mode=0755\n"
            "--cap-drop=ALL\n"
            "--cap-add=CHOWN\n"
            "--security-opt=no-new-privileges\n"
            "--security-opt=seccomp=seccomp.json\n"
            "--security-opt=apparmor=web-0123\n");
}

TEST(DockerArguments, FoldersAreForEverybodyWhereTheUserMayChange) {
  SecurityContext given = context();
  given.user = User{0, 0};
  EXPECT_THAT(docker_arguments(given), HasSubstr("--tmpfs=/run:rw,nosuid,nodev,"
                                                 "noexec,mode=0755\n"));
  given.capabilities = {*kernel::capability_number("CAP_SETUID")};
  EXPECT_THAT(docker_arguments(given), HasSubstr("mode=1777\n"));
  given.user.reset();
  given.capabilities.clear();
  EXPECT_THAT(docker_arguments(given), HasSubstr("mode=1777\n"));
  EXPECT_THAT(docker_arguments(given), Not(HasSubstr("--user")));
}

TEST(DockerArguments, AFolderIsWhoseItIsInTheImage) {
  SecurityContext given = context();
  given.mounts[0].owner = FolderOwner{33, 4, 0750};
  EXPECT_THAT(docker_arguments(given),
              HasSubstr("--tmpfs=/run:rw,nosuid,nodev,noexec,uid=33,gid=4,"
                        "mode=0750\n"));
}

TEST(ComposeOverride, SaysTheSameAsDocker) {
  const YAML::Node service =
      YAML::Load(compose_override(context()))["services"]["web"];
  EXPECT_EQ(service["user"].as<std::string>(), "999:998");
  // As a number it would be a sexagesimal one.
  EXPECT_EQ(service["user"].Tag(), "!");
  EXPECT_TRUE(service["read_only"].as<bool>());
  EXPECT_EQ(service["tmpfs"].size(), 2);
  EXPECT_EQ(service["volumes"][0]["target"].as<std::string>(), "/srv/x_y");
  EXPECT_EQ(service["cap_drop"][0].as<std::string>(), "ALL");
  EXPECT_EQ(service["security_opt"][0].as<std::string>(),
            "no-new-privileges:true");
  EXPECT_EQ(service["security_opt"][1].as<std::string>(),
            "seccomp:seccomp.json");
  EXPECT_EQ(service["security_opt"][2].as<std::string>(), "apparmor:web-0123");
}

TEST(Quadlet, DeniesWhatPodmanMakesWritableByItself) {
  const std::string unit = quadlet(context());
  EXPECT_THAT(unit, HasSubstr("[Container]\nUser=999\nGroup=998\n"
                              "ReadOnly=true\nReadOnlyTmpfs=false\n"));
  EXPECT_THAT(unit, HasSubstr("\nVolume=/srv/x_y\n"));
  EXPECT_THAT(unit, HasSubstr("\nDropCapability=all\n"
                              "AddCapability=CAP_CHOWN\n"
                              "NoNewPrivileges=true\n"
                              "SeccompProfile=/etc/vambrace/web/seccomp.json\n"
                              "PodmanArgs=--security-opt=apparmor=web-0123\n"));
}

TEST(SystemdUnit, GivesAnotherUserItsCapabilities) {
  const std::string unit = systemd_unit(context());
  EXPECT_THAT(unit, HasSubstr("\nUser=999\nGroup=998\nNoNewPrivileges=yes\n"
                              "CapabilityBoundingSet=CAP_CHOWN\n"
                              "AmbientCapabilities=CAP_CHOWN\n"
                              "ProtectSystem=strict\nReadWritePaths=\n"
                              "ReadWritePaths=/run\n"));
  // systemd reads an errno of what a later list takes from the first, and
  // starts nothing where it is the one that it gives anyway.
  EXPECT_THAT(unit, HasSubstr("\nSystemCallFilter=\n"
                              "SystemCallFilter=read\n"
                              "SystemCallFilter=~clone3:ENOSYS\n"));
  EXPECT_THAT(unit, Not(HasSubstr("mlock")));
}

TEST(SystemdUnit, NamesTheProfileWhateverTheHostsAre) {
  SecurityContext given = context();
  given.apparmor = "";
  EXPECT_THAT(systemd_unit(given), HasSubstr("\nAppArmorProfile=web-0123\n"));
  given.apparmor_where_known = "";
  EXPECT_THAT(systemd_unit(given), Not(HasSubstr("AppArmorProfile")));
}

TEST(SystemdUnit, FiltersNoCallsBeforeHarden) {
  SecurityContext given = context();
  given.stage = Stage::Allow;
  EXPECT_THAT(systemd_unit(given), Not(HasSubstr("SystemCall")));
}

TEST(Files, NameTheStageAndTheTarget) {
  SecurityContext given = context();
  given.stage = Stage::Allow;
  for (const auto& [name, bytes] : files_of(given)) {
    if (name != "docker.args") {
      EXPECT_THAT(bytes, HasSubstr("at stage allow for docker.\n")) << name;
    }
    EXPECT_TRUE(bytes.ends_with('\n')) << name;
  }
}

}  // namespace
}  // namespace vambrace::policy::securitycontext
