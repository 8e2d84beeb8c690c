#include "policy/apparmor/render.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "policy/apparmor/children.h"

namespace vambrace::policy::apparmor {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

constexpr std::uint32_t kNetAdmin = 12;
constexpr std::uint32_t kChown = 0;

Reason by(const char* exe) {
  return {.exe = exe, .origin = evidence::Origin::App, .phases = {"serving"}};
}

// nginx that starts cat, by way of a shell.
Policy web() {
  Policy policy;
  policy.workload.id = "spiffe://shop/a web";
  policy.files_known = true;
  policy.files = {
      {.pattern = "/bin/sh",
       .access = "x",
       .starts = "/bin/sh",
       .reasons = {by("/usr/sbin/nginx")}},
      {.pattern = "/usr/sbin/nginx",
       .access = "mrx",
       .starts = "",
       .reasons = {by("/usr/sbin/nginx")}},
      {.pattern = "/var/log/x",
       .access = "ac",
       .reasons = {by("/usr/sbin/nginx")}},
      {.pattern = "/proc/@{pid}/status",
       .access = "r",
       .owner = true,
       .widened = {{"pid", "@{pid}", "the same file of others"}},
       .reasons = {by("/usr/sbin/nginx")}},
      {.program = "/bin/cat",
       .pattern = "/data",
       .access = "r",
       .reasons = {by("/bin/cat")}},
      {.program = "/bin/sh",
       .pattern = "/bin/cat",
       .access = "x",
       .starts = "/bin/cat",
       .reasons = {by("/bin/sh")}},
      {.program = "/bin/sh",
       .pattern = "/gone",
       .access = "x",
       .reasons = {by("/bin/sh")}},
      {.program = "/bin/sh",
       .pattern = "/usr/sbin/nginx",
       .access = "x",
       .starts = "",
       .reasons = {by("/bin/sh")}},
  };
  policy.sockets = {
      {.family = "inet", .type = "stream", .reasons = {by("/usr/sbin/nginx")}},
      {.family = "unix", .type = "stream", .reasons = {by("/usr/sbin/nginx")}}};
  policy.signals = {{.signal = "term", .reasons = {by("/usr/sbin/nginx")}}};
  policy.capabilities = {
      {.number = kChown, .uses = {}, .reasons = {by("/usr/sbin/nginx")}},
      {.number = kNetAdmin, .uses = {}, .reasons = {by("/bin/sh")}}};
  return policy;
}

runtime::Target target(bool no_new_privs) {
  runtime::Target out = *runtime::target_named("docker");
  out.no_new_privs = no_new_privs;
  return out;
}

Rendered rendered(const Policy& policy, bool no_new_privs,
                  Stage stage = Stage::Harden,
                  const RenderOptions& options = {}) {
  auto out =
      render(policy, target(no_new_privs), stage, {kChown, kNetAdmin}, options);
  EXPECT_TRUE(out) << out.error().message();
  return out ? *out : Rendered{};
}

std::vector<std::string> ids(const Rendered& rendered) {
  std::vector<std::string> out;
  for (const Finding& finding : rendered.findings) {
    out.push_back(finding.id);
  }
  return out;
}

// That /bin/sh makes ptrace with this request.
Policy tracing(std::set<ArgTuple> args) {
  Policy policy = web();
  policy.syscalls = {
      {.syscall = {kernel::Arch::X86_64,
                   *kernel::syscall_number(kernel::Arch::X86_64, "ptrace")},
       .args = std::move(args),
       .reasons = {by("/bin/sh")}}};
  return policy;
}

std::size_t times(const std::string& text, const std::string& word) {
  std::size_t count = 0;
  for (std::size_t at = text.find(word); at != std::string::npos;
       at = text.find(word, at + 1)) {
    ++count;
  }
  return count;
}

TEST(AppArmorRender, WhatWasDroppedIsDeniedToEveryProgram) {
  Policy policy = web();
  policy.denied = {
      {.pattern = "/data",
       .access = "acdoprwx",
       .reasons = {{.cause = Cause::Decision, .note = "drop by ann: no"}}}};
  runtime::Target target = *runtime::target_named("process");
  target.no_new_privs = false;
  const auto made = render(policy, target, Stage::Harden, {});
  const std::string line = "  audit deny /data rwx,\n";
  ASSERT_TRUE(made);
  EXPECT_EQ(made->profile->children.at("cat").files.size(), 2U);
  EXPECT_THAT(made->text, HasSubstr("\n" + line));
  EXPECT_THAT(made->text, HasSubstr("\n  " + line));
  for (const Finding& finding : made->findings) {
    EXPECT_NE(finding.id, "apparmor-deny-overlap");
  }
}

TEST(AppArmorRender, WhoTracedMayTraceTheWorkloadsOwnPrograms) {
  EXPECT_EQ(times(rendered(web(), false).text, "ptrace"), 0U);
  const Rendered out = rendered(
      tracing({{{.index = 0, .mask = ~std::uint64_t{0}, .value = 16}}}), false);
  const std::string peer =
      fmt::format(" peer=\"{}{{,//*}}\",\n", out.profile->name);
  EXPECT_EQ(times(out.text, "ptrace (readby, tracedby)" + peer), 3U);
  const std::string trace = "ptrace (read, trace)" + peer;
  EXPECT_EQ(times(out.text, trace), 1U);
  EXPECT_GT(out.text.find(trace), out.text.find("profile sh {"));
}

TEST(AppArmorRender, WhatIsOpenedForAppendingMayBeWritten) {
  Policy policy = web();
  policy.files[2].access = "a";
  EXPECT_EQ(times(rendered(policy, true).text, "/var/log/x w,\n"), 1U);
}

TEST(AppArmorRender, WhoReadOfAProcessMayReadOfTheWorkloadsOwn) {
  Policy policy = web();
  policy.files.push_back({.program = "/bin/cat",
                          .pattern = "/proc/@{pid}/stat",
                          .access = "r",
                          .reasons = {by("/bin/cat")}});
  const Rendered out = rendered(policy, false);
  const std::string peer =
      fmt::format(" peer=\"{}{{,//*}}\",\n", out.profile->name);
  EXPECT_EQ(times(out.text, "ptrace (readby)" + peer), 3U);
  const std::string read = "ptrace (read)" + peer;
  EXPECT_EQ(times(out.text, read), 1U);
  EXPECT_GT(out.text.find(read), out.text.find("profile cat {"));
  EXPECT_LT(out.text.find(read), out.text.find("profile sh {"));
  EXPECT_EQ(times(rendered(policy, true).text, "ptrace (read)"), 1U);
  for (const char* other :
       {"/proc/@{pid}/status", "/proc/stat", "/srv/@{pid}/stat", "/proc/12",
        "/proc/@{pid}/task/13/status", "/proc/@{pid}/fd/", "/proc/"}) {
    policy.files.back().pattern = other;
    EXPECT_EQ(times(rendered(policy, false).text, "ptrace"), 0U) << other;
  }
  for (const char* same : {"/proc/@{pid}/wchan", "/proc/12/fdinfo/3",
                           "/proc/@{pid}/task/@{tid}/stat"}) {
    policy.files.back().pattern = same;
    EXPECT_EQ(times(rendered(policy, false).text, "ptrace (read)"), 1U) << same;
  }
  // These the kernel shows only to who may attach.
  policy.files.back().pattern = "/proc/@{pid}/syscall";
  const Rendered attached = rendered(policy, false);
  EXPECT_EQ(times(attached.text, "ptrace (trace)"), 1U);
  EXPECT_EQ(times(attached.text, "ptrace (tracedby)"), 3U);
}

TEST(AppArmorRender, WhoMayTraceNeedsNoOtherRuleToRead) {
  Policy policy = tracing({});
  policy.files.push_back({.pattern = "/proc/12/maps",
                          .access = "r",
                          .reasons = {by("/usr/sbin/nginx")}});
  EXPECT_EQ(times(rendered(policy, false).text, "ptrace"),
            times(rendered(tracing({}), false).text, "ptrace"));
}

// That /bin/sh did this to the other side.
Policy looking(std::string access, evidence::Side other, std::string peer) {
  Policy policy = tracing({});
  policy.traces_known = true;
  policy.traces = {{.program = "/bin/sh",
                    .access = std::move(access),
                    .other = other,
                    .peer = std::move(peer),
                    .reasons = {by("/bin/sh")}}};
  return policy;
}

TEST(AppArmorRender, WhomAProgramTracedIsAllKnownOfIt) {
  const Rendered out =
      rendered(looking("trace", evidence::Side::Program, "/bin/cat"), false);
  const std::string& name = out.profile->name;
  const auto& children = out.profile->children;
  ASSERT_EQ(children.at("sh").ptrace.size(), 1U);
  EXPECT_EQ(children.at("sh").ptrace[0].peer, name + "//cat");
  EXPECT_THAT(children.at("sh").ptrace[0].access, ElementsAre("read", "trace"));
  ASSERT_EQ(children.at("cat").ptrace.size(), 1U);
  EXPECT_EQ(children.at("cat").ptrace[0].peer, name + "//sh");
  EXPECT_THAT(children.at("cat").ptrace[0].access,
              ElementsAre("readby", "tracedby"));
  EXPECT_THAT(out.profile->rules.ptrace, IsEmpty());
}

TEST(AppArmorRender, WhoReadsMayNotTrace) {
  const Rendered out =
      rendered(looking("read", evidence::Side::Program, ""), true);
  const std::string peer = " peer=\"" + out.profile->name + "\",\n";
  EXPECT_EQ(times(out.text, "ptrace"), 2U);
  EXPECT_EQ(times(out.text, "ptrace (read)" + peer), 1U);
  EXPECT_EQ(times(out.text, "ptrace (readby)" + peer), 1U);
}

TEST(AppArmorRender, LookingOutsideIsForTheUnconfined) {
  const Rendered out =
      rendered(looking("read", evidence::Side::Outside, ""), false);
  EXPECT_EQ(times(out.text, "ptrace"), 1U);
  EXPECT_EQ(times(out.text, "ptrace (read) peer=\"unconfined\",\n"), 1U);
}

TEST(AppArmorRender, WhomIsNotKnownIsAnyOfTheWorkload) {
  const Rendered out =
      rendered(looking("read", evidence::Side::Unknown, ""), false);
  EXPECT_EQ(times(out.text, "ptrace (readby)"), 3U);
  EXPECT_EQ(times(out.text,
                  "ptrace (read) peer=\"" + out.profile->name + "{,//*}\",\n"),
            1U);
}

policy::MountRule mounting(std::string operation,
                           std::vector<std::string> options, std::string source,
                           std::string target) {
  return {.program = {},
          .operation = std::move(operation),
          .fstype = {},
          .options = std::move(options),
          .source = std::move(source),
          .target = std::move(target),
          .reasons = {by("/usr/sbin/nginx")}};
}

TEST(AppArmorRender, WritesEachKindOfMountAsItWasSeen) {
  Policy policy = web();
  policy.mounts = {mounting("mount", {"nosuid", "rw"}, "", "/t/"),
                   mounting("bind", {"rbind"}, "/a b/", "/b/"),
                   mounting("move", {}, "/t/", "/u/"),
                   mounting("propagation", {"rprivate"}, "", "/"),
                   mounting("remount", {"ro"}, "", "/t/"),
                   mounting("umount", {}, "", "/t/"),
                   mounting("pivot_root", {}, "/n/o/", "/n/")};
  policy.mounts[0].fstype = "tmpfs";
  policy.mounts.push_back(mounting("umount", {}, "", "/c/"));
  policy.mounts.back().program = "/bin/cat";
  const Rendered out = rendered(policy, false);
  EXPECT_THAT(
      out.text,
      HasSubstr("  mount fstype=tmpfs options=(nosuid, rw) \"\" -> /t/,\n"
                "  mount options=(move) /t/ -> /u/,\n"
                "  mount options=(rbind) \"/a b/\" -> /b/,\n"
                "  mount options=(rprivate) -> /,\n"
                "  pivot_root oldroot=/n/o/ /n/,\n"
                "  remount options=(ro) /t/,\n"
                "  umount /t/,\n"));
  EXPECT_THAT(out.text, HasSubstr("    umount /c/,\n"));
  EXPECT_THAT(ids(out),
              ElementsAre("apparmor-mount-wide", "apparmor-start-unknown"));
  policy.mounts[4].options = {"rw"};
  EXPECT_THAT(ids(rendered(policy, false)),
              ElementsAre("apparmor-start-unknown"));
}

TEST(AppArmorRender, AParentMayBeAskedToTrace) {
  for (const std::set<ArgTuple>& args :
       {std::set<ArgTuple>{},
        std::set<ArgTuple>{{{.index = 0, .mask = ~std::uint64_t{0}}}}}) {
    EXPECT_EQ(times(rendered(tracing(args), false).text, "(read, trace)"), 3U);
  }
  const std::string flat = rendered(tracing({}), true).text;
  EXPECT_EQ(times(flat, "(read, trace)"), 1U);
}

TEST(AppArmorRender, AFileWithoutANameMayBeLinkedIntoItsPlace) {
  Policy policy;
  policy.workload.id = "spiffe://shop/a";
  policy.files_known = true;
  policy.files = {{.pattern = "/srv/#@{number}",
                   .access = "w",
                   .owner = true,
                   .reasons = {by("/a")}},
                  {.pattern = "/srv/whole",
                   .access = "lr",
                   .owner = true,
                   .reasons = {by("/a")}}};
  const std::string linked = rendered(policy, true).text;
  EXPECT_THAT(linked, HasSubstr("flags=(mediate_deleted)"));
  EXPECT_THAT(linked, HasSubstr("  owner \"/srv/#@{number}\" rw,\n"));
  policy.files[1].pattern = "/srv/other/whole";
  const std::string elsewhere = rendered(policy, true).text;
  EXPECT_THAT(elsewhere, Not(HasSubstr("mediate_deleted")));
  EXPECT_THAT(elsewhere, HasSubstr("  owner \"/srv/#@{number}\" w,\n"));
}

TEST(AppArmorRender, CapabilitiesInAUserNamespaceOfItsOwnAreAskedForToo) {
  Policy policy = web();
  policy.noise = {{21, "asked in a user namespace that the workload made"},
                  {6, "fields of /proc/PID/stat"}};
  const std::string text = rendered(policy, true).text;
  EXPECT_THAT(text, HasSubstr("  capability sys_admin,\n"));
  EXPECT_THAT(text, Not(HasSubstr("setgid")));
}

TEST(AppArmorRender, OfATrialHasANameOfItsOwn) {
  const Rendered own = rendered(web(), true);
  const Rendered trial =
      rendered(web(), true, Stage::Harden,
               {.other_namespaces = true, .second_paths = {"/tmp/x\"y/nginx"}});
  EXPECT_NE(trial.profile->name, own.profile->name);
  EXPECT_THAT(trial.text, HasSubstr("flags=(attach_disconnected)"));
  EXPECT_THAT(trial.text, HasSubstr("  /tmp/x\\042y/nginx rm,\n"));
  EXPECT_THAT(own.text, Not(HasSubstr("attach_disconnected")));
}

TEST(AppArmorRender, GivesEachHelperAChildProfile) {
  const Rendered out = rendered(web(), false);
  const std::string& name = out.profile->name;
  EXPECT_THAT(name, StartsWith("a_web-"));
  const std::string text = out.text.substr(out.text.find("abi"));
  EXPECT_EQ(text, fmt::format(R"(abi <abi/3.0>,
@{{pid}}="[1-9]{{,[0-9]}}{{,[0-9]}}{{,[0-9]}}{{,[0-9]}}{{,[0-9]}}{{,[0-9]}}"

profile {0} {{
  capability chown,
  network inet stream,
  unix type=stream,
  signal (receive) peer="runc",
  signal (receive) peer="unconfined",
  signal (receive) set=(term) peer="{0}{{,//*}}",
  signal (send) set=(term) peer="{0}{{,//*}}",
  /bin/sh cx -> sh,
  /usr/sbin/nginx rix,
  /var/log/x w,
  owner /proc/@{{pid}}/status r,

  profile cat {{
    signal (receive) peer="runc",
    signal (receive) peer="unconfined",
    signal (receive) set=(term) peer="{0}{{,//*}}",
    /data r,
  }}

  profile sh {{
    capability net_admin,
    signal (receive) peer="runc",
    signal (receive) peer="unconfined",
    signal (receive) set=(term) peer="{0}{{,//*}}",
    /bin/cat px -> {0}//cat,
    /gone ix,
    /usr/sbin/nginx px -> {0},
  }}
}}
)",
                              name));
  ASSERT_THAT(ids(out), ElementsAre("apparmor-start-unknown"));
  EXPECT_THAT(out.findings[0].message, HasSubstr("/gone was executed"));
}

