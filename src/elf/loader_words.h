#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

// The words of loaders' lists: folders between colons, with tokens in them.
namespace vambrace::elf {

// The parts that are not empty, at most a thousand.
std::vector<std::string_view> split(std::string_view text,
                                    std::string_view separators);

// "/usr/lib" of "/usr/lib/libz.so", "/" of "/libz.so".
std::string folder_of(std::string_view path);

// A token without its dollar, and what it may stand for.
using Token = std::pair<std::string_view, std::vector<std::string>>;
enum class UnknownToken : std::uint8_t { Keep, Drop };

// What a text with "$ORIGIN" or "${ORIGIN}" in it may stand for: one text for
// each choice of values, at most 16. Empty if a dollar of an unknown token is
// to be dropped, or above 4096 bytes, which no path has.
std::vector<std::string> expand_tokens(std::string_view text,
                                       const std::vector<Token>& tokens,
                                       UnknownToken unknown);

}  // namespace vambrace::elf
