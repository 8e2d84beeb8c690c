#include "evidence/json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "base/json.h"
#include "evidence/generated.h"
#include "host/disk_files.h"

namespace vambrace::evidence {
namespace {

using testing::HasSubstr;

RC_GTEST_PROP(EvidenceJsonProperty, RoundTrips, ()) {
  const std::vector<Evidence> all = {generated::one(1), generated::one(2)};
  const Evidence evidence = generated::subset(all, 3);
  const std::string text = print(evidence);
  const auto back = parse(text);
  RC_ASSERT(back.has_value());
  RC_ASSERT(*back == evidence);
  RC_ASSERT(print(*back) == text);
  // It is JSON, and other writers' order of keys and white space do not matter.
  const auto tree = json::parse(text);
  RC_ASSERT(tree.has_value());
  RC_ASSERT(parse(json::print(*tree)).value() == evidence);
}

RC_GTEST_PROP(EvidenceJsonProperty, AnyChangedByteIsRefusedOrRead, ()) {
  const Evidence evidence = generated::one(1);
  std::string text = print(evidence);
  for (int i = 0; i < 10; ++i) {
    std::string broken = text;
    broken[*rc::gen::inRange<std::size_t>(0, text.size())] =
        *rc::gen::arbitrary<char>();
    const auto back = parse(broken);
    const bool sound = !back || parse(print(*back)).value() == *back;
    RC_ASSERT(sound);
  }
}

constexpr const char* kId = "0123456789abcdef0123456789abcdef";

Evidence small() {
  Evidence out;
  out.workload = {"spiffe://local/web", "web", "team"};
  Recording recording;
  recording.id = kId;
  out.recordings = {recording};
  Process process;
  process.key.exe = "/bin/web";
  process.syscalls = {
      {.syscall = {kernel::Arch::X86_64, 0},
       .by = {{kId, Share{.count = 3,
                          .phases = {{"all", 3}},
                          .errnos = {{"EAGAIN", 2}}}}}},
      {.syscall = {kernel::Arch::X86_64, 41},
       .args = Arguments{.tuples = {{2, 1, 0}}},
       .by = {{kId, Share{.count = 1, .phases = {{"all", 1}}, .denied = 1}}}}};
  process.capabilities = {
      {.number = 10,
       .during = kernel::Syscall{kernel::Arch::X86_64, 49},
       .functions = {"inet_bind"},
       .user_namespace = "initial",
       .by = {{kId, Share{.count = 1, .phases = {{"all", 1}}}}}}};
  out.processes = {process};
  return canonical(out);
}

// The small document with one piece of text replaced.
std::string changed(std::string_view from, std::string_view to) {
  std::string text = print(small());
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from << " in\n" << text;
  return text.replace(at, from.size(), to);
}

std::string why(const std::string& text) {
  const auto result = parse(text);
  return result ? "accepted" : result.error().message();
}

TEST(EvidenceJson, HasTheFieldsThatOtherProgramsRelyOn) {
  const json::Value tree = json::parse(print(small())).value();
  EXPECT_EQ(tree["schema"], "vambrace.evidence/v1");
  EXPECT_EQ(tree["verdict"]["state"], "complete");
  const json::Value& process = tree["processes"][0];
  EXPECT_EQ(process["exe"], "/bin/web");
  EXPECT_TRUE(process["build_id"].is_null());
  EXPECT_EQ(process["origin"], "app");
  const json::Value& read = process["syscalls"][0];
  EXPECT_EQ(read["arch"], "x86_64");
  EXPECT_EQ(read["nr"], 0);
  EXPECT_EQ(read["name"], "read");
  EXPECT_EQ(read["count"], 3);
  EXPECT_EQ(read["errnos"]["EAGAIN"], 2);
  EXPECT_EQ(read["denied"], 0);
  EXPECT_FALSE(read.contains("args"));
  EXPECT_EQ(read["by"][kId]["phases"]["all"], 3);
  const json::Value& socket = process["syscalls"][1];
  EXPECT_EQ(socket["args"], json::Value::parse(R"([["0x2","0x1","0x0"]])"));
  EXPECT_EQ(socket["denied_args"], "unbounded");
  const json::Value& capability = process["capabilities"][0];
  EXPECT_EQ(capability["name"], "CAP_NET_BIND_SERVICE");
  EXPECT_EQ(capability["granted"], 1);
  EXPECT_EQ(capability["refused"], 0);
  EXPECT_EQ(capability["audited"], "unknown");
  EXPECT_EQ(capability["during"]["name"], "bind");
}

TEST(EvidenceJson, TellsAnUnknownBuildIdFromNone) {
  Evidence evidence = small();
  evidence.processes[0].key.build_id = "";
  EXPECT_THAT(print(evidence), HasSubstr("\"build_id\": \"\""));
  EXPECT_EQ(parse(print(evidence))->processes[0].key.build_id, "");
  evidence.processes[0].key.build_id = std::nullopt;
  EXPECT_THAT(print(evidence), HasSubstr("\"build_id\": null"));
}

TEST(EvidenceJson, ReadsEvidenceFromBeforeMountsAndTracesWereKnown) {
  std::string text = print(small());
  const std::string lists = ",\n      \"mounts\": [],\n      \"traces\": []";
  ASSERT_THAT(text, HasSubstr(lists));
  text.erase(text.find(lists), lists.size());
  const auto old = parse(text);
  ASSERT_TRUE(old) << old.error().message();
  EXPECT_EQ(*old, small());
  EXPECT_FALSE(old->recordings[0].probes.contains(std::string(kMountProbe)));
}

TEST(EvidenceJson, TellsAnUnknownMountFromNone) {
  Evidence evidence = small();
  const By by = {{kId, Share{.count = 1, .phases = {{"all", 1}}}}};
  MountFact fact{.operation = "bind",
                 .fstype = "",
                 .options = {"rbind"},
                 .source = std::nullopt,
                 .target = "/x/",
                 .by = by};
  evidence.processes[0].mounts = {fact};
  const std::string text = print(evidence);
  EXPECT_THAT(text, HasSubstr("\"source\": null, \"target\": \"/x/\""));
  EXPECT_EQ(parse(text)->processes[0].mounts, std::vector{fact});
  const auto with = [&](std::string_view from, std::string_view to) {
    std::string other = text;
    return why(other.replace(other.find(from), from.size(), to));
  };
  EXPECT_THAT(with("ion\": \"bind\"", "ion\": \"bound\""),
              HasSubstr("operation"));
  EXPECT_THAT(with("[\"rbind\"]", "[\"rw\", \"ro\"]"),
              HasSubstr("options: not sorted"));
  EXPECT_THAT(with("\"/x/\"", "\"\""), HasSubstr("an empty target"));
}

TEST(EvidenceJson, NamesTheProgramOfATraceInTheScopeAlone) {
  Evidence evidence = small();
  const By by = {{kId, Share{.count = 1, .phases = {{"all", 1}}}}};
  evidence.processes[0].traces = {
      {.access = "read", .other = Side::Program, .exe = "/bin/a", .by = by},
      {.access = "trace", .other = Side::Outside, .exe = "", .by = by}};
  const std::string text = print(evidence);
  EXPECT_EQ(parse(text), evidence);
  const auto with = [&](std::string_view from, std::string_view to) {
    std::string other = text;
    return why(other.replace(other.find(from), from.size(), to));
  };
  EXPECT_THAT(with("\"program\"", "\"unknown\""),
              HasSubstr("exe: of no program of the scope"));
  EXPECT_THAT(with("\"outside\"", "\"inside\""), HasSubstr("unknown word"));
  EXPECT_THAT(with("\"access\": \"read\"", "\"access\": \"write\""),
              HasSubstr("neither read nor trace"));
}

TEST(EvidenceJson, RefusesAnotherSchemaVersionWithAHint) {
  const auto result = parse(changed("evidence/v1", "evidence/v2"));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code(), ErrorCode::InvalidInput);
  EXPECT_THAT(result.error().message(), HasSubstr("evidence/v2"));
  EXPECT_THAT(result.error().hint(), HasSubstr("vambrace.evidence/v1"));
  // Also where the other version has keys that this one does not know.
  EXPECT_THAT(why("{\"new\": 1, \"schema\": \"vambrace.evidence/v9\"}"),
              HasSubstr("unknown version \"vambrace.evidence/v9\""));
  EXPECT_THAT(why("{\"schema\": \"vambrace.policy/v1\"}"),
              HasSubstr("not vambrace evidence"));
}

TEST(EvidenceJson, RefusesTotalsThatAreNotTheSumOfTheirShares) {
  EXPECT_EQ(why(changed("\"count\": 3, \"phases\": {\"all\": 3}, "
                        "\"errnos\": {\"EAGAIN\": 2}, \"denied\": 0, \"by\"",
                        "\"count\": 4, \"phases\": {\"all\": 3}, "
                        "\"errnos\": {\"EAGAIN\": 2}, \"denied\": 0, \"by\"")),
            "line 37: processes[0].syscalls[0]: the totals are not the sum of "
            "the shares");
  EXPECT_THAT(
      why(changed("{\"count\": 3, \"phases\"", "{\"count\": 4, \"phases\"")),
      HasSubstr("phases: do not add up"));
  EXPECT_THAT(why(changed("\"granted\": 1", "\"granted\": 2")),
              HasSubstr("totals"));
}

TEST(EvidenceJson, RefusesHostileValuesWithTheirPlace) {
  EXPECT_THAT(why(changed("\"EAGAIN\": 2", "\"EVERYTHING\": 2")),
              HasSubstr("processes[0].syscalls[0]"));
  EXPECT_THAT(why(changed("\"nr\": 0", "\"nr\": 4294967296")),
              HasSubstr("nr: the number does not fit in 32 bits"));
  EXPECT_THAT(why(changed("\"count\": 3", "\"count\": 18446744073709551616")),
              HasSubstr("64 bits"));
  EXPECT_THAT(why(changed("\"count\": 3", "\"count\": -3")),
              HasSubstr("not an unsigned number"));
  EXPECT_THAT(why(changed("\"0x2\"", "\"0x02\"")), HasSubstr("0x1f"));
  EXPECT_THAT(why(changed("\"0x2\"", "\"2\"")), HasSubstr("0x1f"));
  EXPECT_THAT(why(changed("\"0x2\"", "\"0x100000002\"")),
              HasSubstr("wider than what the kernel reads"));
  EXPECT_THAT(why(changed("\"0x2\", ", "")), HasSubstr("2 values"));
  EXPECT_THAT(why(changed("\"name\": \"read\"", "\"name\": \"write\"")),
              HasSubstr("x86_64 number 0 is read"));
  EXPECT_THAT(why(changed("CAP_NET_BIND_SERVICE", "CAP_CHOWN")),
              HasSubstr("capability 10 is CAP_NET_BIND_SERVICE"));
  EXPECT_THAT(why(changed("\"origin\": \"app\"", "\"origin\": \"root\"")),
              HasSubstr("origin: unknown word"));
  EXPECT_THAT(why(changed("\"arch\": \"x86_64\", \"nr\": 0",
                          "\"arch\": \"vax\", \"nr\": 0")),
              HasSubstr("arch: unknown word"));
  EXPECT_THAT(
      why(changed("\"state\": \"complete\"", "\"state\": \"filtered\"")),
      HasSubstr("the gaps do not give this verdict"));
  EXPECT_THAT(why(changed(kId, "0123456789ABCDEF0123456789ABCDEF")),
              HasSubstr("not 32 lower-case hex digits"));
  EXPECT_THAT(why(changed("\"unbounded\"", "\"any\"")),
              HasSubstr("not \"unbounded\""));
  EXPECT_THAT(why(changed("1970-01-01T00:00:00.000000Z", "yesterday")),
              HasSubstr("not a time"));
}

TEST(EvidenceJson, RefusesFilesWithoutAPathOrWithUnknownAccess) {
  const auto refusal = [](std::string path, std::string access) {
    Evidence evidence = small();
    evidence.processes[0].files = {
        {.path = std::move(path),
         .access = std::move(access),
         .by = {{kId, Share{.count = 1, .phases = {{"all", 1}}}}}}};
    return why(print(evidence));
  };
  EXPECT_EQ(refusal("/x\n\xff", "acikmoprwx"), "accepted");
  EXPECT_THAT(refusal("", "r"), HasSubstr("path: empty"));
  EXPECT_THAT(refusal(std::string("/x\0y", 4), "r"), HasSubstr("NUL"));
  EXPECT_THAT(refusal("/x", ""), HasSubstr("access: not some of"));
  EXPECT_THAT(refusal("/x", "wr"), HasSubstr("in that order"));
  EXPECT_THAT(refusal("/x", "rr"), HasSubstr("in that order"));
  EXPECT_THAT(refusal("/x", "rz"), HasSubstr("\"acdiklmoprwx\""));
}

TEST(EvidenceJson, RefusesUnknownMissingAndDoubleKeys) {
  EXPECT_THAT(why(changed("\"owner\"", "\"ovner\"")),
              HasSubstr("workload.ovner: unknown key"));
  EXPECT_THAT(why(changed(", \"owner\": \"team\"", "")),
              HasSubstr("workload: the key \"owner\" is missing"));
  EXPECT_THAT(why(changed("\"owner\": \"team\"",
                          "\"owner\": \"team\", \"owner\": \"x\"")),
              HasSubstr("workload.owner: appears twice"));
  EXPECT_THAT(why(changed("{\"EAGAIN\": 2}", "{\"EAGAIN\": 1, \"EAGAIN\": 1}")),
              HasSubstr("appears twice"));
}

TEST(EvidenceJson, RefusesFactsOutOfOrderOrOfUnknownRecordings) {
  Evidence evidence = small();
  const std::string text = print(evidence);
  // The two system calls swapped.
  const std::size_t first = text.find("        {\"arch\"");
  const std::size_t second = text.find("        {\"arch\"", first + 1);
  const std::size_t end = text.find("\n", second);
  const std::string swapped =
      text.substr(0, first) + text.substr(second, end - second) + ",\n" +
      text.substr(first, second - first - 2) + text.substr(end);
  EXPECT_THAT(why(swapped), HasSubstr("syscalls[1]: not in order"));

  evidence.recordings[0].id = "ffffffffffffffffffffffffffffffff";
  EXPECT_THAT(why(print(evidence)), HasSubstr("list of recordings lacks"));
}

TEST(EvidenceJson, RefusesARecordingThatIsBothFoldedAndOnItsOwn) {
  Evidence evidence = small();
  Recording folded;
  folded.id = "ffffffffffffffffffffffffffffffff";
  folded.folded = {kId, "1123456789abcdef0123456789abcdef"};
  evidence.recordings.push_back(folded);
  EXPECT_THAT(why(print(evidence)), HasSubstr("there twice, once folded"));
}

TEST(EvidenceJson, RefusesTruncationAtEveryByte) {
  const std::string text = print(small());
  ASSERT_EQ(why(text), "accepted");
  // The last byte is the newline.
  for (std::size_t length = 0; length + 1 < text.size(); ++length) {
    ASSERT_NE(why(text.substr(0, length)), "accepted") << length;
  }
}

TEST(EvidenceJson, RefusesDeepNestingWithoutFollowingIt) {
  const std::string deep(1'000'000, '[');
  EXPECT_THAT(why(changed("\"gaps\": []", "\"gaps\": " + deep)),
              HasSubstr("'{' expected"));
  EXPECT_NE(why(deep), "accepted");
}

TEST(EvidenceJson, AcceptsNamesOfOtherVersions) {
  // Older versions knew no name, newer ones may know more.
  EXPECT_EQ(why(changed("\"name\": \"read\"", "\"name\": \"syscall_0\"")),
            "accepted");
  EXPECT_EQ(why(changed("\"nr\": 0, \"name\": \"read\"",
                        "\"nr\": 9, \"name\": \"mmap\"")),
            "accepted");
  Evidence evidence = small();
  evidence.processes[0].syscalls[1].syscall.nr = 4000;
  evidence = canonical(evidence);
  std::string text = print(evidence);
  const std::string label = "syscall_4000";
  text.replace(text.find(label), label.size(), "brand_new");
  EXPECT_EQ(parse(text).value(), evidence);
}

TEST(EvidenceJson, PrintsTheDocumentedExampleBackByteForByte) {
  const auto text = DiskFiles().read(VAMBRACE_SOURCE_DIR
                                     "/src/evidence/testdata/example.json");
  ASSERT_TRUE(text) << text.error().message();
  const auto evidence = parse(*text);
  ASSERT_TRUE(evidence) << evidence.error().message();
  EXPECT_EQ(print(*evidence), *text);
  EXPECT_EQ(verdict(*evidence).state, State::Incomplete);
}

TEST(EvidenceJson, ReadsUnwatchedArgumentsAsAny) {
  const auto result =
      parse(changed(", \"args\": [[\"0x2\", \"0x1\", \"0x0\"]]", ""));
  ASSERT_TRUE(result) << result.error().message();
  EXPECT_TRUE(result->processes[0].syscalls[1].args->unbounded);
}

}  // namespace
}  // namespace vambrace::evidence
