#include "policy/apparmor/generalize.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "policy/apparmor/sensitive.h"
#include "policy/apparmor/variables.h"

namespace vambrace::policy::apparmor {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

std::vector<Observation> reads(const std::vector<std::string>& paths) {
  std::vector<Observation> out;
  for (const std::string& path : paths) {
    out.push_back({.path = path, .access = "r", .recording = "a"});
  }
  return out;
}

std::vector<std::string> printed(const Generalized& result) {
  std::vector<std::string> out;
  for (const Rule& rule : result.rules) {
    out.push_back((rule.owner ? "owner " : "") + rule.pattern + " " +
                  rule.access);
  }
  return out;
}

// DIR/0 ... with names that have nothing in common.
std::vector<Observation> words(const std::string& directory, std::size_t count,
                               const std::string& access = "r") {
  std::vector<Observation> out;
  for (std::size_t i = 0; i < count; ++i) {
    std::string name;
    for (std::size_t left = i + 26; left > 0; left /= 26) {
      name += static_cast<char>('a' + left % 26);
    }
    out.push_back({.path = directory + name, .access = access});
  }
  return out;
}

void add(std::vector<Observation>& to, const std::vector<Observation>& more) {
  to.insert(to.end(), more.begin(), more.end());
}

TEST(Generalize, SaysWhatItAllowsAndWhatCausedIt) {
  const Generalized result = generalize(reads(
      {"/proc/12/stat", "/proc/7/stat", "/proc/99/stat", "/proc/1234/stat"}));
  ASSERT_EQ(result.rules.size(), 1);
  const Rule& rule = result.rules[0];
  EXPECT_EQ(rule.pattern, "/proc/@{pid}/stat");
  EXPECT_EQ(rule.paths, 4);
  EXPECT_THAT(rule.examples,
              ElementsAre("/proc/12/stat", "/proc/1234/stat", "/proc/7/stat"));
  ASSERT_EQ(rule.because.size(), 1);
  EXPECT_EQ(rule.because[0].kind, Kind::Pid);
  EXPECT_EQ(rule.because[0].seen, 4);
  EXPECT_THAT(rule.because[0].examples, ElementsAre("12", "1234", "7"));
  EXPECT_EQ(rule.because[0].allows,
            "the same file of every other process or thread");
}

TEST(Generalize, NamesTheProgramsOfARule) {
  const Generalized result = generalize(std::vector<Observation>{
      {.path = "/proc/1/stat", .access = "r", .process = "/bin/b"},
      {.path = "/proc/2/stat", .access = "r", .process = "/bin/a"}});
  EXPECT_THAT(result.rules.at(0).processes, ElementsAre("/bin/a", "/bin/b"));
}

TEST(Generalize, KeepsOwnerOnlyIfEveryAccessHadIt) {
  const Generalized result = generalize(std::vector<Observation>{
      {.path = "/srv/a", .access = "r", .owner = true},
      {.path = "/srv/b", .access = "r", .owner = true},
      {.path = "/srv/b", .access = "w", .owner = false},
      {.path = "/srv/c", .access = "r"}});
  EXPECT_THAT(printed(result),
              UnorderedElementsAre("owner /srv/a r", "/srv/b rw", "/srv/c r"));
}

TEST(Generalize, TellsWhyAPathKeepsItsName) {
  const Generalized result = generalize(reads({"/proc/12/environ"}));
  EXPECT_THAT(printed(result), ElementsAre("/proc/12/environ r"));
  ASSERT_EQ(result.kept.size(), 1);
  EXPECT_EQ(result.kept[0].path, "/proc/12/environ");
  EXPECT_EQ(result.kept[0].reason, "memory and secrets of other processes");
}

TEST(Generalize, TellsNothingOfNamesThatEveryRunHas) {
  const Generalized result =
      generalize(reads({"/root/lib/__pycache__/a.cpython-311.pyc",
                        "/root/lib/__pycache__/b.cpython-311.pyc",
                        "/root/lib/__pycache__/c.cpython-311.pyc"}));
  EXPECT_EQ(result.rules.size(), 3);
  EXPECT_THAT(result.kept, IsEmpty());
}

// The kernel makes the name of the inode's number: no other run has it.
TEST(Generalize, AFileThatNobodyNamedIsAPatternAtOnce) {
  EXPECT_THAT(
      printed(generalize(std::vector<Observation>{
          {.path = "/srv/#15862", .access = "rw"},
          {.path = "/tmp/#7", .access = "mrw"},
          {.path = "/etc/app/#8", .access = "w"},
          {.path = "/root/#18446744073709551615", .access = "w"}})),
      UnorderedElementsAre("/srv/#@{number} rw", "/tmp/#@{number} mrw",
                           "/etc/app/#@{number} w", "/root/#@{number} w"));
  EXPECT_THAT(printed(generalize(reads({"/srv/#12/log", "/srv/#1a", "/srv/#",
                                        "/srv/#13/", "/root/12/#5"}))),
              UnorderedElementsAre("/srv/#12/log r", "/srv/#1a r", "/srv/# r",
                                   "/srv/#13/ r", "/root/12/#@{number} r"));
  const Generalized run =
      generalize(std::vector<Observation>{{.path = "/tmp/#9", .access = "x"}});
  EXPECT_THAT(printed(run), ElementsAre("/tmp/#9 x"));
  EXPECT_EQ(run.kept.at(0).reason, "what is executed keeps its name");
}

TEST(Generalize, SeesHexadecimalDigitsBehindAWord) {
  EXPECT_THAT(printed(generalize(reads({"/srv/box.lock3f9a1c2b7d8e4f60",
                                        "/srv/box.lock0a17f2c4d1e6b358"}))),
              ElementsAre("/srv/box.lock@{hex16} r"));
  // Decimal ones count something, and a word alone is none.
  EXPECT_EQ(generalize(
                reads({"/srv/log1795953630123456", "/srv/log1795953630123457"}))
                .rules.size(),
            2);
  EXPECT_EQ(generalize(reads({"/srv/lockfeedface", "/srv/lockdeadbeef"}))
                .rules.size(),
            2);
}

TEST(Generalize, KnowsTheNumbersOfServersInNames) {
  const auto one = [](const char* path) {
    return printed(generalize(std::vector<Observation>{
        {.path = path, .access = "cw"}, {.path = path, .access = "dw"}}));
  };
  EXPECT_THAT(one("/var/lib/mysql/shop/#sql-alter-7d-8.frm"),
              ElementsAre("/var/lib/mysql/shop/#sql-alter-@{hexnumber}-"
                          "@{hexnumber}.frm cdw"));
  EXPECT_THAT(one("/tmp/#sql-temptable-7d-c-1f.MAI"),
              ElementsAre("/tmp/#sql-temptable-@{hexnumber}-@{hexnumber}-"
                          "@{hexnumber}.MAI cdw"));
  EXPECT_THAT(one("/run/apache2/socks/cgisock.120"),
              ElementsAre("/run/apache2/socks/cgisock.@{number} cdw"));
}

TEST(Generalize, SeesCountersInLettersBesideLettersDrawnByLot) {
  EXPECT_THAT(printed(generalize(reads({"/srv/input/1xXifE-00002G-0E-D",
                                        "/srv/input/1xXigC-00005M-1g-D"}))),
              ElementsAre("/srv/input/@{random6}-@{random6}-@{random2}-D r"));
  // By themselves they may be words.
  EXPECT_EQ(
      generalize(reads({"/srv/2nd-00002G", "/srv/3rd-00005M"})).rules.size(),
      2);
}

TEST(Generalize, DoesNotLetANumberCountThatOneRecordingHasBothOf) {
  std::vector<Observation> seen = reads({"/srv/job-1/log", "/srv/job-2/log"});
  EXPECT_EQ(generalize(seen).rules.size(), 2);
  // Seen in both recordings: still no change of names.
  add(seen, {{.path = "/srv/job-1/log", .access = "r", .recording = "b"}});
  EXPECT_EQ(generalize(seen).rules.size(), 2);
  add(seen, {{.path = "/srv/job-3/log", .access = "r", .recording = "b"}});
  EXPECT_THAT(printed(generalize(seen)),
              ElementsAre("/srv/job-@{number}/log r"));
}

// What counts in a folder's name is told by what is in such folders.
TEST(Generalize, KeepsNumberedFoldersApartThatHaveNothingInCommon) {
  std::vector<Observation> seen =
      reads({"/srv/tenant1/public.html", "/srv/tenant2/secret.key",
             "/srv/tenant3/upload/a"});
  EXPECT_THAT(
      printed(generalize(seen)),
      ElementsAre("/srv/tenant1/public.html r", "/srv/tenant2/secret.key r",
                  "/srv/tenant3/upload/a r"));
  // Written in one of them and read in another is not in common.
  seen.push_back({.path = "/srv/tenant3/public.html", .access = "w"});
  EXPECT_EQ(generalize(seen).rules.size(), 4);
  add(seen, reads({"/srv/tenant3/public.html"}));
  EXPECT_THAT(printed(generalize(seen)),
              ElementsAre("/srv/tenant3/public.html w",
                          "/srv/tenant@{number}/public.html r",
                          "/srv/tenant@{number}/secret.key r",
                          "/srv/tenant@{number}/upload/a r"));
}

TEST(Generalize, SaysWhatItAllowsInAStoreByHash) {
  const std::string hash = "d41d8cd98f00b204e9800998ecf8427e";
  const Generalized result =
      generalize(reads({"/srv/c/12/" + hash, "/srv/c/f1/" + hash,
                        "/srv/c/40/0" + hash.substr(1)}));
  ASSERT_THAT(printed(result), ElementsAre("/srv/c/@{hex2}/@{hex32} r"));
  const Generalization& level = result.rules[0].because.at(0);
  EXPECT_EQ(level.pattern, "@{hex2}");
  EXPECT_EQ(level.seen, 3);
  EXPECT_THAT(level.examples, ElementsAre("12", "40", "f1"));
  EXPECT_EQ(level.allows, "every other hexadecimal number of this length");
}

TEST(Generalize, OpensNoStoreByHashInASensitivePlace) {
  const std::string hash = "/d41d8cd98f00b204e9800998ecf8427e";
  for (const char* folder : {"/root/c/", "/etc/wireguard/", "/home/ann/.aws/",
                             "/var/lib/private/app/", "/run/secrets/"}) {
    const Generalized result =
        generalize(reads({folder + ("12" + hash), folder + ("f1" + hash)}));
    EXPECT_EQ(result.rules.size(), 2) << folder;
    for (const Rule& rule : result.rules) {
      EXPECT_THAT(rule.because, IsEmpty()) << rule.pattern;
    }
  }
}

TEST(Generalize, MapsNoCodeFromAStoreBecauseOfItsForm) {
  const std::string hash = "/d41d8cd98f00b204e9800998ecf8427e";
  const Generalized result = generalize(
      std::vector<Observation>{{.path = "/srv/c/1a" + hash, .access = "m"},
                               {.path = "/srv/c/f1" + hash, .access = "m"}});
  EXPECT_EQ(result.rules.size(), 2);
}

TEST(Generalize, WidensNothingThatFits) {
  const auto seen = words("/usr/share/doc/", 300);
  const Generalized result = generalize(seen);
  EXPECT_EQ(result.rules.size(), 300);
  EXPECT_TRUE(result.within_budget);
  EXPECT_THAT(result.did, IsEmpty());
}

TEST(Budget, WidensWhatPackagesInstalledBeforeOtherData) {
  auto seen = words("/usr/share/doc/", 20);
  add(seen, words("/srv/data/", 20));
  const Generalized result = generalize(seen, {.rules = 25});
  EXPECT_EQ(result.rules.size(), 21);
  EXPECT_THAT(printed(result), testing::Contains("/usr/share/doc/* r"));
}

TEST(Budget, WidensTheConfigurationLast) {
  auto seen = words("/etc/app/", 20);
  add(seen, words("/srv/data/", 20));
  EXPECT_THAT(printed(generalize(seen, {.rules = 25})),
              testing::Contains("/srv/data/* r"));
}

TEST(Budget, WidensReadingBeforeWriting) {
  auto seen = words("/srv/in/", 20);
  add(seen, words("/srv/out/", 20, "rw"));
  EXPECT_THAT(printed(generalize(seen, {.rules = 25})),
              testing::Contains("/srv/in/* r"));
  EXPECT_THAT(printed(generalize(seen, {.rules = 2})),
              ElementsAre("/srv/in/* r", "/srv/out/* rw"));
}

TEST(Budget, WidensTreesOnlyAfterFilesFromTheDeepest) {
  auto seen = words("/srv/a/b/x/", 5);
  add(seen, words("/srv/a/b/y/", 5));
  add(seen, words("/srv/a/c/", 5));
  EXPECT_THAT(printed(generalize(seen, {.rules = 3})),
              ElementsAre("/srv/a/b/x/* r", "/srv/a/b/y/* r", "/srv/a/c/* r"));
  EXPECT_THAT(printed(generalize(seen, {.rules = 2})),
              ElementsAre("/srv/a/b/** r", "/srv/a/c/* r"));
  EXPECT_THAT(printed(generalize(seen, {.rules = 1})),
              ElementsAre("/srv/a/** r"));
}

TEST(Budget, GivesNoRightToWriteToWhatWasRead) {
  auto seen = words("/srv/data/", 4, "rw");
  add(seen, reads({"/srv/data/zz/read.only"}));
  EXPECT_THAT(printed(generalize(seen, {.rules = 2})),
              ElementsAre("/srv/data/* rw", "/srv/data/zz/read.only r"));
}

TEST(Budget, NeverWidensWhatIsExecuted) {
  const Generalized result =
      generalize(words("/srv/bin/", 9, "x"), {.rules = 1});
  EXPECT_EQ(result.rules.size(), 9);
  EXPECT_FALSE(result.within_budget);
}

TEST(Budget, MapsCodeOnlyFromFilesNamedAsLibraries) {
  std::vector<Observation> seen = words("/usr/lib/app/", 3, "mr");
  for (const char* name : {"one.so", "two.so", "three.so.4"}) {
    seen.push_back(
        {.path = std::string("/usr/lib/app/") + name, .access = "mr"});
  }
  EXPECT_THAT(printed(generalize(seen, {.rules = 1})),
              testing::AllOf(testing::Contains("/usr/lib/app/*.so* mr"),
                             testing::SizeIs(4)));
}

TEST(Budget, LeavesTheRootAndItsDirectoriesAlone) {
  auto seen = words("/", 5);
  add(seen, words("/data/", 5));
  EXPECT_EQ(generalize(seen, {.rules = 1}).rules.size(), 10);
}

TEST(Budget, LeavesADirectoryAloneThatHoldsSomethingSensitive) {
  const Generalized result = generalize(words("/etc/ssl/", 9), {.rules = 1});
  EXPECT_EQ(result.rules.size(), 9);
  EXPECT_FALSE(result.within_budget);
}

TEST(Budget, LeavesADirectoryAloneThatHoldsWhatIsNamedLikeASecret) {
  for (const char* secret : {"a.key", "Site.KEY", "privkey1.pem", "vault-token",
                             "shadow.bak", "db_password.txt", "secrets.yml"}) {
    auto seen = words("/srv/conf/", 9);
    add(seen, reads({std::string("/srv/conf/") + secret}));
    EXPECT_EQ(generalize(seen, {.rules = 1}).rules.size(), 10) << secret;
  }
  auto numbered = words("/srv/conf/", 9);
  add(numbered, reads({"/srv/conf/site1.key", "/srv/conf/site2.key",
                       "/srv/conf/site3.key"}));
  EXPECT_EQ(generalize(numbered, {.rules = 1}).rules.size(), 10);
  for (const char* other :
       {"token.py", "cert.pem", "secrets.html", "keys", "libsecret-1-0.list"}) {
    auto seen = words("/srv/conf/", 9);
    add(seen, reads({std::string("/srv/conf/") + other}));
    EXPECT_EQ(generalize(seen, {.rules = 1}).rules.size(), 1) << other;
  }
  auto seen = words("/usr/share/doc/", 9);
  add(seen, reads({"/usr/share/doc/token"}));
  EXPECT_EQ(generalize(seen, {.rules = 1}).rules.size(), 1);
}

TEST(Budget, OpensATreeAboveWhatIsNamedLikeASecretOnlyIfNothingElseFits) {
  auto seen = words("/srv/app/plain/", 9);
  add(seen, words("/srv/app/conf/", 2));
  add(seen, reads({"/srv/app/conf/site.key"}));
  const auto patterns = [&](std::size_t most) {
    return printed(generalize(seen, {.rules = most}));
  };
  EXPECT_THAT(patterns(4), testing::Contains("/srv/app/conf/site.key r"));
  EXPECT_THAT(patterns(1), ElementsAre("/srv/app/** r"));
  const Generalized made = generalize(seen, {.rules = 1});
  EXPECT_THAT(made.rules[0].because.back().secrets,
              ElementsAre("/srv/app/conf/site.key"));
}

TEST(Budget, LeavesCopiesOfPasswordsAndKeysOfNetworksAlone) {
  for (const char* folder :
       {"/var/backups/", "/etc/wireguard/", "/var/lib/private/app/",
        "/home/ann/.config/gh/", "/etc/NetworkManager/system-connections/"}) {
    EXPECT_EQ(generalize(words(folder, 9), {.rules = 1}).rules.size(), 9)
        << folder;
  }
}

TEST(Budget, FitsFiveThousandPathsOfAServerAndSaysHow) {
  std::vector<Observation> seen;
  const std::vector<Observation> names = words("", 1000);
  for (std::size_t i = 0; i < names.size(); ++i) {
    const std::string number = std::to_string(i + 2);
    const std::string& word = names[i].path;
    add(seen, reads({"/proc/" + number + "/stat",
                     "/usr/lib/python3/dist-packages/" + word + "/" + word,
                     "/srv/www/" + word + ".html"}));
    seen.push_back({.path = "/tmp/tmp.aB3" + word + "x9", .access = "rw"});
    seen.push_back({.path = "/var/lib/app/" + word + "/data", .access = "rw"});
  }
  const Generalized result = generalize(seen);
  EXPECT_LE(result.rules.size(), 300);
  EXPECT_TRUE(result.within_budget);
  std::size_t paths = 0;
  std::set<std::string_view> kinds;
  for (const Tally& one : result.did) {
    paths += one.paths;
    kinds.insert(to_string(one.kind));
  }
  EXPECT_EQ(paths, 5000);
  EXPECT_THAT(kinds,
              UnorderedElementsAre("pid", "siblings", "subtree", "temp name"));
}

TEST(Sensitive, KnowsWhatAPatternCouldReach) {
  const auto reached = [](const Shape& shape) {
    Shape all = literal("/etc/");
    all += shape;
    return touched(all.pieces) != nullptr;
  };
  EXPECT_TRUE(reached(any_name()));
  EXPECT_TRUE(reached(any_below()));
  EXPECT_TRUE(reached(literal("shadow")));
  EXPECT_TRUE(reached(literal("sudoers.d/x/y")));
  EXPECT_FALSE(reached(literal("nginx/nginx.conf")));
  EXPECT_FALSE(reached(number()));
}

TEST(Sensitive, IsNotMissedByALookAtTheStart) {
  for (const Sensitive& one : sensitive_paths()) {
    const std::string_view start = one.prefix.substr(0, one.prefix.find('*'));
    for (std::size_t length = 0; length <= start.size(); ++length) {
      EXPECT_TRUE(may_touch(start.substr(0, length))) << one.prefix;
    }
    EXPECT_TRUE(may_touch(std::string(start) + "/x")) << one.prefix;
  }
  EXPECT_FALSE(may_touch("/usr/share/"));
  EXPECT_FALSE(may_touch("/etc/shade"));
}

TEST(Sensitive, HasAReasonForEachPath) {
  for (const Sensitive& one : sensitive_paths()) {
    EXPECT_TRUE(one.prefix.starts_with('/')) << one.prefix;
    EXPECT_FALSE(one.reason.empty()) << one.prefix;
  }
}

TEST(Variables, AreWrittenOut) {
  EXPECT_THAT(variables_in("/@{pid}/x@{hex2}"), ElementsAre("hex2", "pid"));
  EXPECT_EQ(without_variables("/a/@{hex2}.@{random1}"),
            "/a/[0-9a-fA-F][0-9a-fA-F].[0-9A-Za-z_]");
  EXPECT_EQ(without_variables("/a*"), "/a*");
}

}  // namespace
}  // namespace vambrace::policy::apparmor
