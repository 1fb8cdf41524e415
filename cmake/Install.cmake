# `cmake --install`: the program, the library, its public headers, and a package for find_package(swath).
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(SWATH_PACKAGE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/swath)

set_target_properties(swath PROPERTIES VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
install(TARGETS swath EXPORT swathTargets)
install(TARGETS swath_cli)
install(DIRECTORY include/swath DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")
install(EXPORT swathTargets NAMESPACE swath:: DESTINATION ${SWATH_PACKAGE_DIR})
if(EXISTS ${PROJECT_SOURCE_DIR}/LICENSE)
  install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
endif()

configure_package_config_file(cmake/swathConfig.cmake.in ${PROJECT_BINARY_DIR}/swathConfig.cmake
  INSTALL_DESTINATION ${SWATH_PACKAGE_DIR} NO_SET_AND_CHECK_MACRO)
# Before 1.0 a minor version may change the interface.
write_basic_package_version_file(${PROJECT_BINARY_DIR}/swathConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/swathConfig.cmake ${PROJECT_BINARY_DIR}/swathConfigVersion.cmake
  DESTINATION ${SWATH_PACKAGE_DIR})
