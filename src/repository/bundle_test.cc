#include "repository/bundle.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "base/memory_files.h"
#include "repository/compose.h"
#include "repository/yaml.h"

namespace vambrace::repository {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::string_view kSmall =
    "schema: vambrace.bundle/v1\n"
    "workload:\n"
    "  id: spiffe://local/web\n"
    "target: docker\n"
    "stage: allow\n"
    "waivers:\n"
    "  - what: capability SYS_ADMIN\n"
    "    who: ann\n"
    "    why: \"backup: mounts\"\n"
    "    until: 2026-12-31\n";

std::string with(std::string_view from, std::string_view to) {
  std::string text(kSmall);
  const std::size_t at = text.find(from);
  return text.replace(at, from.size(), to);
}

Error refusal(std::string_view yaml) {
  const auto parsed = parse_manifest(yaml);
  return parsed ? Error(ErrorCode::Internal, "accepted") : parsed.error();
}

TEST(Manifest, ReadsWhatPeopleWrite) {
  const Manifest manifest = parse_manifest(kSmall).value();
  EXPECT_EQ(manifest.workload.id, "spiffe://local/web");
  EXPECT_EQ(manifest.target.name, "docker");
  EXPECT_EQ(manifest.stage, policy::Stage::Allow);
  ASSERT_EQ(manifest.waivers.size(), 1U);
  EXPECT_EQ(manifest.waivers[0].why, "backup: mounts");
}

TEST(Manifest, VolumesAreAbsolutePaths) {
  const std::string yaml = with("stage:", "volumes: [/data, /var/x]\nstage:");
  Manifest manifest = parse_manifest(yaml).value();
  EXPECT_THAT(manifest.volumes, ElementsAre("/data", "/var/x"));
  EXPECT_EQ(parse_manifest(print_manifest(manifest)).value(), manifest);
  EXPECT_THAT(refusal(with("stage:", "volumes: [data]\nstage:")).message(),
              testing::HasSubstr("volumes: not an absolute path"));
}

TEST(Manifest, NamesLineAndNearestKey) {
  const Error error = refusal(with("stage:", "stgae:"));
  EXPECT_THAT(error.message(), testing::StartsWith("line 5: unknown key"));
  EXPECT_THAT(error.hint(), testing::HasSubstr("\"stage\""));
}

TEST(Manifest, RefusesWhatIsNotPlainData) {
  EXPECT_THAT(refusal("a: &x 1\nb: *x\n").message(),
              testing::HasSubstr("anchor"));
  EXPECT_THAT(refusal("a: 1\n---\nb: 2\n").message(),
              testing::HasSubstr("second document"));
  EXPECT_THAT(refusal(std::string(100'000, '[')).message(),
              testing::HasSubstr("nested too deeply"));
  EXPECT_THAT(refusal(with("why: \"backup", "why: \"\xeb")).message(),
              testing::HasSubstr("UTF-8"));
  EXPECT_THAT(refusal(std::string(2U << 20, ' ')).message(),
              testing::HasSubstr("bytes"));
  EXPECT_THAT(
      refusal(with("stage: allow", "stage: allow\nstage: harden")).message(),
      testing::HasSubstr("line 6: a double key: \"stage\" is there already"));
}

TEST(Manifest, ADecisionInAnotherFormIsShownTheRightOne) {
  for (const char* entry :
       {"file /x r: add", "\"file /x r: add\"", "{what: file /x r}"}) {
    const Error error =
        refusal(std::string(kSmall) + "decisions:\n  - " + entry + "\n");
    EXPECT_THAT(error.hint(),
                testing::HasSubstr("{what: file /etc/x r, choice"))
        << error.message();
  }
  EXPECT_THAT(refusal(std::string(kSmall) +
                      "decisions: [{what: a b, choice: add, who: a, why: b}]\n")
                  .hint(),
              testing::Not(testing::HasSubstr("{what:")));
}

// Cut short, it would be another bundle without a word.
TEST(Manifest, RefusesAFileThatEndsWithinALine) {
  const std::string yaml(kSmall);
  std::size_t taken = 0;
  for (std::size_t size = 0; size < yaml.size(); ++size) {
    const bool whole_lines = size > 0 && yaml[size - 1] == '\n';
    const auto parsed = parse_manifest(std::string_view(yaml).substr(0, size));
    EXPECT_FALSE(parsed && !whole_lines) << yaml.substr(0, size);
    taken += parsed ? 1U : 0U;
  }
  // Before or after a whole key: nothing tells that there was more.
  EXPECT_EQ(taken, 4U);
  const Error error = refusal(yaml.substr(0, yaml.size() - 1));
  EXPECT_THAT(error.message(), testing::HasSubstr("line 10: ends without"));
  EXPECT_THAT(error.hint(), testing::HasSubstr("newline"));
}

TEST(Manifest, RefusesAnotherSchema) {
  EXPECT_THAT(refusal(with("bundle/v1", "bundle/v2")).message(),
              testing::HasSubstr("is not vambrace.bundle/v1"));
}

TEST(Manifest, RefusesWaiversWithoutAPersonOrADay) {
  EXPECT_EQ(refusal(with("who: ann", "who: \"\"")).code(),
            ErrorCode::InvalidInput);
  EXPECT_EQ(refusal(with("2026-12-31", "soon")).code(),
            ErrorCode::InvalidInput);
  EXPECT_THAT(refusal(with("SYS_ADMIN", "SYS_ADMN")).message(),
              testing::HasSubstr("SYS_ADMN"));
}

// As text such a day comes after every other and would never end.
TEST(Manifest, RefusesAWaiverUntilADayThatNoCalendarHas) {
  for (const char* day :
       {"9999-99-99", "2027-02-31", "2027-13-45", "2027-00-10", "2027-04-31",
        "2027-02-29", "2027-1-011", "2027-01-1x"}) {
    const Error error = refusal(with("2026-12-31", day));
    EXPECT_EQ(error.code(), ErrorCode::InvalidInput);
    EXPECT_THAT(error.message(), testing::HasSubstr("no day of the calendar"));
    EXPECT_THAT(error.message(), testing::HasSubstr(day));
    EXPECT_THAT(error.message(), testing::HasSubstr("line "));
  }
  EXPECT_TRUE(parse_manifest(with("2026-12-31", "2028-02-29")));
}

TEST(Manifest, AnEditKeepsEveryOtherLine) {
  const std::string yaml = "# ours\n" + with("stage: allow",
                                             "stage: allow  # for now\n"
                                             "closures:\n"
                                             "- resilient libc\n"
                                             "# end of closures");
  Manifest wanted = parse_manifest(yaml).value();
  EXPECT_EQ(edit_manifest(yaml, wanted).value(), yaml);

  wanted.stage = policy::Stage::Observe;
  wanted.target = runtime::target_named("crun").value();
  wanted.closures = {"resilient libc", "arch aarch64"};
  const std::string edited = edit_manifest(yaml, wanted).value();
  EXPECT_EQ(parse_manifest(edited).value(), wanted);
  EXPECT_THAT(edited, testing::StartsWith("# ours\n"));
  EXPECT_THAT(edited, testing::HasSubstr("# end of closures\n"));
  EXPECT_THAT(edited, testing::HasSubstr("why: \"backup: mounts\""));
}

TEST(Manifest, AnEditAddsWhatWasLeftOut) {
  const std::string yaml = with("target: docker\n", "");
  Manifest wanted = parse_manifest(yaml).value();
  wanted.target = runtime::target_named("process").value();
  EXPECT_EQ(parse_manifest(edit_manifest(yaml, wanted).value()).value(),
            wanted);
}

TEST(Manifest, AnEditNamesAbstractions) {
  Manifest manifest = parse_manifest(kSmall).value();
  const std::string without = print_manifest(manifest);
  EXPECT_THAT(without, testing::Not(testing::HasSubstr("abstractions")));
  manifest.abstractions = {"openssl", "python"};
  const std::string with = edit_manifest(without, manifest).value();
  EXPECT_EQ(with, without + "abstractions:\n  - openssl\n  - python\n");
  EXPECT_EQ(parse_manifest(with).value(), manifest);
  EXPECT_EQ(parse_manifest(print_manifest(manifest)).value(), manifest);
  manifest.abstractions.clear();
  EXPECT_EQ(edit_manifest(with, manifest).value(),
            without + "abstractions: []\n");
}

TEST(Manifest, AnEditOfDecisionsKeepsWhatPeopleWroteBetweenThem) {
  const std::string yaml = with("waivers:",
                                "decisions:  # of the review in May\n"
                                "  # asked by ops\n"
                                "  - what: syscall ptrace\n"
                                "    choice: keep\n"
                                "    # inside\n"
                                "    who: ann\n"
                                "    why: debugger\n"
                                "\n"
                                "  # the next\n"
                                "  -\n"
                                "    what: syscall kill\n"
                                "    choice: drop\n"
                                "    who: bob\n"
                                "    why: never\n"
                                "# of waivers\n"
                                "waivers:");
  Manifest wanted = parse_manifest(yaml).value();
  ASSERT_EQ(wanted.decisions.size(), 2U);
  wanted.decisions.erase(wanted.decisions.begin());
  wanted.decisions.push_back({"syscall bpf", "drop", "c: d", "\"no\""});
  wanted.waivers.push_back({"syscall acct", "eve", "audit", "2027-01-31"});
  const std::string edited = edit_manifest(yaml, wanted).value();
  EXPECT_EQ(parse_manifest(edited).value(), wanted);
  for (const char* kept : {"# of the review in May\n", "# asked by ops\n",
                           "# the next\n", "# of waivers\n"}) {
    EXPECT_THAT(edited, testing::HasSubstr(kept));
  }
  EXPECT_THAT(edited, testing::Not(testing::HasSubstr("ptrace")));
}

TEST(Manifest, AnEditBeginsAndEmptiesLists) {
  Manifest manifest = parse_manifest(kSmall).value();
  manifest.decisions.clear();
  manifest.waivers.clear();
  const std::string none = print_manifest(manifest);
  manifest.decisions = {{"syscall bpf", "drop", "ann", "unused"}};
  const std::string one = edit_manifest(none, manifest).value();
  EXPECT_EQ(one, print_manifest(manifest));
  manifest.decisions.clear();
  EXPECT_EQ(edit_manifest(one, manifest).value(), none);
}

TEST(Manifest, AnEditOfAListInOneLineIsRefused) {
  const std::string yaml =
      with("waivers:",
           "decisions: [{what: syscall bpf, choice: drop, who: a, why: b}]\n"
           "waivers:");
  Manifest wanted = parse_manifest(yaml).value();
  wanted.decisions.push_back({"syscall acct", "drop", "a", "b"});
  const auto edited = edit_manifest(yaml, wanted);
  ASSERT_FALSE(edited.has_value());
  EXPECT_THAT(edited.error().message(), testing::HasSubstr("in one line"));
}

TEST(Manifest, AnEditThatCannotBeMadeIsRefused) {
  Manifest wanted = parse_manifest(kSmall).value();
  wanted.workload.id = "spiffe://local/other";
  EXPECT_FALSE(edit_manifest(kSmall, wanted).has_value());
}

TEST(Manifest, AWaiverHoldsToItsLastDay) {
  const Manifest manifest = parse_manifest(kSmall).value();
  EXPECT_EQ(waivers_on(manifest, "2026-12-31").size(), 1U);
  EXPECT_TRUE(waivers_on(manifest, "2027-01-01").empty());
}

TEST(Manifest, RoundTrips) {
  Manifest manifest = parse_manifest(kSmall).value();
  manifest.target.no_new_privs = false;
  manifest.closures = {"resilient libc"};
  manifest.probes = {"/bin/check"};
  manifest.decisions = {{"syscall ptrace", "drop", "bob", "# not: needed"}};
  const auto again = parse_manifest(print_manifest(manifest));
  ASSERT_TRUE(again) << again.error().message();
  EXPECT_EQ(*again, manifest);
}

TEST(Manifest, TheTargetsHostsMayOrMayNotHaveAppArmor) {
  EXPECT_EQ(parse_manifest(kSmall)->target.apparmor, std::nullopt);
  for (const bool has_it : {false, true}) {
    Manifest manifest =
        parse_manifest(
            with("target: docker",
                 fmt::format("target: {{name: docker, apparmor: {}}}", has_it)))
            .value();
    EXPECT_EQ(manifest.target.apparmor, has_it);
    EXPECT_EQ(parse_manifest(print_manifest(manifest)).value(), manifest);
  }
}

RC_GTEST_PROP(YamlQuoted, RoundTripsPrintableText, ()) {
  const auto text =
      *rc::gen::container<std::string>(rc::gen::inRange<char>(0x20, 0x7f));
  const auto node = parse_yaml("key: " + yaml_quoted(text) + "\n");
  RC_ASSERT(node.has_value());
  RC_ASSERT((*node)["key"].Scalar() == text);
}

TEST(WriteBundle, LeavesEqualFilesAlone) {
  MemoryFiles files;
  ASSERT_TRUE(write_bundle(files, "b", {{"x", "1"}, {"y", "2"}}));
  EXPECT_THAT(write_bundle(files, "b", {{"x", "1"}, {"y", "3"}}).value(),
              testing::ElementsAre("y"));
}

TEST(WriteBundle, AFullDiskLeavesTheOldBundle) {
  MemoryFiles files;
  files.files = {{"b/x", "old"}};
  files.writes_until_full = 1;
  EXPECT_FALSE(write_bundle(files, "b", {{"x", "new"}, {"y", "new"}}));
  EXPECT_EQ(files.files, (std::map<std::string, std::string>{{"b/x", "old"}}));
}

TEST(WriteBundle, PutsWhatIsMadeOfOthersAfterThem) {
  MemoryFiles files;
  const std::vector<std::string> names =
      write_bundle(files, "b",
                   {{"CHANGELOG.md", "1"},
                    {"apparmor.profile", "1"},
                    {"bundle.yaml", "1"},
                    {"evidence/x.json", "1"},
                    {"layers/runc.json", "1"},
                    {"policy.json", "1"},
                    {"seccomp.json", "1"}})
          .value();
  EXPECT_TRUE(std::ranges::is_sorted(names));
  EXPECT_THAT(files.written,
              ElementsAre("b/evidence/x.json", "b/layers/runc.json",
                          "b/CHANGELOG.md", "b/bundle.yaml", "b/policy.json",
                          "b/apparmor.profile", "b/seccomp.json"));
}

TEST(UnfinishedFiles, AreWhatAKilledSynthLeftInTheFoldersOfABundle) {
  MemoryFiles files;
  files.files = {{"b/.policy.json.vambrace-Ab12Cd", ""},
                 {"b/evidence/.x.json.vambrace-Ab12Cd", ""},
                 {"b/layers/.runc.json.vambrace-Ab12Cd", ""},
                 {"b/mine/.x.json.vambrace-Ab12Cd", ""},
                 {"b/.policy.json.Ab12Cd", ""},
                 {"b/policy.json", ""}};
  EXPECT_THAT(unfinished_files(files, "b"),
              ElementsAre(".policy.json.vambrace-Ab12Cd",
                          "evidence/.x.json.vambrace-Ab12Cd",
                          "layers/.runc.json.vambrace-Ab12Cd"));
  remove_unfinished(files, "b");
  EXPECT_THAT(unfinished_files(files, "b"), IsEmpty());
  EXPECT_EQ(files.files.size(), 3U);
  EXPECT_THAT(unfinished_files(files, "none"), IsEmpty());
}

TEST(LoadBundle, SaysHowToMakeOne) {
  const MemoryFiles files;
  const auto bundle = load_bundle(files, "none");
  ASSERT_FALSE(bundle);
  EXPECT_THAT(bundle.error().hint(), testing::HasSubstr("vambrace synth"));
}

// A bundle with one waiver, as it was rendered while that held.
Bundle rendered() {
  constexpr std::uint32_t kSysAdmin = 21;
  Bundle bundle{.directory = "/b"};
  bundle.manifest.target = *runtime::target_named("docker");
  bundle.manifest.waivers = {{.what = "capability CAP_SYS_ADMIN",
                              .who = "ada",
                              .why = "mounts its own disks",
                              .until = "2026-06-30"}};
  bundle.policy.arches = {kernel::Arch::X86_64};
  bundle.policy.capabilities = {
      {.number = kSysAdmin, .uses = {"mount (x)"}, .reasons = {}}};
  const auto layers = render(bundle.policy, bundle.manifest.target,
                             bundle.manifest.stage, {kSysAdmin}, nullptr);
  EXPECT_TRUE(layers) << layers.error().message();
  bundle.rendered = layers->contents;
  bundle.capabilities = {kSysAdmin};
  return bundle;
}

TEST(EditedLayers, AreNoneOfABundleAsRendered) {
  EXPECT_THAT(edited_layers(rendered(), "2026-06-30").value(), IsEmpty());
  EXPECT_THAT(edited_layers(rendered(), "2026-07-01").value(), IsEmpty())
      << "a waiver that has ended edits nothing";
}

TEST(EditedLayers, AreNamed) {
  Bundle bundle = rendered();
  bundle.rendered["seccomp.json"] += " ";
  EXPECT_THAT(edited_layers(bundle, "2026-06-30").value(),
              ElementsAre("seccomp.json"));
  bundle = rendered();
  bundle.capabilities.push_back(12);
  bundle.rendered["capabilities.json"] = policy::capabilities::print(
      {.target = "docker", .stage = policy::Stage::Harden, .add = {12, 21}});
  EXPECT_THAT(edited_layers(bundle, "2026-06-30").value(),
              ElementsAre("capabilities.json"));
  bundle = rendered();
  bundle.capabilities.clear();
  bundle.rendered["capabilities.json"] = policy::capabilities::print(
      {.target = "docker", .stage = policy::Stage::Harden, .refused = {21}});
  EXPECT_THAT(edited_layers(bundle, "2026-06-30").value(),
              ElementsAre("capabilities.json"))
      << "the waiver that holds is not in it";
  bundle = rendered();
  bundle.rendered["apparmor.profile"] += "profile more { }\n";
  EXPECT_THAT(edited_layers(bundle, "2026-06-30").value(),
              ElementsAre("apparmor.profile"));
  bundle = rendered();
  bundle.manifest.stage = policy::Stage::Observe;
  EXPECT_THAT(
      edited_layers(bundle, "2026-06-30").value(),
      ElementsAre("apparmor.profile", "capabilities.json", "seccomp.json"));
}

}  // namespace
}  // namespace vambrace::repository
