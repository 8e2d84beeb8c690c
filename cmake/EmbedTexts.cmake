string(REPLACE "|" ";" FILES "${FILES}")

# The SHA-256 of a file in base64: 64 hexadecimal digits, three of which are two
# characters; of the last three, two are padding.
function(base64_hash file result)
  set(alphabet "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
  file(SHA256 ${file} digits)
  string(REGEX MATCHALL "..." groups "${digits}00")
  set(out)
  foreach(group ${groups})
    math(EXPR high "0x${group} / 64")
    math(EXPR low "0x${group} % 64")
    string(SUBSTRING ${alphabet} ${high} 1 first)
    string(SUBSTRING ${alphabet} ${low} 1 second)
    string(APPEND out ${first}${second})
  endforeach()
  string(REGEX REPLACE ".$" "=" out ${out})
  set(${result} ${out} PARENT_SCOPE)
endfunction()

set(body "// Made by cmake/EmbedTexts.cmake.\n#include <map>\n#include <string_view>\n\n")
# Longer literals than the standard asks compilers to take; ours take them.
string(APPEND body "#pragma GCC diagnostic push\n"
       "#pragma GCC diagnostic ignored \"-Woverlength-strings\"\n"
       "namespace vambrace {\n\n")
string(APPEND body "const std::map<std::string_view, std::string_view>& "
       "embedded_${NAME}() {\n"
       "  static const std::map<std::string_view, std::string_view> kTexts = {\n")
foreach(file ${FILES})
  get_filename_component(key ${file} NAME_WE)
  file(READ ${file} text)
  # String literals have a length limit of 64 KiB in practice; cut in pieces,
  # at line ends so that no character is cut.
  string(LENGTH "${text}" length)
  string(APPEND body "      {\"${key}\", ")
  set(at 0)
  while(at LESS length OR at EQUAL 0)
    string(SUBSTRING "${text}" ${at} 8000 piece)
    string(FIND "${piece}" "\n" line_end REVERSE)
    math(EXPR rest "${length} - ${at}")
    set(taken 8000)
    if(rest GREATER 8000 AND line_end GREATER -1)
      math(EXPR taken "${line_end} + 1")
      string(SUBSTRING "${piece}" 0 ${taken} piece)
    endif()
    string(APPEND body "R\"embed(${piece})embed\"\n")
    math(EXPR at "${at} + ${taken}")
  endwhile()
  string(APPEND body "},\n")
endforeach()
string(APPEND body "  };\n  return kTexts;\n}\n")
if(HASHED)
  string(APPEND body "\nconst std::map<std::string_view, std::string_view>& "
         "embedded_${NAME}_hashes() {\n"
         "  static const std::map<std::string_view, std::string_view> kHashes = {\n")
  foreach(file ${FILES})
    get_filename_component(key ${file} NAME_WE)
    base64_hash(${file} hash)
    string(APPEND body "      {\"${key}\", \"${hash}\"},\n")
  endforeach()
  string(APPEND body "  };\n  return kHashes;\n}\n")
endif()
string(APPEND body "\n}  // namespace vambrace\n"
       "#pragma GCC diagnostic pop\n")
file(WRITE ${OUT} "${body}")
