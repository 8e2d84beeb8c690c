# Install rules and the Debian package (cpack -G DEB).
include(GNUInstallDirs)
install(TARGETS vambrace RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(FILES LICENSE README.md
        DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/vambrace)

# Manual pages and completions come from the command table of the binary itself.
set(generated ${PROJECT_BINARY_DIR}/share)
add_custom_command(
  OUTPUT ${generated}/stamp
  COMMAND ${CMAKE_COMMAND} -DVAMBRACE=$<TARGET_FILE:vambrace>
          -DOUT=${generated} -P ${PROJECT_SOURCE_DIR}/cmake/GenShare.cmake
  DEPENDS vambrace ${PROJECT_SOURCE_DIR}/cmake/GenShare.cmake
  COMMENT "manual pages and completions" VERBATIM)
add_custom_target(share ALL DEPENDS ${generated}/stamp)
install(DIRECTORY ${generated}/man/ DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
install(FILES ${generated}/completions/vambrace
        DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
install(FILES ${generated}/completions/_vambrace
        DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/vendor-completions)
install(FILES ${generated}/completions/vambrace.fish
        DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME vambrace)
set(CPACK_PACKAGE_CONTACT "The Vambrace authors <authors@vambrace.invalid>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY ${PROJECT_DESCRIPTION})
set(CPACK_DEBIAN_PACKAGE_SECTION admin)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_STRIP_FILES ON)
include(CPack)
