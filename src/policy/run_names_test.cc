#include "policy/run_names.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "policy/samples.h"
#include "policy/synthesize.h"

namespace vambrace::policy {
namespace {

using evidence::Evidence;
using evidence::FileFact;
using sample::file;
using sample::seen;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

// Recorded on 2026-11-29 from 12:00 to 12:01.
Evidence recorded(std::vector<FileFact> files, const char* recording = "r1") {
  for (FileFact& fact : files) {
    fact.by = seen(1, "serving", recording);
  }
  Evidence out =
      sample::evidence_of({sample::with_files(std::move(files))}, recording);
  out.recordings[0].start =
      std::chrono::sys_days(std::chrono::year(2026) / 11 / 29) +
      std::chrono::hours(12);
  out.recordings[0].end = out.recordings[0].start + std::chrono::minutes(1);
  return out;
}

// "low: what and why", of the finding for names that change.
std::vector<std::string> told(const Evidence& evidence) {
  std::vector<std::string> out;
  const Policy policy = synthesize(evidence).value();
  for (const Finding& one : policy.findings) {
    if (one.id == "file-changes-name") {
      out.push_back(one.severity + ": " + one.message);
    }
  }
  return out;
}

TEST(RunNames, ADateOfTheRecordingIsCertain) {
  for (const char* path :
       {"/srv/log/2026-11-29.log", "/srv/log/app-20261129.log",
        "/srv/backup/2026_11_30/db.sql", "/srv/log/2026.11.28"}) {
    EXPECT_THAT(
        told(
            recorded({file(path, "aw"), file("/srv/backup/2026_11_30/", "c")})),
        testing::Contains(AllOf(HasSubstr("medium: "),
                                HasSubstr("the date of the recording"))))
        << path;
  }
  EXPECT_THAT(told(recorded({file("/srv/log/2024-01-02.log", "cw"),
                             file("/srv/log/2026-11-29.txt", "r"),
                             file("/srv/log/2026-99-99.log", "cw")})),
              IsEmpty());
}

TEST(RunNames, ATimeOrAProcessOfTheRecordingIsCertain) {
  EXPECT_THAT(told(recorded({file("/srv/mail/1795953630.M1.host", "cw")})),
              ElementsAre(HasSubstr("the time of the recording")));
  EXPECT_THAT(told(recorded({file("/srv/mail/1795953630123", "w")})),
              ElementsAre(HasSubstr("the time of the recording")));
  EXPECT_THAT(told(recorded({file("/proc/4711/stat", "r"),
                             file("/srv/state-4711.tmp", "w"),
                             file("/srv/state-4712.tmp", "cw")})),
              ElementsAre(AllOf(HasSubstr("low: /srv/state-4712.tmp"),
                                HasSubstr("a number")),
                          AllOf(HasSubstr("medium: /srv/state-4711.tmp"),
                                HasSubstr("a process of the recording"))));
}

TEST(RunNames, WhatLooksDrawnIsToldIfTheWorkloadMadeIt) {
  for (const char* path :
       {"/run/app/app-4711.pid", "/run/app/4711.sock",
        "/tmp/hsperfdata_root/4711", "/srv/mail/1764400000.M123456P4711.host",
        "/srv/HYImVz/", "/srv/cache/3fa91b02c0ffee00", "/srv/job-98qd0p_k"}) {
    EXPECT_THAT(told(recorded({file(path, "c")})),
                ElementsAre(HasSubstr("low: ")))
        << path;
    EXPECT_THAT(told(recorded({file(path, "w")})), IsEmpty()) << path;
  }
}

TEST(RunNames, ANumberThatStandsApartIsToldIfTheWorkloadMadeIt) {
  for (const char* path :
       {"/run/app/socks/sock.120", "/srv/work.1967",
        "/run/haproxy/admin.sock.2505.tmp", "/srv/lock-4711"}) {
    EXPECT_THAT(told(recorded({file(path, "cw")})),
                ElementsAre(AllOf(HasSubstr("low: "), HasSubstr("a number"))))
        << path;
  }
  EXPECT_THAT(
      told(recorded({file("/srv/log.12", "cw"), file("/srv/sha256", "cw"),
                     file("/srv/250-page", "cw")})),
      IsEmpty());
}

TEST(RunNames, WhatEveryRunHasIsNotTold) {
  for (const char* path :
       {"/srv/app/database.db", "/srv/app/testTag2", "/srv/app/DataStore1.log",
        "/srv/app/SHA256SUMS", "/srv/app/v2/page12.html",
        "/run/postgresql/.s.PGSQL.5432", "/srv/worker-3.log",
        "/srv/__pycache__/main.cpython-311.pyc.139872345678912",
        "/srv/__pycache__/main.cpython-311.pyc"}) {
    EXPECT_THAT(told(recorded({file(path, "cw")})), IsEmpty()) << path;
  }
}

TEST(RunNames, ThePortOfASocketIsNoNumberOfARun) {
  Evidence evidence = recorded({file("/run/redis/6379.pid", "cw")});
  EXPECT_THAT(told(evidence), SizeIs(1));
  evidence.processes[0].network.push_back({.operation = "bind",
                                           .family = "inet",
                                           .type = "stream",
                                           .address = "any",
                                           .port = 6379,
                                           .by = seen(1)});
  EXPECT_THAT(told(evidence), IsEmpty());
}

TEST(RunNames, WhatTwoRecordingsHaveIsNotTold) {
  const std::vector<FileFact> files = {file("/srv/HYImVz/", "c")};
  const Evidence first = recorded(files);
  EXPECT_THAT(told(first), SizeIs(1));
  EXPECT_THAT(told(evidence::merge(first, recorded(files, "r2")).value()),
              IsEmpty());
}

// The probe tells what an open made; without it any open with O_CREAT may have.
TEST(RunNames, WhatWasThereBeforeIsNotTold) {
  Evidence evidence = recorded({file("/srv/cache/3fa91b02c0ffee00", "crw")});
  EXPECT_THAT(told(evidence), SizeIs(1));
  evidence.recordings[0].probes[std::string(evidence::kMadeProbe)] = "lsm";
  EXPECT_THAT(told(evidence), IsEmpty());
}

TEST(RunNames, OneFindingTellsAFolder) {
  std::vector<FileFact> files;
  for (char letter = 'a'; letter < 'z'; ++letter) {
    files.push_back(file(
        (std::string("/srv/") + letter + "-1764400000.part").c_str(), "cw"));
  }
  files.push_back(file("/srv/HYImVz/", "c"));
  files.push_back(file("/srv/HYImVz/Qr98ZtK1", "cw"));
  EXPECT_THAT(told(recorded(files)),
              ElementsAre(AllOf(HasSubstr("/srv/HYImVz"),
                                HasSubstr("and 23 more look like names"))));
}

TEST(RunNames, OneObjectOfAStoreByHashIsTold) {
  EXPECT_THAT(told(recorded({file(
                  "/srv/c/0/1a/d41d8cd98f00b204e9800998ecf8427e", "crw")})),
              ElementsAre(AllOf(HasSubstr("/srv/c/0 looks"),
                                HasSubstr("part of a hash"))));
  EXPECT_THAT(
      told(recorded(
          {file("/srv/c/0/1a/d41d8cd98f00b204e9800998ecf8427e", "crw"),
           file("/srv/c/f/2b/e41d8cd98f00b204e9800998ecf8427e", "crw")})),
      IsEmpty());
}

TEST(RunNames, NumberedFoldersThatStayApartAreTold) {
  EXPECT_THAT(told(recorded({file("/srv/tenant1/public.html", "r"),
                             file("/srv/tenant2/secret.key", "r"),
                             file("/srv/tenant3/upload/a", "crw")})),
              ElementsAre(AllOf(HasSubstr("low: "),
                                HasSubstr("/srv/: tenant1, tenant2"),
                                HasSubstr("hold nothing in common"))));
  EXPECT_THAT(told(recorded({file("/usr/share/man/man1/ls.1.gz", "r"),
                             file("/usr/share/man/man5/passwd.5.gz", "r"),
                             file("/usr/share/man/man8/mount.8.gz", "r")})),
              IsEmpty());
}

TEST(RunNames, SecretsOfOneFolderAreOneFinding) {
  EXPECT_THAT(told(recorded(
                  {file("/root/c/0a/d41d8cd98f00b204e9800998ecf8427e", "r"),
                   file("/root/c/0a/e41d8cd98f00b204e9800998ecf8427e", "r"),
                   file("/root/c/f1/e41d8cd98f00b204e9800998ecf8427e", "r")})),
              ElementsAre(HasSubstr("medium: "), HasSubstr("medium: ")));
}

}  // namespace
}  // namespace vambrace::policy
