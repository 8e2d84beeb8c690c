#include "policy/securitycontext/needs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "policy/samples.h"

namespace vambrace::policy::securitycontext {
namespace {

using evidence::Evidence;
using evidence::Origin;
using evidence::Process;
using testing::ElementsAre;
using testing::IsEmpty;

struct Access {
  std::string path;
  std::string letters;
};

Process process(std::vector<Access> accesses, const char* exe = "/bin/app",
                Origin origin = Origin::App) {
  Process out = sample::process({}, exe, origin);
  for (Access& access : accesses) {
    out.files.push_back({.path = std::move(access.path),
                         .access = std::move(access.letters),
                         .by = sample::seen(1)});
  }
  return out;
}

Process started(Process process, std::uint32_t uid, std::uint32_t gid,
                bool raised = false) {
  process.users = {
      {.uid = uid, .gid = gid, .raised = raised, .by = sample::seen(1)}};
  return process;
}

// "/run", "/etc brought", "/opt executed", ...
std::vector<std::string> writable_in(const Evidence& evidence) {
  std::vector<std::string> out;
  for (const WritableNeed& need : needs_of(evidence).writable) {
    out.push_back(need.folder + (need.brought ? " brought" : "") +
                  (need.may_hide ? " may hide" : "") +
                  (need.folded ? " folded" : "") +
                  (need.executed ? " executed" : ""));
    EXPECT_FALSE(need.reasons.empty());
  }
  return out;
}

std::vector<std::string> writable(std::vector<Access> accesses) {
  Evidence evidence = sample::evidence_of({process(std::move(accesses))});
  evidence.recordings[0].probes[std::string(evidence::kMadeProbe)] = "x";
  return writable_in(evidence);
}

TEST(Needs, FoldersOfFilesThatAreMadeOrChanged) {
  EXPECT_THAT(writable({{"/run/nginx.pid", "cw"},
                        {"/var/log/nginx/access.log", "ac"},
                        {"/var/lib/app/db", "rw"},
                        {"/srv/gone", "d"},
                        {"/srv2/mode", "p"}}),
              ElementsAre("/run", "/srv brought", "/srv2 brought",
                          "/var/lib/app brought", "/var/log/nginx"));
}

// O_TMPFILE: there is no name to make, so no letter tells that it was made.
TEST(Needs, AFileThatNobodyNamedWasNotInTheFolderBefore) {
  EXPECT_THAT(writable({{"/srv/data/#10805354", "rw"}}),
              ElementsAre("/srv/data"));
  EXPECT_THAT(writable({{"/srv/data/#1a", "rw"}}),
              ElementsAre("/srv/data brought"));
}

TEST(Needs, NothingForWhatIsReadExecutedLockedOrInherited) {
  EXPECT_THAT(writable({{"/etc/nginx/nginx.conf", "r"},
                        {"/usr/bin/app", "mr"},
                        {"/usr/bin/tool", "x"},
                        {"/var/lib/app/lock", "kw"},
                        {"/var/log/out", "aiw"}}),
              IsEmpty());
}

TEST(Needs, NothingForWhatTheEngineMountsOrHasNoPlace) {
  EXPECT_THAT(writable({{"/proc/self/oom_score_adj", "w"},
                        {"/proc", "w"},
                        {"/sys/x", "w"},
                        {"/dev/null", "w"},
                        {"/dev/shm/x", "cw"},
                        {"tmpfs:memfd:x", "rw"},
                        {"disconnected:/x", "w"}}),
              IsEmpty());
  EXPECT_THAT(writable({{"/processes/x", "w"}}),
              ElementsAre("/processes brought"));
}

TEST(Needs, AFolderIsMadeInTheOneAboveAndChangedItself) {
  EXPECT_THAT(writable({{"/var/cache/app/", "c"}}), ElementsAre("/var/cache"));
  EXPECT_THAT(writable({{"/var/cache/app/", "p"}}),
              ElementsAre("/var/cache/app"));
  EXPECT_THAT(writable({{"/data/", "c"}}), ElementsAre("/"));
}

TEST(Needs, AFileOfTheRootFolderNeedsTheRootFolder) {
  EXPECT_THAT(writable({{"/core", "cw"}}), ElementsAre("/"));
}

TEST(Needs, NamesBelowScratchFoldersAreOfOneRun) {
  EXPECT_THAT(writable({{"/tmp/app.XkQ2/a/b", "cw"},
                        {"/var/tmp/x", "cw"},
                        {"/tmpfile/x", "cw"}}),
              ElementsAre("/tmp", "/tmpfile", "/var/tmp"));
}

TEST(Needs, AFolderThatHoldsFilesOfTheImageIsBrought) {
  EXPECT_THAT(writable({{"/etc/app/state", "cw"}, {"/etc/app/conf.d/x", "r"}}),
              ElementsAre("/etc/app brought"));
  // It read what it had made.
  EXPECT_THAT(writable({{"/var/lib/app/db", "cw"}, {"/var/lib/app/db", "r"}}),
              ElementsAre("/var/lib/app"));
  // An innermost folder holds it.
  EXPECT_THAT(
      writable({{"/srv/a", "cw"}, {"/srv/b/c", "cw"}, {"/srv/b/d", "r"}}),
      ElementsAre("/srv", "/srv/b brought"));
}

TEST(Needs, WhatIsBelowAnotherFolderOfTheImageIsHiddenToo) {
  EXPECT_THAT(writable({{"/srv/app/pid", "cw"}, {"/srv/app/plugins/", "r"}}),
              ElementsAre("/srv/app brought"));
  // The folder itself is there in any case.
  EXPECT_THAT(writable({{"/srv/app/pid", "cw"}, {"/srv/app/", "r"}}),
              ElementsAre("/srv/app"));
  EXPECT_THAT(
      writable({{"/srv/a", "cw"}, {"/srv/b/c", "cw"}, {"/srv/b/", "r"}}),
      ElementsAre("/srv", "/srv/b"));
}

TEST(Needs, AFolderOfTheImageThatIsRemovedIsNoMount) {
  // Removed and made again, or away: for either the one above must have it.
  Process app = process(
      {{"/srv/cache/", "d"}, {"/srv/cache/", "c"}, {"/srv/cache/x", "cw"}});
  using std::chrono::seconds;
  for (int second = 0; evidence::FileFact & fact : app.files) {
    fact.by.begin()->second.first = evidence::Instant(seconds(++second));
  }
  EXPECT_THAT(writable_in(sample::evidence_of({app})),
              ElementsAre("/srv brought"));
  EXPECT_THAT(writable({{"/srv/cache/", "d"}, {"/srv/cache/x", "cw"}}),
              ElementsAre("/srv brought"));
}

TEST(Needs, AnOpenThatMayHaveMadeItsFileMayHideOne) {
  Process app = process({{"/srv/a", "crw"}, {"/srv/b/c", "ac"}});
  app.files[1].owner = app.files[0].owner = false;
  Evidence evidence = sample::evidence_of({app});
  EXPECT_THAT(writable_in(evidence), ElementsAre("/srv may hide", "/srv/b"));
  evidence.processes[0].files.push_back(sample::file("/srv/old", "r"));
  EXPECT_THAT(writable_in(evidence), ElementsAre("/srv brought"));
  evidence.recordings[0].probes[std::string(evidence::kMadeProbe)] = "x";
  EXPECT_THAT(writable_in(evidence), ElementsAre("/srv brought"));
}

TEST(Needs, AFolderThatTheWorkloadMakesItselfIsNotListedBesideItsParent) {
  EXPECT_THAT(writable({{"/var/lib/app/a", "cw"},
                        {"/var/lib/app/made/", "c"},
                        {"/var/lib/app/made/x", "cw"}}),
              ElementsAre("/var/lib/app"));
  EXPECT_THAT(writable({{"/var/lib/app/a", "cw"}, {"/var/lib/app/b/x", "cw"}}),
              ElementsAre("/var/lib/app", "/var/lib/app/b"));
  // An engine fills a volume with what the image holds, folders included.
  EXPECT_THAT(writable({{"/var/lib/app/a", "cw"},
                        {"/var/lib/app/old", "r"},
                        {"/var/lib/app/b/x", "cw"}}),
              ElementsAre("/var/lib/app brought"));
}

TEST(Needs, WhatARecordingFoundInAFolderThatAnotherMadeIsHiddenWithIt) {
  const auto needs = [](const std::string& folder) {
    Process app = process({{folder + "/db/", "c"}, {folder + "/db/x", "cw"}});
    app.files.push_back(sample::file((folder + "/db/x").c_str(), "rw",
                                     sample::seen(1, "", "r2")));
    Evidence evidence = sample::evidence_of({std::move(app)});
    evidence.recordings[0].probes[std::string(evidence::kMadeProbe)] = "x";
    return writable_in(evidence);
  };
  EXPECT_THAT(needs("/data"), ElementsAre("/data brought"));
  EXPECT_THAT(needs("/tmp"), ElementsAre("/tmp"));
}

TEST(Needs, FilesOfTheImageThatAreUsedInAScratchFolderAreNotHidden) {
  const auto needs = [](const char* used, const char* found) {
    Evidence evidence =
        sample::evidence_of({process({{"/tmp/x", "cw"}, {used, "r"}})});
    evidence.recordings[0].probes[std::string(evidence::kMadeProbe)] = "x";
    evidence.recordings[0].found = {found};
    return writable_in(evidence);
  };
  EXPECT_THAT(needs("/tmp/conf/app.conf", "/x"), ElementsAre("/tmp brought"));
  EXPECT_THAT(needs("/etc/app.conf", "/tmp/left"), ElementsAre("/tmp"));
}

TEST(Needs, TellWhoseAFolderIsWhereTheRecordingsAgree) {
  Evidence evidence =
      sample::evidence_of({process({{"/srv/a/x", "cw"}, {"/srv/b/x", "cw"}})});
  evidence.recordings.push_back(evidence.recordings[0]);
  evidence.recordings[0].owners = {{"/srv/a", 33, 4, 0750},
                                   {"/srv/b", 33, 4, 0750}};
  evidence.recordings[1].owners = {{"/srv/b", 0, 0, 0755}};
  const Needs needs = needs_of(evidence);
  ASSERT_EQ(needs.writable.size(), 2U);
  EXPECT_EQ(needs.writable[0].owner, (FolderOwner{33, 4, 0750}));
  EXPECT_EQ(needs.writable[1].owner, std::nullopt);
}

TEST(Needs, WhatOnlyLiesInRunIsOfAnotherBoot) {
  const auto needs = [](const char* used) {
    Evidence evidence =
        sample::evidence_of({process({{"/run/app/pid", "cw"}, {used, "r"}})});
    evidence.recordings[0].probes[std::string(evidence::kMadeProbe)] = "x";
    evidence.recordings[0].found = {"/run/app/left"};
    return writable_in(evidence);
  };
  EXPECT_THAT(needs("/etc/app.conf"), ElementsAre("/run/app"));
  EXPECT_THAT(needs("/run/app/conf"), ElementsAre("/run/app brought"));
}

TEST(Needs, ManySiblingsBecomeTheirParent) {
  std::vector<Access> accesses;
  for (int i = 0; i < 9; ++i) {
    accesses.push_back({fmt::format("/var/cache/app/{}/x", i), "cw"});
  }
  EXPECT_THAT(writable(accesses), ElementsAre("/var/cache/app folded"));
  accesses.push_back({"/var/cache/app/there", "r"});
  EXPECT_THAT(writable(accesses), ElementsAre("/var/cache/app brought folded"));
  accesses.pop_back();
  accesses.pop_back();
  EXPECT_EQ(writable(accesses).size(), kMostSiblings);
}

TEST(Needs, FoldersBetweenWhichFilesMoveAreOneMount) {
  // A mail is written in tmp, renamed into new and moved to cur.
  EXPECT_THAT(writable({{"/srv/mail/tmp/1", "drw"}, {"/srv/mail/new/1", "cw"}}),
              ElementsAre("/srv/mail brought folded"));
  // The one is in the other.
  EXPECT_THAT(writable({{"/data/mail/1", "cw"},
                        {"/data/mail/new/1", "cw"},
                        {"/data/mail/1", "drw"}}),
              ElementsAre("/data/mail folded"));
  // Within each.
  EXPECT_THAT(writable({{"/data/x/1", "drw"}, {"/data/x/2", "cw"}}),
              ElementsAre("/data/x brought"));
}

TEST(Needs, FoldersThatShareOnlyOneOfTheSystemAreToldApart) {
  for (const char* shared : {"", "/srv", "/var", "/var/lib"}) {
    const std::string a = std::string(shared) + "/a",
                      b = std::string(shared) + "/b";
    Evidence evidence = sample::evidence_of(
        {process({{a + "/1", "c"}, {a + "/1", "drw"}, {b + "/1", "cw"}})});
    EXPECT_THAT(writable_in(evidence), ElementsAre(a, b));
    EXPECT_EQ(needs_of(evidence).apart, (std::set<Apart>{{{a, b}, true}}));
  }
}

TEST(Needs, WhatIsRunInAWritableFolderIsTold) {
  EXPECT_THAT(
      writable({{"/opt/x/plugin.so", "cw"}, {"/opt/x/plugin.so", "mr"}}),
      ElementsAre("/opt/x executed"));
}

TEST(Needs, WhatTheContainerMountedIsToldApart) {
  Evidence evidence = sample::evidence_of({process({{"/data/x", "cw"},
                                                    {"/data/sub/y", "cw"},
                                                    {"/database/x", "cw"},
                                                    {"/etc/one", "w"},
                                                    {"/etc/two", "w"}})});
  evidence.recordings[0].mounts = {"/data", "/etc/one", "/unused"};
  EXPECT_THAT(writable_in(evidence), ElementsAre("/database", "/etc brought"));
  EXPECT_THAT(needs_of(evidence).mounted, ElementsAre("/data", "/etc/one"));
  // Another recording had no mount there.
  evidence.recordings.push_back(evidence.recordings[0]);
  evidence.recordings[1].id = "r2";
  evidence.recordings[1].mounts.clear();
  for (evidence::FileFact& fact : evidence.processes[0].files) {
    fact.by["r2"] = fact.by["r1"];
  }
  EXPECT_THAT(writable_in(evidence),
              ElementsAre("/data", "/data/sub", "/database", "/etc brought"));
}

TEST(Needs, OnlyTheWorkloadCounts) {
  const auto list = writable_in(sample::evidence_of(
      {process({{"/a/x", "cw"}}, "/bin/a", Origin::Runtime),
       process({{"/b/x", "cw"}}, "/bin/b", Origin::Session),
       process({{"/c/x", "cw"}}, "/bin/c", Origin::Harness),
       process({{"/d/x", "cw"}}, "/bin/d", Origin::Helper),
       process({{"/e/x", "cw"}}, "/bin/e", Origin::Probe)}));
  EXPECT_THAT(list, ElementsAre("/d", "/e"));
}

TEST(Needs, FilesAreUnknownWithoutTheExitProbeOrAnyFile) {
  Evidence evidence = sample::evidence_of({process({{"/a/x", "cw"}})});
  EXPECT_TRUE(needs_of(evidence).files_known);
  evidence.recordings[0].verdict.gaps = {{"no_exit_probe", ""}};
  EXPECT_FALSE(needs_of(evidence).files_known);
  EXPECT_FALSE(needs_of(sample::evidence_of({process({})})).files_known);
}

TEST(Needs, TheUserIsTheOneOfTheFirstProgram) {
  Process entry = started(process({}, "/bin/sh", Origin::Helper), 0, 0);
  entry.key.parent = "/usr/bin/runc";
  Process main = started(process({}, "/bin/app"), 999, 998);
  main.key.parent = "/bin/sh";
  Process session = started(process({}, "/bin/id", Origin::Session), 7, 7);
  session.key.parent = "/usr/bin/runc";
  const Needs needs = needs_of(sample::evidence_of({entry, main, session}));
  ASSERT_EQ(needs.users.size(), 1);
  EXPECT_EQ(needs.users[0].uid, 0);
  EXPECT_EQ(needs.users[0].reasons.at(0).exe, "/bin/sh");
}

TEST(Needs, EachUserOfTheFirstProgramIsTold) {
  Process main = started(process({}), 1, 2);
  main.users.push_back({.uid = 3, .gid = 4, .by = sample::seen(1)});
  EXPECT_EQ(needs_of(sample::evidence_of({main})).users.size(), 2);
  EXPECT_THAT(needs_of(sample::evidence_of({process({})})).users, IsEmpty());
}

TEST(Needs, ProgramsThatTheirFileRaisedAreTold) {
  Process su = started(process({}, "/bin/su", Origin::Helper), 999, 998, true);
  su.key.parent = "/bin/app";
  const Needs needs =
      needs_of(sample::evidence_of({started(process({}), 999, 998), su}));
  ASSERT_EQ(needs.raised.size(), 1);
  EXPECT_EQ(needs.raised[0].exe, "/bin/su");
  EXPECT_EQ(needs.users.size(), 1);
}

TEST(Needs, CallsThatChangeAFolderByItsPathAreToldUntilTheirPlacesAre) {
  Process app = process({{"/a/x", "cw"}});
  app.syscalls = {sample::fact("mkdir"), sample::fact("read"),
                  sample::fact("unlink", sample::failed(2, "ENOENT"))};
  EXPECT_THAT(needs_of(sample::evidence_of({app})).unseen,
              ElementsAre("mkdir"));
  app.files.push_back({.path = "/a/b/", .access = "c", .by = sample::seen(1)});
  EXPECT_THAT(needs_of(sample::evidence_of({app})).unseen, IsEmpty());
}

TEST(Needs, OneRecordingThatTellsPlacesSpeaksForNoOther) {
  Process app = process({{"/a/b/", "c"}});  // of r1
  app.syscalls = {sample::fact("mkdir", sample::seen(1)),
                  sample::fact("rename", sample::seen(1, "serving", "r2"))};
  Evidence evidence = sample::evidence_of({app});
  evidence.recordings.push_back(evidence.recordings[0]);
  evidence.recordings[1].id = "r2";
  EXPECT_THAT(needs_of(evidence).unseen, ElementsAre("rename"));
  evidence.recordings[1].probes[std::string(evidence::kPathProbe)] = "x";
  EXPECT_THAT(needs_of(evidence).unseen, IsEmpty());
}

TEST(Needs, CallsThatNoRecordingPlacesStayUnseen) {
  Process app = process({{"/a/b/", "c"}});
  app.syscalls = {sample::fact("mkdir"), sample::fact("utimensat"),
                  sample::fact("setxattr"),
                  sample::fact("fremovexattr", sample::failed(1, "ENODATA"))};
  Evidence evidence = sample::evidence_of({app});
  evidence.recordings[0].probes[std::string(evidence::kPathProbe)] = "x";
  EXPECT_THAT(needs_of(evidence).unseen, ElementsAre("setxattr", "utimensat"));
}

TEST(Needs, AreOfAHostIfNoContainerWasRecorded) {
  Evidence evidence = sample::evidence_of({process({})});
  evidence.recordings[0].runtime = "process";
  EXPECT_TRUE(needs_of(evidence).on_host);
  evidence.recordings[0].runtime = "runc";
  EXPECT_FALSE(needs_of(evidence).on_host);
}

}  // namespace
}  // namespace vambrace::policy::securitycontext
