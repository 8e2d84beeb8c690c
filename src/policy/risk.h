#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "policy/policy.h"

// What each grant exposes, as a table with sources. It is data: risks.json
// ships in the binary, and a user's own file can stand in its place
// (risk_json.h reads both, docs/formats/risks.md). What a table leaves out is
// unknown, never low. advisories.h asks what its advisories say of a policy.
namespace vambrace::policy {

// Ascending, so that the greater of two is the one to look at first: of what is
// unknown nobody has said that it is harmless, but of what is high somebody has
// said that it is not.
enum class RiskClass : std::uint8_t {
  Low,      // nearly every program needs it, or it gives little
  Medium,   // more of the kernel, or of the workload's own processes and files
  Unknown,  // the table does not say; no entry has this class
  High,     // beyond the workload, or kernel code with a bad record
};

// "low", "medium", "unknown", "high".
std::string_view to_string(RiskClass level);
// nullopt for other words, "unknown" among them: it is not for a table to say.
std::optional<RiskClass> risk_class_from(std::string_view name);

struct Risk {
  RiskClass level = RiskClass::High;
  // What a compromised workload gains from it, as half a sentence.
  std::string exposes;
  // Manual pages ("mount(2)"), kernel documentation and files
  // ("Documentation/...", "kernel/acct.c"). At least one.
  std::vector<std::string> sources;
  // No container workload has a use for it: may kill the process on request.
  bool never_legitimate = false;
  auto operator<=>(const Risk&) const = default;
};

// Unknown for nullptr: what the questions below answer for what is left out.
RiskClass level_of(const Risk* risk);

// One value of one argument, for calls that are more than one door.
struct ArgumentRisk {
  std::string call;
  ArgMatch match;
  std::string name;  // "AF_PACKET"; each once in a call
  Risk risk;
  auto operator<=>(const ArgumentRisk&) const = default;
};

// One way to take a step that an advisory needs.
struct AdvisoryStep {
  // Either a call, if `argument` is not empty with that value of `arguments`,
  std::string call;
  std::string argument;
  // or a capability over the namespace that owns the object.
  std::optional<std::uint32_t> capability;
  auto operator<=>(const AdvisoryStep&) const = default;
};

// A published vulnerability of the kernel that system calls reach.
struct Advisory {
  std::string id;         // "CVE-2016-8655"
  std::string subsystem;  // "net/packet"
  std::string what;       // half a sentence
  // All of them are needed, and of each any one step does. Empty: no way to it
  // by a system call is known, so a filter is not known to stop it.
  std::vector<std::vector<AdvisoryStep>> needs;
  std::vector<std::string> sources;
  auto operator<=>(const Advisory&) const = default;
};

// What one call does, others do as well: io_uring_enter opens sockets, clone3
// makes namespaces, and no filter sees with which values.
struct Equivalent {
  std::string call;
  std::vector<std::string> by;  // sorted, at least one
  std::string why;
  auto operator<=>(const Equivalent&) const = default;
};

// All lists are sorted and without doubles.
struct RiskTable {
  std::string version;  // "2026-11-30": when it was last changed
  std::map<std::string, Risk, std::less<>> syscalls;  // of any architecture
  std::map<std::uint32_t, Risk> capabilities;
  std::vector<ArgumentRisk> arguments;  // by call, index, mask, value
  // Kinds of rules that only AppArmor decides on: one of kAccessKinds.
  std::map<std::string, Risk, std::less<>> accesses;
  // Paths with * for any name or part of one, each for itself and for all that
  // is below it, as in apparmor/sensitive.h.
  std::map<std::string, Risk, std::less<>> paths;
  std::vector<Equivalent> equivalents;  // by call
  // Calls that do no more than each of some others, by call. Directed: truncate
  // does all that ftruncate does, and not the other way round.
  std::vector<Equivalent> covered;
  std::vector<Advisory> advisories;  // by year and number
  auto operator<=>(const RiskTable&) const = default;
};

// What `RiskTable::accesses` may be keyed by. Sorted.
//   bind, mount, move, pivot_root, propagation, remount, umount
//                     evidence::kMountOperations
//   file-broad-read   a pattern that takes all below a folder of the system
//   file-broad-write
//   file-execute      starting a program of a fixed path
//   file-link         giving a file another name
//   file-read         a file that is not among the paths
//   file-write
//   file-write-exec   what may be written may be run
//   network-any       sockets of any family
//   network-raw       raw sockets of any family
//   signal-other      signals to another program
//   signal-own        signals among processes of one program
//   trace             controlling other processes
//   trace-read        reading what other processes are
inline constexpr std::string_view kAccessKinds[] = {
    "bind",         "file-broad-read", "file-broad-write",
    "file-execute", "file-link",       "file-read",
    "file-write",   "file-write-exec", "mount",
    "move",         "network-any",     "network-raw",
    "pivot_root",   "propagation",     "remount",
    "signal-other", "signal-own",      "trace",
    "trace-read",   "umount"};

// The one that ships. Lives for the whole program.
const RiskTable& builtin_risks();

// nullptr: the table leaves it out, so the risk is unknown.
const Risk* risk_of(const RiskTable& table, std::string_view syscall);
const Risk* risk_of_capability(const RiskTable& table, std::uint32_t number);
const Risk* risk_of_access(const RiskTable& table, std::string_view kind);
// The longest of the paths that stands for this one, which is not a pattern.
const Risk* risk_of_path(const RiskTable& table, std::string_view path);
// Calls of which each does all that this one does; sorted, empty: none is known
// to. Into the table.
std::span<const std::string> covering(const RiskTable& table,
                                      std::string_view syscall);
const ArgumentRisk* risk_of_value(const RiskTable& table,
                                  std::string_view syscall,
                                  std::string_view value);

// The values of the table that a grant may let through, in the table's order.
// Without tuples any argument is let through.
std::vector<const ArgumentRisk*> values_within(const RiskTable& table,
                                               std::string_view syscall,
                                               const std::set<ArgTuple>& args);

// What granting the call with these arguments comes to.
struct GrantRisk {
  RiskClass level = RiskClass::Unknown;
  // What decided: the call's own entry or that of a value. nullptr: nothing is
  // known of it.
  const Risk* risk = nullptr;
  // The values of the table that are let through, the highest first.
  std::vector<const ArgumentRisk*> values;
};

// The highest of the values that are let through; and the call's own risk, too,
// unless each tuple pins the first argument that the table tells of to a value
// that it tells. So clone() without namespaces is low although clone() with any
// flags is high. The result points into the table, which must outlive it.
GrantRisk risk_of_grant(const RiskTable& table, std::string_view syscall,
                        const std::set<ArgTuple>& args);

// The questions that rendering and its findings ask. They are of the table that
// ships, whatever table a review reads: equal policies render to equal bytes.

// nullptr: not among the high-risk calls.
const Risk* syscall_risk(std::string_view name);

// nullptr: needs no waiver.
const Risk* capability_risk(std::uint32_t number);

// A call that is ordinary but for some values of one argument.
struct RiskyValues {
  std::string call;
  std::vector<ArgMatch> values;  // any of them is high
};

// Sorted by name. Lives for the whole program.
const std::vector<RiskyValues>& risky_values();

}  // namespace vambrace::policy
