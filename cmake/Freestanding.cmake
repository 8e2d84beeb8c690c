# A program that vambrace carries inside itself: static, without the C library, small.
# BUILD_ID is what the linker takes: 0x and hex digits, or a kind of hash.
function(freestanding_program name)
  cmake_parse_arguments(ARG "" "BUILD_ID" "" ${ARGN})
  add_executable(${name} ${ARG_UNPARSED_ARGUMENTS})
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR}/src)
  target_compile_options(${name} PRIVATE
    ${VAMBRACE_WARNINGS} -Os -g0 -ffreestanding -fno-builtin -fno-exceptions
    -fno-rtti -fno-stack-protector -fno-asynchronous-unwind-tables
    -fno-threadsafe-statics -fno-pie -fno-sanitize=all)
  target_link_options(${name} PRIVATE
    -nostdlib -static -no-pie -Wl,--build-id=${ARG_BUILD_ID} -Wl,-s)
  set_target_properties(${name} PROPERTIES
    RUNTIME_OUTPUT_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR})
endfunction()
