#include "policy/securitycontext/image_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "evidence/merge.h"
#include "policy/samples.h"

namespace vambrace::policy::securitycontext {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

struct Sighting {
  const char* path;
  const char* letters;
  int second = 1;  // when it was first seen
  bool only_named = false;
  const char* recording = "r1";
};

evidence::Evidence evidence_with(const std::vector<Sighting>& accesses,
                                 bool tells_made) {
  evidence::Process process = sample::process({});
  for (const Sighting& access : accesses) {
    evidence::FileFact fact = sample::file(
        access.path, access.letters, sample::seen(1, "", access.recording));
    if (access.only_named) {
      fact.owner.reset();
    }
    fact.by.begin()->second.first =
        evidence::Instant(std::chrono::seconds(access.second));
    process.files.push_back(std::move(fact));
  }
  evidence::Evidence out = sample::evidence_of({process});
  if (tells_made) {
    out.recordings[0].probes[std::string(evidence::kMadeProbe)] = "x";
  }
  return out;
}

std::set<std::string> known(const std::vector<Sighting>& accesses,
                            bool tells_made = true) {
  const ImageFiles files = image_files(evidence_with(accesses, tells_made));
  if (tells_made) {
    EXPECT_THAT(files.perhaps, IsEmpty());
  }
  return files.known;
}

TEST(ImageFiles, AreWhatWasThereBeforeItWasMade) {
  for (const char* letters :
       {"r", "w", "rw", "a", "p", "o", "d", "drw", "x", "mr", "crw", "acr"}) {
    EXPECT_THAT(known({{"/srv/x", letters}}), ElementsAre("/srv/x")) << letters;
    EXPECT_THAT(known({{"/srv/x", "c", 1}, {"/srv/x", letters, 1}}), IsEmpty())
        << letters;
    EXPECT_THAT(known({{"/srv/x", "c", 2}, {"/srv/x", letters, 1}}),
                ElementsAre("/srv/x"))
        << letters;
  }
}

TEST(ImageFiles, AreWhatARecorderFoundBesideWhatWasMade) {
  evidence::Evidence evidence = evidence_with({{"/srv/pid", "c"}}, true);
  evidence.recordings[0].found = {"/data/x", "/srv/current"};
  evidence.recordings[0].mounts = {"/data"};
  EXPECT_THAT(image_files(evidence).known, IsEmpty());
  EXPECT_THAT(image_files(evidence).found, ElementsAre("/srv/current"));
}

TEST(ImageFiles, LogsThatAreMadeWhereThereAreNoneAreNot) {
  for (const bool tells_made : {false, true}) {
    EXPECT_THAT(known({{"/log/x", "ac"}, {"/log/y", "cw"}}, tells_made),
                IsEmpty());
  }
  EXPECT_THAT(known({{"/log/x", "ac", 1}, {"/log/x", "r", 2}}),
              ElementsAre("/log/x"));
}

TEST(ImageFiles, FoldersAreToo) {
  EXPECT_THAT(known({{"/srv/plugins/", "r"}}), ElementsAre("/srv/plugins"));
  EXPECT_THAT(known({{"/srv/plugins/", "c"}, {"/srv/plugins/", "r", 2}}),
              IsEmpty());
  // It was removed and made again.
  EXPECT_THAT(known({{"/srv/cache/", "d", 1}, {"/srv/cache/", "c", 2}}),
              ElementsAre("/srv/cache"));
  EXPECT_THAT(known({{"/srv/cache/", "c", 1}, {"/srv/cache/", "d", 2}}),
              IsEmpty());
}

TEST(ImageFiles, HoldNothingOfAFolderThatTheWorkloadMade) {
  EXPECT_THAT(known({{"/srv/made/", "c", 1}, {"/srv/made/a/b", "r", 2}}),
              IsEmpty());
  EXPECT_THAT(known({{"/srv/made/", "c", 2}, {"/srv/made/a", "r", 1}}),
              ElementsAre("/srv/made/a"));
  EXPECT_THAT(known({{"/srv/old/", "cw", 1, true}, {"/srv/old/a", "r", 2}}),
              IsEmpty());
}

TEST(ImageFiles, WhatWasLinkedOrRenamedHasANewName) {
  EXPECT_THAT(known({{"/srv/new", "l", 1}, {"/srv/new", "r", 2}}), IsEmpty());
  EXPECT_THAT(known({{"/srv/new", "cw", 1, true}, {"/srv/new", "r", 2}}),
              IsEmpty());
}

TEST(ImageFiles, ToAnOpenThatMayHaveMadeItIsOnlyPerhapsOne) {
  const auto perhaps = [](const std::vector<Sighting>& accesses) {
    const ImageFiles files = image_files(evidence_with(accesses, false));
    EXPECT_THAT(files.known, IsEmpty());
    return files.perhaps;
  };
  EXPECT_THAT(perhaps({{"/srv/db", "crw", 1}, {"/srv/db", "r", 2}}),
              ElementsAre("/srv/db"));
  EXPECT_THAT(perhaps({{"/srv/db", "cw", 1}, {"/srv/db", "r", 2}}),
              ElementsAre("/srv/db"));
  EXPECT_THAT(perhaps({{"/srv/db", "c", 1}, {"/srv/db", "crw", 2}}), IsEmpty());
  EXPECT_THAT(perhaps({{"/srv/db", "cw", 1}}), IsEmpty());
  EXPECT_THAT(known({{"/srv/db", "r", 1}, {"/srv/db", "crw", 2}}, false),
              ElementsAre("/srv/db"));
}

TEST(ImageFiles, OneRecordingSpeaksForNoOther) {
  EXPECT_THAT(known({{"/srv/x", "c", 1}, {"/srv/x", "r", 2, false, "r2"}}),
              ElementsAre("/srv/x"));
}

TEST(ImageFiles, OfFoldedRecordingsAreNotThoughtToBeMadeByThoseThatFoundThem) {
  evidence::Evidence evidence = evidence_with({{"/srv/x", "c", 1},
                                               {"/srv/x", "r", 2},
                                               {"/srv/x", "r", 9, false, "r2"},
                                               {"/srv/log", "c", 1},
                                               {"/srv/y", "r", 1}},
                                              true);
  evidence.recordings.push_back(evidence.recordings[0]);
  evidence.recordings[1].id = "r2";
  EXPECT_THAT(image_files(evidence).known, ElementsAre("/srv/x", "/srv/y"));
  const ImageFiles files = image_files(evidence::compact(evidence).value());
  EXPECT_THAT(files.known, ElementsAre("/srv/y"));
  EXPECT_THAT(files.perhaps, ElementsAre("/srv/x"));
}

TEST(ImageFiles, NothingIsToldByLocksInheritedOrNamelessFiles) {
  EXPECT_THAT(known({{"/srv/a", "k"},
                     {"/srv/b", "irw"},
                     {"/srv/#4711", "rw"},
                     {"tmpfs:memfd:x", "rw"}}),
              IsEmpty());
  EXPECT_THAT(known({{"/srv/#a", "rw"}, {"/srv/#", "rw"}}),
              ElementsAre("/srv/#", "/srv/#a"));
}

TEST(ImageFiles, AttemptsThatWereRefusedTellNothing) {
  evidence::Evidence evidence = evidence_with({{"/srv/x", "r"}}, true);
  evidence.processes[0].files[0].by = sample::refused(1, "EACCES");
  EXPECT_THAT(image_files(evidence).known, IsEmpty());
}

}  // namespace
}  // namespace vambrace::policy::securitycontext
