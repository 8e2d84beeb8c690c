#include "enforcer/trial.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/memory_files.h"
#include "enforcer/launcher/launcher_image.h"
#include "enforcer/start.h"

namespace vambrace::enforcer {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(ShellLine, QuotesEveryWord) {
  EXPECT_EQ(shell_line({"a b", "it's", "$HOME", ""}),
            "'a b' 'it'\\''s' '$HOME' ''");
}

TEST(ApplicationPrograms, AreThoseOfTheAppItself) {
  evidence::Evidence evidence;
  const auto add = [&](const char* exe, evidence::Origin origin) {
    evidence::Process process;
    process.key.exe = exe;
    process.key.origin = origin;
    evidence.processes.push_back(process);
  };
  add("/usr/sbin/nginx", evidence::Origin::App);
  add("/usr/sbin/nginx", evidence::Origin::App);
  add("/bin/sh", evidence::Origin::Helper);
  add("/usr/bin/curl", evidence::Origin::Harness);
  EXPECT_THAT(application_programs(evidence), ElementsAre("/usr/sbin/nginx"));
}

TEST(Launcher, BearsTheBuildIdByWhichItIsLeftOut) {
  // The note's bytes, as the recorder reads them.
  std::string id;
  for (std::size_t i = 0; i < launcher_build_id().size(); i += 2) {
    id += static_cast<char>(
        std::stoi(std::string(launcher_build_id().substr(i, 2)), nullptr, 16));
  }
  EXPECT_EQ(id, "vambrace-launcher-id");
  EXPECT_EQ(id.size() % 4, 0U) << "a note that readers refuse";
  EXPECT_THAT(std::string(launcher_image()),
              HasSubstr(std::string("GNU\0", 4) + id));
}

TEST(Evidence, LeavesOutTheLauncherUnderTheWorkloadsName) {
  evidence::Process launcher;
  launcher.key.exe = "/usr/sbin/nginx";
  launcher.key.build_id = std::string(launcher_build_id());
  evidence::Process workload = launcher;
  workload.key.build_id = "0123";
  evidence::Process unread = launcher;
  unread.key.build_id.reset();
  const auto left =
      without_launcher({.workload = {},
                        .recordings = {},
                        .processes = {launcher, unread, workload}});
  EXPECT_THAT(left.processes, ElementsAre(unread, workload));
}

TEST(Evidence, TellsWhetherTheProgramRan) {
  evidence::Evidence evidence;
  evidence::Process& process = evidence.processes.emplace_back();
  process.syscalls.emplace_back();
  process.key.origin = evidence::Origin::Runtime;
  EXPECT_FALSE(program_ran(evidence));
  process.key.origin = evidence::Origin::App;
  EXPECT_TRUE(program_ran(evidence));
}

TEST(Trial, OfSeveralProgramsIsOneOfEach) {
  Report report = parse_report("confined 7 /usr/bin/a b\n");
  require_each({"/usr/bin/a b"}, report);
  EXPECT_TRUE(report.failures.empty());
  require_each({"/usr/bin/a b", "/usr/bin/c"}, report);
  EXPECT_THAT(report.failures, ElementsAre(HasSubstr("/usr/bin/c")));
  Report none;
  require_each({"/usr/bin/c"}, none);
  EXPECT_TRUE(none.failures.empty()) << "that nothing ran is said otherwise";
}

std::vector<std::string> bypasses(std::vector<evidence::ProcessKey> keys) {
  evidence::Evidence evidence;
  for (evidence::ProcessKey& key : keys) {
    evidence.processes.push_back({.key = std::move(key)});
  }
  Report report;
  report_bypasses("/usr/sbin/a", evidence, report);
  return report.failures;
}

TEST(Trial, SaysWhoStartedTheProgramWithoutThePolicy) {
  using enum evidence::Origin;
  const evidence::ProcessKey confined{
      .exe = "/usr/sbin/a", .build_id = "1a", .origin = App};
  const auto started = [](std::string exe, std::string build_id) {
    return evidence::ProcessKey{.exe = std::move(exe),
                                .build_id = std::move(build_id),
                                .origin = Harness,
                                .parent = "/usr/sbin/chroot"};
  };
  EXPECT_THAT(bypasses({confined, started("/usr/sbin/a", "1a")}),
              ElementsAre(HasSubstr("/usr/sbin/chroot started it past")));
  EXPECT_THAT(bypasses({confined, started("/r/usr/sbin/a", "1a")}),
              ElementsAre(HasSubstr("/usr/sbin/chroot")));
  EXPECT_THAT(bypasses({started("/usr/sbin/a", "1a")}),
              ElementsAre(HasSubstr("/usr/sbin/chroot")));
  EXPECT_THAT(bypasses({started("/usr/sbin/a", "")}),
              ElementsAre(HasSubstr("/usr/sbin/chroot")));
  EXPECT_THAT(bypasses({confined}), IsEmpty());
  EXPECT_THAT(bypasses({confined, started("/usr/sbin/a", "2b")}), IsEmpty())
      << "another program of that name, in another root";
  EXPECT_THAT(bypasses({confined, started("/bin/sh", "1a")}), IsEmpty())
      << "another name of a program that is many";
}

TEST(Trial, OfSeveralContainersIsRefused) {
  Dress dress;
  dress.target = *runtime::target_named("runc");
  Trials trials([]() -> std::unique_ptr<recorder::Recorder> {
    ADD_FAILURE() << "it was begun";
    return nullptr;
  });
  const auto trial =
      trials.run({.command = {"true"}, .workloads = {"a", "b"}}, dress);
  ASSERT_FALSE(trial);
  EXPECT_EQ(trial.error().code(), ErrorCode::InvalidInput);
  EXPECT_THAT(trial.error().message(), HasSubstr("a, b"));
}

TEST(Engine, IsRefusedWhereItsRuntimeIsAnother) {
  const auto place = PrivatePlace::create();
  ASSERT_TRUE(place);
  const auto start = [&](const std::string& program, runtime::Runtime runtime) {
    return engine_start(engine_of(program), {program, "run", "x"},
                        {.runtime = runtime}, {}, MemoryFiles(), *place);
  };
  EXPECT_TRUE(start("docker", runtime::Runtime::Runc));
  for (const auto& [program, runtime] :
       {std::pair{"docker", runtime::Runtime::Crun},
        std::pair{"/usr/bin/runc", runtime::Runtime::Crun},
        std::pair{"crun", runtime::Runtime::Runc}}) {
    const auto refused = start(program, runtime);
    ASSERT_FALSE(refused) << program;
    EXPECT_EQ(refused.error().code(), ErrorCode::Denied);
    EXPECT_THAT(refused.error().message(), HasSubstr("profile is made for"));
  }
}

TEST(Engine, IsToldByTheProgramsName) {
  EXPECT_EQ(engine_of("docker"), Engine::Docker);
  EXPECT_EQ(engine_of("/usr/sbin/runc"), Engine::Runc);
  EXPECT_EQ(engine_of("crun"), Engine::Runc);
  EXPECT_EQ(engine_of("docker-proxy"), Engine::Process);
}

}  // namespace
}  // namespace vambrace::enforcer
