# bpf_skeleton(record record.bpf.c HEADERS event.h)
#
# Compiles one BPF program and turns it into ${name}.skel.h, offered by the
# interface target ${name}_skeleton. The machine that runs vambrace needs
# neither compiler nor kernel headers.
set(BPF_ARCH x86)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "aarch64")
  set(BPF_ARCH arm64)
endif()

function(bpf_skeleton name source)
  cmake_parse_arguments(ARG "" "" "HEADERS" ${ARGN})
  set(object ${CMAKE_CURRENT_BINARY_DIR}/${name}.bpf.o)
  set(skeleton ${CMAKE_CURRENT_BINARY_DIR}/${name}.skel.h)
  list(TRANSFORM ARG_HEADERS PREPEND ${CMAKE_CURRENT_SOURCE_DIR}/)
  add_custom_command(
    OUTPUT ${object}
    COMMAND ${BPF_CLANG} -g -O2 -Wall -Werror -target bpf -mcpu=v3
            -D__TARGET_ARCH_${BPF_ARCH} -I${CMAKE_CURRENT_SOURCE_DIR}
            -c ${CMAKE_CURRENT_SOURCE_DIR}/${source} -o ${object}
    DEPENDS ${source} ${ARG_HEADERS}
    COMMENT "bpf ${source}" VERBATIM)
  add_custom_command(
    OUTPUT ${skeleton}
    COMMAND ${CMAKE_COMMAND} -DBPFTOOL=${BPFTOOL} -DOBJECT=${object}
            -DNAME=${name}_bpf -DOUT=${skeleton}
            -P ${PROJECT_SOURCE_DIR}/cmake/GenSkeleton.cmake
    DEPENDS ${object} ${PROJECT_SOURCE_DIR}/cmake/GenSkeleton.cmake
    COMMENT "skeleton ${name}.skel.h" VERBATIM)
  add_custom_target(${name}_skeleton_header DEPENDS ${skeleton})
  add_library(${name}_skeleton INTERFACE)
  add_dependencies(${name}_skeleton ${name}_skeleton_header)
  target_include_directories(${name}_skeleton SYSTEM INTERFACE
                             ${CMAKE_CURRENT_BINARY_DIR})
endfunction()