TEST(AppArmorRender, UnderNoNewPrivsHelpersShareTheMainProfile) {
  const Rendered out = rendered(web(), true);
  EXPECT_THAT(out.profile->children, IsEmpty());
  EXPECT_THAT(out.text, HasSubstr("  /bin/cat ix,\n"));
  EXPECT_THAT(out.text, HasSubstr("  /data r,\n"));
  EXPECT_THAT(out.text, HasSubstr("  capability net_admin,\n"));
  EXPECT_THAT(out.text, Not(HasSubstr("cx")));
  EXPECT_THAT(ids(out), ElementsAre("apparmor-helpers-share"));
  EXPECT_THAT(out.findings[0].message, HasSubstr("/bin/cat, /bin/sh"));
}

TEST(AppArmorRender, IncludesWhatFitsUnderANameOfItsOwn) {
  const auto target = *runtime::target_named("docker");
  Policy policy = web();
  const auto before = render(policy, target, Stage::Harden, {}).value();
  policy.abstractions = {
      {.name = "a",
       .rules = {{.pattern = "/data", .access = "r"},
                 {.pattern = "/etc/more", .access = "r"},
                 {.pattern = "/var/log/x", .access = "w"}}},
      {.name = "b", .rules = {{.pattern = "/none", .access = "r"}}}};
  const auto one = render(policy, target, Stage::Harden, {}).value();
  EXPECT_THAT(one.included, ElementsAre("a"));
  EXPECT_EQ(one.passed_over.at("b"), "it allows all of fewer than 2 rules");
  EXPECT_THAT(one.text, HasSubstr("  include <abstractions/a> # "));
  EXPECT_THAT(one.text, Not(HasSubstr("/data r")));
  EXPECT_THAT(before.text, HasSubstr("/data r"));
  EXPECT_NE(one.profile->name, before.profile->name);
  const auto told =
      std::ranges::find(one.findings, "apparmor-include", &Finding::id);
  ASSERT_NE(told, one.findings.end());
  EXPECT_EQ(told->message,
            "stands for 2 rules (/data, /var/log/x); 1 of its 3 rules let more "
            "be read, such as /etc/more");
  // Another content is another profile.
  policy.abstractions[0].rules[1].pattern = "/etc/else";
  const auto other = render(policy, target, Stage::Harden, {}).value();
  EXPECT_THAT(other.included, ElementsAre("a"));
  EXPECT_NE(other.profile->name, one.profile->name);
}

