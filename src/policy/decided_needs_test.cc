#include "policy/decided_needs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "policy/samples.h"
#include "policy/synthesize.h"

namespace vambrace::policy {
namespace {

using sample::evidence_of;
using sample::file;
using sample::with_files;
using testing::ElementsAre;
using testing::IsEmpty;

Needs decided(std::vector<evidence::FileFact> files,
              const std::vector<std::pair<const char*, const char*>>& words) {
  std::vector<Decision> decisions;
  for (const auto& [choice, what] : words) {
    decisions.push_back({what, choice, "ann", "asked"});
  }
  return synthesize(evidence_of({with_files(std::move(files))}),
                    {.closures = {}, .decisions = decisions})
      .value()
      .needs;
}

std::vector<std::string> folders(const Needs& needs) {
  std::vector<std::string> out;
  for (const WritableNeed& need : needs.writable) {
    out.push_back(need.folder + (need.brought ? " brought" : ""));
  }
  return out;
}

TEST(DecidedNeeds, AFolderWithoutAWriteIsNotWritable) {
  const auto dropped = [](const char* what) {
    return folders(decided({file("/data/db", "cw"), file("/data/log", "ac"),
                            file("/run/pid", "cw")},
                           {{"drop", what}}));
  };
  EXPECT_THAT(dropped("file /data/db w"), ElementsAre("/data", "/run"));
  EXPECT_THAT(dropped("file /data/* w"), ElementsAre("/run"));
  EXPECT_THAT(dropped("file /** w"), IsEmpty());
  // To remove and to write is the same for AppArmor.
  EXPECT_THAT(dropped("file /data/* d"), ElementsAre("/run"));
  EXPECT_THAT(dropped("file /data/* r"), ElementsAre("/data", "/run"));
  EXPECT_THAT(
      folders(decided({file("/data/db", "cw")}, {{"drop", "file /data/db w"},
                                                 {"add", "file /data/db w"}})),
      ElementsAre("/data"));
}

TEST(DecidedNeeds, WhatTheEvidenceTellsOtherwiseStays) {
  // The fact of the folder shows that the recording tells places.
  const Needs needs =
      decided({file("/data/", "c")}, {{"drop", "file /data/ w"}});
  EXPECT_TRUE(needs.files_known);
  EXPECT_THAT(needs.unseen, IsEmpty());
  EXPECT_THAT(folders(needs), IsEmpty());
}

TEST(DecidedNeeds, AnAddedWriteMakesItsFolderWritable) {
  const auto added = [](const char* what) {
    return decided({file("/etc/app/a.conf", "r")}, {{"add", what}});
  };
  const Needs needs = added("file /var/lib/redis/x.rdb w");
  EXPECT_THAT(folders(needs), ElementsAre("/var/lib/redis"));
  EXPECT_THAT(needs.untold, IsEmpty());
  ASSERT_EQ(needs.writable[0].reasons.size(), 1U);
  EXPECT_EQ(describe(needs.writable[0].reasons[0]),
            "decision: add by ann: asked");
  EXPECT_THAT(folders(added("file /srv/*.rdb rwk")), ElementsAre("/srv"));
  EXPECT_THAT(folders(added("file /srv/** w")), ElementsAre("/srv"));
  EXPECT_THAT(folders(added("file /tmp/x/y w")), ElementsAre("/tmp"));
  EXPECT_THAT(folders(added("file /etc/app/b.conf w")),
              ElementsAre("/etc/app brought"));
  EXPECT_THAT(folders(added("file /proc/self/comm w")), IsEmpty());
  EXPECT_THAT(folders(added("file /srv/x rk")), IsEmpty());
}

TEST(DecidedNeeds, AnAddedWriteWithoutAFolderIsTold) {
  const auto untold =
      [](const std::vector<std::pair<const char*, const char*>>& words) {
        return decided({file("/etc/a", "r")}, words).untold;
      };
  EXPECT_THAT(untold({{"add", "file /srv/*/x w"}}), ElementsAre("/srv/*/x"));
  EXPECT_THAT(untold({{"add", "file /srv/{a,b}/x w"}}),
              ElementsAre("/srv/{a,b}/x"));
  EXPECT_THAT(untold({{"add", "file /srv/*/x r"}}), IsEmpty());
  EXPECT_THAT(untold({{"add", "file /srv/*/x w"}, {"drop", "file /srv/** w"}}),
              IsEmpty());
}

TEST(DecidedNeeds, AnAddedWriteBelowAMountIsThatMounts) {
  evidence::Evidence evidence =
      evidence_of({with_files({file("/etc/a", "r")})});
  evidence.recordings[0].mounts = {"/data"};
  const Needs needs =
      synthesize(evidence,
                 {.closures = {},
                  .decisions = {{"file /data/x w", "add", "ann", "asked"}}})
          .value()
          .needs;
  EXPECT_THAT(folders(needs), IsEmpty());
  EXPECT_THAT(needs.mounted, ElementsAre("/data"));
}

}  // namespace
}  // namespace vambrace::policy
