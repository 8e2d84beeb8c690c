# The two kinds of folder in src/ (ARCHITECTURE.md). A pure library turns values
# into values; an edge touches the outside. The functions below keep the rule.

# Errors with the compilers that the project is kept clean for; a newer gcc may
# warn of more, which stops nobody.
if(VAMBRACE_WERROR AND NOT (CMAKE_CXX_COMPILER_ID STREQUAL GNU AND
                            CMAKE_CXX_COMPILER_VERSION VERSION_GREATER_EQUAL 13))
  set(werror -Werror)
endif()
# Members left out of a designated initializer have their default: no warning.
set(VAMBRACE_WARNINGS -Wall -Wextra -Wpedantic ${werror} -Wshadow -Wconversion
    -Wno-sign-conversion -Wno-missing-field-initializers -Wnon-virtual-dtor
    -Wimplicit-fallthrough)
if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
  # gcc 12 sees overflows inside std::string that cannot happen when it
  # optimizes (its bug 105651 and kin); clang looks at the same code.
  list(APPEND VAMBRACE_WARNINGS -Wno-restrict -Wno-stringop-overflow
       -Wno-stringop-overread -Wno-array-bounds -Wno-maybe-uninitialized)
else()
  # libstdc++ 12 calls its own deprecated get_temporary_buffer in stable_sort and
  # mutes that by a pragma, which clang loses in a precompiled header.
  list(APPEND VAMBRACE_WARNINGS -Wno-deprecated-declarations)
endif()

add_library(vambrace_options INTERFACE)
target_compile_options(vambrace_options INTERFACE
  $<$<COMPILE_LANGUAGE:CXX>:${VAMBRACE_WARNINGS}>)
target_include_directories(vambrace_options INTERFACE
  ${PROJECT_SOURCE_DIR}/src ${PROJECT_BINARY_DIR}/src)
target_compile_definitions(vambrace_options INTERFACE
  VAMBRACE_VERSION="${PROJECT_VERSION}")
target_link_libraries(vambrace_options INTERFACE fmt::fmt)
if(VAMBRACE_SANITIZE)
  set(sanitizers -fsanitize=address,undefined -fno-sanitize-recover=all
      -fno-omit-frame-pointer)
  target_compile_options(vambrace_options INTERFACE ${sanitizers})
  target_link_options(vambrace_options INTERFACE ${sanitizers})
endif()
if(VAMBRACE_FUZZ)
  target_compile_options(vambrace_options INTERFACE -fsanitize=fuzzer-no-link)
endif()

# One precompiled header for the whole tree, and a larger one for the tests:
# gmock and rapidcheck cost two seconds of CPU per source. The tests themselves
# are not optimized, only what they test: optimizing them takes longer than
# everything else.
set(precompiled <algorithm> <array> <chrono> <cstdint> <expected> <functional>
  <map> <memory> <optional> <set> <span> <string> <string_view> <utility>
  <variant> <vector> <nlohmann/json.hpp> <fmt/format.h> <fmt/ranges.h>)
file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/pch.cc CONTENT "")
add_library(vambrace_pch OBJECT ${PROJECT_BINARY_DIR}/pch.cc)
target_link_libraries(vambrace_pch PRIVATE vambrace_options)
target_precompile_headers(vambrace_pch PRIVATE ${precompiled})
if(VAMBRACE_TESTS)
  add_library(vambrace_test_pch OBJECT ${PROJECT_BINARY_DIR}/pch.cc)
  target_link_libraries(vambrace_test_pch PRIVATE vambrace_options GTest::gmock)
  target_compile_options(vambrace_test_pch PRIVATE -O0)
  target_precompile_headers(vambrace_test_pch PRIVATE ${precompiled}
    <gmock/gmock.h> <gtest/gtest.h> <rapidcheck/gtest.h>)
endif()

# Most of what a compiler does for one of our sources is the same for all of a
# room: templates of the standard library, of the JSON parser, of gmock. With
# CMAKE_UNITY_BUILD (presets release and check) a room is compiled in few pieces,
# which takes a third of the time with gcc and a sixth with clang. The dev preset
# compiles each source by itself: there a missing #include shows.
set(CMAKE_UNITY_BUILD_BATCH_SIZE 16)

# stands_alone(run.cc verify.cc): these use names of their own that others of the
# room use, too.
function(stands_alone)
  set_source_files_properties(${ARGN} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
endfunction()

# pure_library(rollout gate.cc USES policy): may use only other pure libraries.
# LINKS names outside libraries that only compute (a JSON parser).
function(pure_library name)
  cmake_parse_arguments(ARG "" "" "USES;LINKS" ${ARGN})
  add_library(${name} STATIC ${ARG_UNPARSED_ARGUMENTS})
  set_target_properties(${name} PROPERTIES VAMBRACE_KIND pure)
  foreach(used ${ARG_USES})
    get_target_property(kind ${used} VAMBRACE_KIND)
    if(NOT kind STREQUAL pure)
      message(FATAL_ERROR "${name} is pure and may not use ${used} (${kind})")
    endif()
  endforeach()
  target_link_libraries(${name} PUBLIC vambrace_options ${ARG_USES}
                        PRIVATE ${ARG_LINKS})
  target_precompile_headers(${name} REUSE_FROM vambrace_pch)
endfunction()

# edge_library(enforcer launcher.cc USES policy LINKS PkgConfig::LIBSECCOMP)
function(edge_library name)
  cmake_parse_arguments(ARG "" "" "USES;LINKS" ${ARGN})
  add_library(${name} STATIC ${ARG_UNPARSED_ARGUMENTS})
  set_target_properties(${name} PROPERTIES VAMBRACE_KIND edge)
  target_link_libraries(${name} PUBLIC vambrace_options ${ARG_USES}
                        PRIVATE ${ARG_LINKS})
  target_precompile_headers(${name} REUSE_FROM vambrace_pch)
endfunction()

# unit_test(evidence_test merge_test.cc USES evidence): GoogleTest, milliseconds,
# no root, no network. Tests find their testdata/ through VAMBRACE_SOURCE_DIR.
function(unit_test name)
  if(NOT VAMBRACE_TESTS)
    return()
  endif()
  cmake_parse_arguments(ARG "" "" "USES;LINKS" ${ARGN})
  add_executable(${name} ${ARG_UNPARSED_ARGUMENTS})
  target_link_libraries(${name} PRIVATE vambrace_options ${ARG_USES} ${ARG_LINKS}
                        ${RAPIDCHECK_LIBRARY} GTest::gmock GTest::gtest_main)
  target_compile_definitions(${name} PRIVATE
    VAMBRACE_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
  target_compile_options(${name} PRIVATE -O0)
  target_precompile_headers(${name} REUSE_FROM vambrace_test_pch)
  set_target_properties(${name} PROPERTIES
    RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES LABELS unit TIMEOUT 900)
  if(VAMBRACE_SANITIZE)
    # Properties are searched by the optimized build; here each is tried. What
    # libseccomp 2.5.4 leaves behind when it refuses a rule is not ours.
    set_tests_properties(${name} PROPERTIES ENVIRONMENT
      "RC_PARAMS=max_success=20;LSAN_OPTIONS=suppressions=${PROJECT_SOURCE_DIR}/cmake/leaks.txt")
  endif()
endfunction()