TEST(AppArmorRender, OnlyHardenEnforces) {
  EXPECT_THAT(rendered(web(), true, Stage::Observe).text,
              HasSubstr("flags=(complain)"));
  EXPECT_THAT(rendered(web(), true, Stage::Allow).text,
              HasSubstr("flags=(complain)"));
  EXPECT_THAT(rendered(web(), true).text, Not(HasSubstr("flags")));
}

TEST(AppArmorRender, DoesNotDependOnTheOrderOfRules) {
  Policy other = web();
  std::ranges::reverse(other.files);
  std::ranges::reverse(other.sockets);
  EXPECT_EQ(rendered(web(), false).text, rendered(other, false).text);
}

TEST(AppArmorRender, WhatIsOutsideTheNamespaceNeedsTheFlag) {
  Policy policy = web();
  policy.files[2].disconnected = true;
  EXPECT_THAT(rendered(policy, true).text,
              HasSubstr("flags=(attach_disconnected)"));
}

TEST(AppArmorRender, TellsReasonsAndExamplesOnRequest) {
  const Rendered out =
      rendered(web(), false, Stage::Harden,
               {.comments = true, .examples = [](const policy::FileRule& rule) {
                  return rule.widened.empty()
                             ? std::vector<std::string>{}
                             : std::vector<std::string>{"/proc/12/status\nx"};
                }});
  EXPECT_THAT(out.text,
              HasSubstr("  # observed: /usr/sbin/nginx (app) in serving\n"
                        "  # such as @{pid}, pid: allows the same file of "
                        "others\n"
                        "  # such as /proc/12/status"));
  EXPECT_THAT(out.text, Not(HasSubstr("status\nx")));
  EXPECT_EQ(out.profile->name, rendered(web(), false).profile->name);
}

