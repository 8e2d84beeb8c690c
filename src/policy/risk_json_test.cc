#include "policy/risk_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "base/json.h"

namespace vambrace::policy {
namespace {

using json::Value;
using testing::HasSubstr;

Value entry(const std::string& key, const std::string& name) {
  return {{key, name},
          {"class", "high"},
          {"exposes", "something"},
          {"sources", {"mount(2)"}}};
}

Value argument(const std::string& call, const std::string& name,
               const std::string& value) {
  Value out = entry("name", name);
  out["call"] = call;
  out["index"] = 0;
  out["mask"] = "0xffffffff";
  out["value"] = value;
  return out;
}

Value advisory(const std::string& id, Value needs) {
  return {{"id", id},
          {"subsystem", "net/packet"},
          {"what", "a race"},
          {"needs", std::move(needs)},
          {"sources", {"somewhere"}}};
}

// One of everything.
Value small() {
  Value needs = Value::array();
  needs.push_back(Value::array({{{"call", "socket"}, {"argument", "AF_A"}}}));
  needs.push_back(
      Value::array({{{"capability", "CAP_NET_RAW"}}, {{"call", "unshare"}}}));
  return {
      {"schema", "vambrace.risks/v1"},
      {"version", "1"},
      {"syscalls", {entry("name", "mount"), entry("name", "socket")}},
      {"capabilities", {entry("name", "CAP_KILL")}},
      {"arguments",
       {argument("socket", "AF_A", "0x1"), argument("socket", "AF_B", "0x2")}},
      {"accesses", {entry("name", "mount")}},
      {"paths", {entry("path", "/etc/shadow*")}},
      {"equivalents",
       {{{"call", "clone"}, {"by", {"clone3"}}, {"why", "the same"}}}},
      {"covered",
       {{{"call", "fchmod"}, {"by", {"chmod", "fchmodat"}}, {"why", "less"}}}},
      {"advisories",
       {advisory("CVE-2016-8655", needs),
        advisory("CVE-2016-10229", Value::array())}}};
}

std::string fault_of(const Value& value) {
  const auto table = parse_risks(json::print(value));
  if (table) {
    return "";
  }
  EXPECT_EQ(table.error().code(), ErrorCode::InvalidInput);
  return table.error().message();
}

TEST(RisksJson, ThatShipParseAndPrintToTheSame) {
  const RiskTable& shipped = builtin_risks();
  EXPECT_EQ(shipped.version, "2026-11-30");
  const auto again = parse_risks(print_risks(shipped));
  ASSERT_TRUE(again) << again.error().message();
  EXPECT_EQ(*again, shipped);
}

TEST(RisksJson, OfASmallTableAreReadWhole) {
  const auto table = parse_risks(json::print(small()));
  ASSERT_TRUE(table) << table.error().message();
  EXPECT_EQ(risk_of(*table, "mount")->exposes, "something");
  EXPECT_EQ(risk_of(*table, "read"), nullptr);
  EXPECT_EQ(table->capabilities.begin()->first, 5U);
  EXPECT_EQ(risk_of_value(*table, "socket", "AF_B")->match,
            (ArgMatch{0, 0xffffffff, 2}));
  ASSERT_EQ(table->advisories.size(), 2U);
  EXPECT_EQ(table->advisories[0].needs[1][0].capability, 13U);
  EXPECT_EQ(table->advisories[1].needs.size(), 0U);
}

TEST(RisksJson, OfAnEmptyTableAreAllUnknown) {
  Value value = small();
  for (const char* list : {"syscalls", "capabilities", "arguments", "accesses",
                           "paths", "equivalents", "covered", "advisories"}) {
    value[list] = Value::array();
  }
  const auto table = parse_risks(json::print(value));
  ASSERT_TRUE(table) << table.error().message();
  EXPECT_EQ(*table, RiskTable{.version = "1"});
}

TEST(RisksJson, OfOldTablesTellOfNoCallThatAnotherCovers) {
  Value value = small();
  EXPECT_THAT(covering(*parse_risks(json::print(value)), "fchmod"),
              testing::ElementsAre("chmod", "fchmodat"));
  EXPECT_TRUE(covering(*parse_risks(json::print(value)), "chmod").empty());
  value["covered"][0]["by"][1] = "chmod";
  EXPECT_THAT(fault_of(value), HasSubstr("covered[0].by: empty, not sorted"));
  value.erase("covered");
  EXPECT_TRUE(covering(*parse_risks(json::print(value)), "fchmod").empty());
}

TEST(RisksJson, OfUnknownNamesNameThePlaceAndTheNearest) {
  Value value = small();
  value["syscalls"][1]["name"] = "sockt";
  EXPECT_THAT(fault_of(value),
              AllOf(HasSubstr("line "), HasSubstr("syscalls[1].name: "),
                    HasSubstr("did you mean \"socket\"?")));
  value = small();
  value["capabilities"][0]["name"] = "KILL";
  EXPECT_THAT(fault_of(value), HasSubstr("unknown capability \"KILL\""));
  value = small();
  value["accesses"][0]["name"] = "mounts";
  EXPECT_THAT(fault_of(value), HasSubstr("accesses[0].name: unknown kind"));
  value = small();
  value["advisories"][0]["needs"][1][1]["call"] = "unshar";
  EXPECT_THAT(fault_of(value),
              HasSubstr("advisories[0].needs[1][1].call: unknown system call"));
}

TEST(RisksJson, ThatAreNotSortedOrTwiceAreRefused) {
  for (const char* list : {"syscalls", "arguments", "advisories"}) {
    Value value = small();
    std::swap(value[list][0], value[list][1]);
    EXPECT_THAT(fault_of(value), HasSubstr("not sorted, or twice")) << list;
    value = small();
    value[list][1] = value[list][0];
    EXPECT_THAT(fault_of(value), HasSubstr("not sorted, or twice")) << list;
  }
  Value value = small();
  value["arguments"][1]["name"] = "AF_A";
  EXPECT_THAT(fault_of(value), HasSubstr("socket names AF_A twice"));
  value = small();
  std::swap(value["advisories"][0]["needs"][1][0],
            value["advisories"][0]["needs"][1][1]);
  EXPECT_THAT(fault_of(value),
              HasSubstr("advisories[0].needs[1][1]: not sorted, or twice"));
}

TEST(RisksJson, SortAdvisoriesByNumberAndNotByLetters) {
  Value value = small();  // CVE-2016-8655 before CVE-2016-10229
  EXPECT_EQ(fault_of(value), "");
}

TEST(RisksJson, WithoutASourceOrWordsAreRefused) {
  Value value = small();
  value["syscalls"][0]["sources"] = Value::array();
  EXPECT_THAT(fault_of(value),
              HasSubstr("syscalls[0].sources: names no source"));
  value = small();
  value["syscalls"][0]["exposes"] = "";
  EXPECT_THAT(fault_of(value), HasSubstr("syscalls[0].exposes: empty"));
  value = small();
  value["syscalls"][0]["exposes"] = "\x1b[2J";
  EXPECT_THAT(fault_of(value), HasSubstr("do not print"));
  value = small();
  value["syscalls"][0]["exposes"] = std::string(401, 'x');
  EXPECT_THAT(fault_of(value), HasSubstr("longer than 400 bytes"));
}

TEST(RisksJson, OfAnotherClassAreRefused) {
  for (const char* word : {"unknown", "critical", "HIGH", ""}) {
    Value value = small();
    value["syscalls"][0]["class"] = word;
    EXPECT_THAT(fault_of(value),
                HasSubstr("syscalls[0].class: \"" + std::string(word) +
                          "\" is none of low, medium, high"));
  }
}

TEST(RisksJson, OfStepsThatNoEntryExplainsAreRefused) {
  Value value = small();
  value["advisories"][0]["needs"][0][0]["argument"] = "AF_C";
  EXPECT_THAT(
      fault_of(value),
      HasSubstr(
          "advisories[0].needs[0]: the arguments have no AF_C of socket"));
}

TEST(RisksJson, OfStepsThatAreNotOneThingAreRefused) {
  for (const Value& step :
       {Value::object(), Value{{"argument", "AF_A"}},
        Value{{"capability", "CAP_KILL"}, {"call", "socket"}},
        Value{{"capability", "CAP_KILL"}, {"argument", "AF_A"}}}) {
    Value value = small();
    value["advisories"][0]["needs"][0][0] = step;
    EXPECT_THAT(fault_of(value), HasSubstr("is not one call or one capability"))
        << step.dump();
  }
  Value value = small();
  value["advisories"][0]["needs"][0] = Value::array();
  EXPECT_THAT(fault_of(value), HasSubstr("needs[0]: no step does it"));
}

TEST(RisksJson, OfValuesThatNoArgumentHasAreRefused) {
  Value value = small();
  value["arguments"][0]["mask"] = "0x2";
  EXPECT_THAT(fault_of(value), HasSubstr("the mask never lets through"));
  value = small();
  value["arguments"][0]["index"] = 6;
  EXPECT_THAT(fault_of(value), HasSubstr("an index above 5"));
  for (const char* word : {"1", "0x", "0x1 ", "0x10000000000000000", "-0x1"}) {
    value = small();
    value["arguments"][0]["value"] = word;
    EXPECT_THAT(fault_of(value), HasSubstr("not a number such as \"0x1f\""))
        << word;
  }
}

TEST(RisksJson, OfOtherNumbersThanThoseOfAdvisoriesAreRefused) {
  for (const char* id :
       {"CVE-2016-865", "cve-2016-8655", "CVE-16-8655", "CVE-2016-08655",
        "CVE-2016-8655x", "CVE-2016-99999999", "GHSA-2016-8655"}) {
    Value value = small();
    value["advisories"][0]["id"] = id;
    EXPECT_THAT(fault_of(value), HasSubstr("advisories[0].id: not a number"))
        << id;
  }
}

TEST(RisksJson, WithUnknownOrMissingKeysAreRefused) {
  Value value = small();
  value["syscalls"][0]["clas"] = "low";
  EXPECT_THAT(fault_of(value), HasSubstr("syscalls[0].clas: unknown key"));
  value = small();
  value.erase("paths");
  EXPECT_THAT(fault_of(value), HasSubstr("the key \"paths\" is missing"));
}

TEST(RisksJson, AboveTheirLimitsAreRefused) {
  const auto large = parse_risks(std::string((4U << 20) + 1, ' '));
  ASSERT_FALSE(large);
  EXPECT_THAT(large.error().message(), HasSubstr("above 4194304"));
  Value value = small();
  value["syscalls"][0]["sources"] = std::vector<std::string>(65, "x");
  EXPECT_THAT(fault_of(value), HasSubstr("more than 64"));
}

TEST(RisksJson, OfPathsThatAreNoneAreRefused) {
  for (const char* path : {"etc/shadow", "/etc/", "*"}) {
    Value value = small();
    value["paths"][0]["path"] = path;
    EXPECT_THAT(fault_of(value), HasSubstr("paths[0].path: not a path"))
        << path;
  }
}

// The indented lines below "## Example" of docs/formats/risks.md.
std::string worked_example() {
  std::ifstream page(VAMBRACE_SOURCE_DIR "/docs/formats/risks.md");
  std::string out;
  bool in_example = false;
  for (std::string line; std::getline(page, line);) {
    in_example = in_example || line == "## Example";
    if (in_example && line.starts_with("    ")) {
      out += line + "\n";
    }
  }
  return out;
}

TEST(RisksJson, OfTheWorkedExampleSayWhatThePageSays) {
  const auto table = parse_risks(worked_example());
  ASSERT_TRUE(table) << table.error().message();
  EXPECT_EQ(table->syscalls.size(), 2U);
  EXPECT_EQ(level_of(risk_of(*table, "read")), RiskClass::Unknown);
  EXPECT_EQ(level_of(risk_of_path(*table, "/proc/sys/kernel/dmesg_restrict")),
            RiskClass::High);
  EXPECT_EQ(table->advisories.at(0).needs.size(), 3U);
}

}  // namespace
}  // namespace vambrace::policy
