# embed_texts(target name FILES a.md b.md): makes a source that defines
# `const std::map<std::string_view, std::string_view>& vambrace::embedded_name()`
# with one entry per file, keyed by the file's name without its ending. The one
# source that uses it, or a header of the target, declares that function. HASHED
# adds `embedded_name_hashes()`: the SHA-256 of each text in base64, as a content
# security policy wants it.
function(embed_texts target name)
  cmake_parse_arguments(ARG "HASHED" "" "FILES" ${ARGN})
  set(out ${CMAKE_CURRENT_BINARY_DIR}/embedded_${name}.cc)
  list(TRANSFORM ARG_FILES PREPEND ${CMAKE_CURRENT_SOURCE_DIR}/)
  string(REPLACE ";" "|" files "${ARG_FILES}")
  add_custom_command(
    OUTPUT ${out}
    COMMAND ${CMAKE_COMMAND} -DNAME=${name} "-DFILES=${files}" -DOUT=${out}
            -DHASHED=${ARG_HASHED} -P ${PROJECT_SOURCE_DIR}/cmake/EmbedTexts.cmake
    DEPENDS ${ARG_FILES} ${PROJECT_SOURCE_DIR}/cmake/EmbedTexts.cmake
    COMMENT "embed ${name}" VERBATIM)
  target_sources(${target} PRIVATE ${out})
endfunction()