TEST(AppArmorRender, WithoutFilesThereIsNoProfile) {
  Policy policy = web();
  policy.files_known = false;
  policy.files.clear();
  const Rendered out = rendered(policy, true);
  EXPECT_FALSE(out.profile);
  EXPECT_THAT(out.text, HasSubstr("# No profile"));
  EXPECT_THAT(out.text, Not(HasSubstr("profile a_web")));
}

TEST(AppArmorRender, RefusesAPatternThatAppArmorCannotRead) {
  Policy policy = web();
  policy.files[2].pattern = "/[x";
  EXPECT_FALSE(render(policy, target(true), Stage::Harden, {}));
}

TEST(AppArmorRender, NamesOfChildrenAreUniqueAndPlain) {
  Policy policy;
  for (const char* program : {"/a/cat", "/b/cat", "/x/\xff }", ""}) {
    policy.files.push_back({.program = program});
  }
  EXPECT_THAT(child_names(policy), ElementsAre(std::pair("/a/cat", "cat"),
                                               std::pair("/b/cat", "cat-2"),
                                               std::pair("/x/\xff }", "x___")));
}

// Helpers 0 to 19; only 19 writes, and it starts 18.
Policy crowded() {
  Policy policy = web();
  for (int i = 0; i < 20; ++i) {
    const std::string path = fmt::format("/usr/bin/tool{:02}", i);
    policy.files.push_back(
        {.pattern = path, .access = "x", .starts = path, .reasons = {{}}});
    policy.files.push_back({.program = path,
                            .pattern = fmt::format("/data/{}", i),
                            .access = i == 19 ? "w" : "r",
                            .starts = std::nullopt,
                            .reasons = {{}}});
  }
  for (const char* from : {"/usr/bin/tool17", "/usr/bin/tool19"}) {
    policy.files.push_back({.program = from,
                            .pattern = "/usr/bin/tool18",
                            .access = "x",
                            .starts = "/usr/bin/tool18",
                            .reasons = {{}}});
  }
  std::ranges::sort(policy.files);
  return policy;
}

TEST(AppArmorRender, HelpersBeyondWhatAProfileCanNameShareOne) {
  const Rendered out = rendered(crowded(), false);
  ASSERT_EQ(out.profile->children.size(), 12U);
  EXPECT_THAT(out.text, HasSubstr("/usr/bin/tool19 cx -> tool19,\n"));
  EXPECT_THAT(out.text, HasSubstr("/usr/bin/tool18 cx -> helpers,\n"));
  EXPECT_THAT(out.text,
              HasSubstr(fmt::format("/usr/bin/tool18 px -> {}//helpers,\n",
                                    out.profile->name)));
  EXPECT_THAT(out.text, HasSubstr("    /usr/bin/tool18 ix,\n"));
  EXPECT_THAT(ids(out),
              ElementsAre("apparmor-helpers-share", "apparmor-start-unknown"));
  EXPECT_THAT(out.findings[0].message, HasSubstr("/usr/bin/tool17, "));
  EXPECT_THAT(out.findings[0].message, Not(HasSubstr("tool19")));
}

}  // namespace
}  // namespace vambrace::policy::apparmor
