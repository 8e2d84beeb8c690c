#pragma once

#include <string>
#include <string_view>

#include "base/files.h"
#include "base/result.h"
#include "policy/apparmor/abstraction.h"

namespace vambrace::enforcer::apparmor {

// Where apparmor_parser finds what a profile includes.
inline constexpr std::string_view kInstalled = "/etc/apparmor.d";

// The files of abstractions/ and tunables/ below a folder, with the folders in
// them. What cannot be read, is no regular file, or has a name that
// apparmor_parser passes over in folders, is there as not read. NotFound if the
// folder has no abstractions, InvalidInput if it holds too many files.
Result<policy::apparmor::Sources> installed(const Files& files,
                                            const std::string& folder);

// Whether what this host would include for a profile's text is what the text
// was made with: each line "include <abstractions/x> # HASH" against the file
// below the folder. Denied if one differs, is not there or cannot be read; an
// include without a hash was not made by us and is not judged.
Result<> check_includes(const Files& files, std::string_view text,
                        const std::string& folder = std::string(kInstalled));

}  // namespace vambrace::enforcer::apparmor
