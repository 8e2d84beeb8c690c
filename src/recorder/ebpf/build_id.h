#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace vambrace::recorder::ebpf {

// The GNU build id in an ELF file, in hex; "" if it has none, nullopt if these
// bytes are no ELF file that can be read. Looks at `bytes` alone, which may be
// any prefix that holds the note.
std::optional<std::string> build_id_in(std::string_view bytes);

}  // namespace vambrace::recorder::ebpf
