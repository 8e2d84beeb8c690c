#include "policy/securitycontext/context.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kernel/capabilities.h"
#include "policy/samples.h"

namespace vambrace::policy::securitycontext {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

std::uint32_t capability(const char* name) {
  return *kernel::capability_number(name);
}

SyscallRule rule(const char* name) {
  return {.syscall = sample::call(name), .reasons = {{}}};
}

// A program that is started as user 999 and writes to /run.
Policy policy() {
  Policy out;
  out.workload = {"spiffe://local/shop/web", "", ""};
  out.arches = {kernel::Arch::X86_64};
  out.needs.files_known = true;
  out.needs.users = {{999, 998, {{}}}};
  out.needs.writable = {{.folder = "/run", .reasons = {{}}}};
  return out;
}

Circumstances around(const char* target = "docker") {
  return {.target = *runtime::target_named(target)};
}

std::vector<std::string> folders(const SecurityContext& context) {
  std::vector<std::string> out;
  for (const Mount& mount : context.mounts) {
    out.push_back(mount.folder);
  }
  return out;
}

std::vector<std::string> ids(const SecurityContext& context) {
  std::vector<std::string> out;
  for (const Finding& finding : context.findings) {
    out.push_back(finding.id);
  }
  return out;
}

const Finding& finding(const SecurityContext& context, std::string_view id) {
  return *std::ranges::find(context.findings, id, &Finding::id);
}

TEST(SecurityContext, HoldsWhatWasSeen) {
  const SecurityContext context = context_of(policy(), around());
  EXPECT_EQ(context.name, "web");
  EXPECT_EQ(context.user, (User{999, 998}));
  EXPECT_TRUE(context.read_only_root);
  EXPECT_TRUE(context.no_new_privs);
  EXPECT_THAT(folders(context), ElementsAre("/run"));
  EXPECT_TRUE(context.mounts[0].memory);
  EXPECT_THAT(ids(context), ElementsAre("memory-forgets"));
}

TEST(SecurityContext, TellsOfLowPortsThatDockerAloneLeavesFree) {
  Policy bound = policy();
  bound.capabilities = {{capability("CAP_NET_BIND_SERVICE"), {}, {}}};
  EXPECT_THAT(ids(context_of(bound, around())), Contains("low-ports"));
  Circumstances granted = around("podman");
  granted.capabilities = {capability("CAP_NET_BIND_SERVICE")};
  EXPECT_THAT(ids(context_of(bound, granted)), Not(Contains("low-ports")));
}

TEST(SecurityContext, TellsWhereItDoesNotKnowWhoseAFolderIs) {
  Policy given = policy();
  given.needs.users = {{0, 0, {{}}}};
  given.needs.writable = {{.folder = "/var/log/web", .reasons = {{}}}};
  Circumstances changing = around();
  changing.capabilities = {capability("CAP_SETUID")};
  EXPECT_THAT(ids(context_of(given, changing)),
              Contains("folder-owner-unknown"));
  EXPECT_THAT(ids(context_of(given, around())),
              Not(Contains("folder-owner-unknown")));
  given.needs.writable[0].owner = FolderOwner{33, 4, 0750};
  EXPECT_THAT(ids(context_of(given, changing)),
              Not(Contains("folder-owner-unknown")));
}

TEST(SecurityContext, NamesTheAppArmorProfileWhereTheHostsHaveAppArmor) {
  Circumstances given = around();
  given.apparmor = "web-0123";
  SecurityContext context = context_of(policy(), given);
  EXPECT_EQ(context.apparmor, "") << "an engine would refuse it";
  EXPECT_EQ(context.apparmor_where_known, "web-0123");
  EXPECT_THAT(finding(context, "apparmor-unnamed").message,
              HasSubstr("web-0123"));

  given.target.apparmor = true;
  context = context_of(policy(), given);
  EXPECT_EQ(context.apparmor, "web-0123");
  EXPECT_THAT(ids(context), ElementsAre("memory-forgets"));

  given.target.apparmor = false;
  context = context_of(policy(), given);
  EXPECT_EQ(context.apparmor + context.apparmor_where_known, "");
  EXPECT_THAT(ids(context), ElementsAre("memory-forgets"));
}

TEST(SecurityContext, MissesAProfileWhereOneIsWanted) {
  Circumstances given = around();
  given.target.apparmor = true;
  EXPECT_THAT(ids(context_of(policy(), given)), Contains("apparmor-missing"));
}

TEST(SecurityContext, LeavesOutInObserveWhatCannotOnlyWatch) {
  Circumstances circumstances = around();
  circumstances.stage = Stage::Observe;
  const SecurityContext context = context_of(policy(), circumstances);
  EXPECT_FALSE(context.read_only_root);
  EXPECT_EQ(context.user, std::nullopt);
  EXPECT_THAT(context.mounts, IsEmpty());
}

TEST(SecurityContext, WritesNoUserThatIsUnknownOrDiffers) {
  Policy given = policy();
  given.needs.users.clear();
  SecurityContext context = context_of(given, around());
  EXPECT_EQ(context.user, std::nullopt);
  EXPECT_THAT(ids(context), Contains("user-unknown"));
  given.needs.users = {{0, 0, {{}}}, {999, 998, {{}}}};
  context = context_of(given, around());
  EXPECT_EQ(context.user, std::nullopt);
  EXPECT_THAT(finding(context, "user-differs").message,
              HasSubstr("0:0, 999:998"));
}

TEST(SecurityContext, SaysSoIfItRunsAsRootOrAsAUserOfAHost) {
  Policy given = policy();
  given.needs.users = {{0, 0, {{}}}};
  given.needs.on_host = true;
  EXPECT_THAT(ids(context_of(given, around())),
              testing::IsSupersetOf({"runs-as-root", "user-of-a-host"}));
  EXPECT_THAT(ids(context_of(given, around("process"))),
              Not(Contains("user-of-a-host")));
}

TEST(SecurityContext, LeavesTheRootWritableWhereFilesAreUnknown) {
  Policy given = policy();
  given.needs.files_known = false;
  const SecurityContext context = context_of(given, around());
  EXPECT_FALSE(context.read_only_root);
  EXPECT_THAT(context.mounts, IsEmpty());
  EXPECT_THAT(ids(context), Contains("files-unknown"));
}

TEST(SecurityContext, LeavesTheRootWritableIfTheRootFolderIsWrittenTo) {
  Policy given = policy();
  given.needs.writable.push_back({.folder = "/", .reasons = {{}}});
  const SecurityContext context = context_of(given, around());
  EXPECT_FALSE(context.read_only_root);
  EXPECT_THAT(context.mounts, IsEmpty());
  EXPECT_THAT(ids(context), Contains("root-folder-written"));
}

TEST(SecurityContext, SaysThatAFolderMayBeMissing) {
  Policy given = policy();
  given.needs.unseen = {"mkdir", "rename"};
  EXPECT_THAT(finding(context_of(given, around()), "folders-unseen").message,
              testing::StartsWith("mkdir, rename worked"));
}

TEST(SecurityContext, SaysWhereAnAddedFileTellsNoFolder) {
  Policy given = policy();
  given.needs.untold = {"/srv/*/x"};
  Circumstances circumstances = around();
  EXPECT_EQ(finding(context_of(given, circumstances), "folder-untold").place,
            "securityContext: /srv/*/x");
  for (const char* above : {"/srv", "/srv/", "/"}) {
    circumstances.volumes = {above};
    EXPECT_THAT(ids(context_of(given, circumstances)),
                Not(Contains("folder-untold")))
        << above;
  }
  circumstances.volumes = {"/srv/a"};
  EXPECT_THAT(ids(context_of(given, circumstances)), Contains("folder-untold"));
  given.needs.files_known = false;  // the root stays writable
  EXPECT_THAT(ids(context_of(given, around())), Not(Contains("folder-untold")));
}

TEST(SecurityContext, FoldersOfVolumesAreLeftToThem) {
  Policy given = policy();
  given.needs.writable = {{.folder = "/data", .reasons = {{}}},
                          {.folder = "/data/a", .reasons = {{}}},
                          {.folder = "/database", .reasons = {{}}}};
  Circumstances circumstances = around();
  circumstances.volumes = {"/data/"};
  EXPECT_THAT(folders(context_of(given, circumstances)),
              ElementsAre("/database"));
}

TEST(SecurityContext, RemindsOfMountsThatItDoesNotList) {
  Policy given = policy();
  given.needs.mounted = {"/data"};
  Circumstances circumstances = around();
  EXPECT_EQ(
      finding(context_of(given, circumstances), "mounted-when-recorded").place,
      "securityContext: /data");
  circumstances.volumes = {"/data"};
  EXPECT_THAT(ids(context_of(given, circumstances)),
              Not(Contains("mounted-when-recorded")));
}

TEST(SecurityContext, HostileFoldersAreRefusedByName) {
  for (const char* hostile : {"/a\n--privileged",
                              "/a b",
                              "/a:exec",
                              "/a,mode=777",
                              "/a\"",
                              "/a'",
                              "/a$HOME",
                              "/a%h",
                              "/a\\",
                              "/a*",
                              "/a`x`",
                              "/a;b",
                              "/a#b",
                              "/a\xff",
                              "/caf\xc3\xa9",
                              "/a\t",
                              "/a{b}",
                              "/a[b]",
                              "/a&",
                              "/a|b",
                              "/a<b",
                              "/a?",
                              "/a!b",
                              "/a(b"}) {
    Policy given = policy();
    given.needs.writable = {{.folder = hostile, .reasons = {{}}}};
    const SecurityContext context = context_of(given, around());
    EXPECT_TRUE(context.read_only_root);
    EXPECT_THAT(context.mounts, IsEmpty()) << hostile;
    ASSERT_THAT(ids(context), ElementsAre("folder-unwritable")) << hostile;
    EXPECT_EQ(context.findings[0].severity, "high");
    EXPECT_EQ(context.findings[0].place.find('\n'), std::string::npos);
  }
  EXPECT_TRUE(is_plain("/var/lib/a_b-c.d/@x+y=~"));
  EXPECT_FALSE(is_plain(""));
  EXPECT_FALSE(is_plain("--privileged"));
}

TEST(SecurityContext, NamesAreLabelsOfDns) {
  for (const auto& [container, id, name] :
       {std::tuple{"Web_1", "spiffe://local/x", "web-1"},
        {"", "spiffe://local/-a b-", "a-b"},
        {"\n\"", "spiffe://local/x", "app"},
        {"", "", "app"}}) {
    Policy given = policy();
    given.workload = {id, container, ""};
    EXPECT_EQ(context_of(given, around()).name, name);
  }
}

TEST(SecurityContext, WritableImageFilesAndProgramsAreRemarkedOn) {
  Policy given = policy();
  given.needs.writable = {
      {.folder = "/opt/x", .brought = true, .executed = true, .reasons = {{}}}};
  const SecurityContext context = context_of(given, around());
  EXPECT_FALSE(context.mounts.at(0).memory);
  EXPECT_TRUE(context.mounts.at(0).executable);
  EXPECT_THAT(ids(context),
              ElementsAre("image-files-writable", "writable-and-executable"));
}

TEST(SecurityContext, AFolderThatStandsForOthersIsAVolumeForTheirSake) {
  Policy given = policy();
  given.needs.writable = {{.folder = "/srv", .folded = true, .reasons = {{}}}};
  SecurityContext context = context_of(given, around());
  EXPECT_FALSE(context.mounts.at(0).memory);
  EXPECT_THAT(ids(context), ElementsAre("folders-in-one"));
  given.needs.writable[0].brought = true;
  context = context_of(given, around());
  EXPECT_THAT(ids(context), ElementsAre("image-files-writable"));
}

TEST(SecurityContext, SaysWhatIsRenamedFromMountToMount) {
  Policy given = policy();
  given.needs.apart = {{{"/srv/a", "/srv/b\n"}, true}};
  Circumstances circumstances = around();
  const Finding found =
      finding(context_of(given, circumstances), "folders-apart");
  EXPECT_EQ(found.place, "securityContext: /srv/a, /srv/b\\x0a");
  EXPECT_EQ(found.severity, "medium");
  for (const char* volume : {"/srv/a", "/srv/b\n", "/s"}) {
    circumstances.volumes = {volume};
    EXPECT_THAT(ids(context_of(given, circumstances)),
                Contains("folders-apart"))
        << volume;
  }
  circumstances.volumes = {"/srv"};
  EXPECT_THAT(ids(context_of(given, circumstances)),
              Not(Contains("folders-apart")));
  given.needs.files_known = false;  // the root stays writable
  EXPECT_THAT(ids(context_of(given, around())), Not(Contains("folders-apart")));

  given = policy();
  Apart many;
  for (char c = 'a'; c <= 'k'; ++c) {
    many.folders.insert(std::string("/") + c);
  }
  given.needs.apart = {many};
  EXPECT_EQ(finding(context_of(given, around()), "folders-apart").place,
            "securityContext: /a, /b, /c, /d, /e, /f, /g, /h and 3 more");
}

TEST(SecurityContext, SaysWhereAFolderInMemoryMayHideFiles) {
  Policy given = policy();
  given.needs.writable = {
      {.folder = "/srv/db", .may_hide = true, .reasons = {{}}}};
  Circumstances circumstances = around();
  SecurityContext context = context_of(given, circumstances);
  EXPECT_TRUE(context.mounts.at(0).memory);
  EXPECT_EQ(finding(context, "folder-hides-files").place,
            "securityContext: /srv/db");
  circumstances.volumes = {"/srv/db"};
  context = context_of(given, circumstances);
  EXPECT_THAT(ids(context), Not(Contains("folder-hides-files")));
}

// --- Contradictions ----------------------------------------------------------

TEST(Contradictions, CapabilitiesOfAnotherUserThanRootAreNotHeld) {
  Policy given = policy();
  given.syscalls = {rule("setuid")};
  Circumstances circumstances = around();
  circumstances.capabilities = {capability("CAP_SETUID")};
  const SecurityContext context = context_of(given, circumstances);
  EXPECT_THAT(finding(context, "capability-of-another-user").message,
              HasSubstr("CAP_SETUID is granted"));
  // Our own launcher makes them ambient.
  circumstances.target = *runtime::target_named("process");
  EXPECT_THAT(ids(context_of(given, circumstances)),
              Not(Contains("capability-of-another-user")));
  given.needs.users = {{0, 0, {{}}}};
  EXPECT_THAT(ids(context_of(given, around())),
              Not(Contains("capability-of-another-user")));
}

TEST(Contradictions, NoNewPrivsTakesWhatAFileGives) {
  Policy given = policy();
  given.needs.raised = {{"/usr/bin/su\n", {{}}}};
  Circumstances circumstances = around();
  const SecurityContext context = context_of(given, circumstances);
  EXPECT_THAT(finding(context, "raised-without-privileges").message,
              HasSubstr("/usr/bin/su\\x0a was run"));
  circumstances.target.no_new_privs = false;
  EXPECT_THAT(ids(context_of(given, circumstances)),
              Not(Contains("raised-without-privileges")));
}

TEST(Contradictions, ACapabilityWhoseCallsAreRefusedIsOfNoUse) {
  Policy given = policy();
  given.needs.users = {{0, 0, {{}}}};
  Circumstances circumstances = around();
  circumstances.capabilities = {capability("CAP_CHOWN"),
                                capability("CAP_DAC_OVERRIDE")};
  EXPECT_THAT(
      finding(context_of(given, circumstances), "capability-without-call")
          .message,
      HasSubstr("CAP_CHOWN is granted, and every call that it serves "
                "is refused by seccomp (chown, "));
  given.syscalls = {rule("fchownat")};
  EXPECT_THAT(ids(context_of(given, circumstances)),
              Not(Contains("capability-without-call")));
}

TEST(Contradictions, KubernetesRefusesSysAdminWithoutEscalation) {
  Circumstances circumstances = around("kubernetes");
  circumstances.capabilities = {capability("CAP_SYS_ADMIN")};
  EXPECT_THAT(ids(context_of(policy(), circumstances)),
              Contains("escalation-refused"));
  circumstances.target = *runtime::target_named("docker");
  EXPECT_THAT(ids(context_of(policy(), circumstances)),
              Not(Contains("escalation-refused")));
}

}  // namespace
}  // namespace vambrace::policy::securitycontext
