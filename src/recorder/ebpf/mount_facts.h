#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "evidence/evidence.h"
#include "recorder/ebpf/raw.h"

// Mounts and looks into other processes, from rows to facts.
namespace vambrace::recorder::ebpf {

// AppArmor's words for the flags of one operation (VMB_MOUNT_...), sorted:
// "ro" or "rw" where something is mounted anew, "rbind" for MS_BIND | MS_REC.
// A flag without a word is its number.
std::vector<std::string> mount_options(std::uint32_t operation,
                                       std::uint32_t flags);

// What was written where the source's or the target's name was, before any
// link was followed. nullopt if no name was kept.
std::optional<std::string> written_name(const Raw& raw, const vmb_path& path);

// The fact of a row of raw.mounts, without its shares. Places are what
// follow_names() made of them, else what the row says.
evidence::MountFact mount_fact(const Raw& raw, std::size_t row);

// Of a row VMB_OTHER_SIGNAL: who got it.
evidence::Side side_of(const vmb_other_key& key);

// Of a row VMB_OTHER_TRACE, without its shares.
evidence::TraceFact trace_fact(const Raw& raw, const vmb_other_key& key);

}  // namespace vambrace::recorder::ebpf
