# SPDX-License-Identifier: Apache-2.0
# cmake --install: the program, its documents, and the libraries as a package that find_package(mikv) finds.
include(CMakePackageConfigHelpers)
set(mikv_package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/mikv)

install(TARGETS mikv)
install(FILES README.md LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY core trace reference cuda DESTINATION ${CMAKE_INSTALL_DOCDIR}
  FILES_MATCHING PATTERN *.md PATTERN formats EXCLUDE PATTERN policies EXCLUDE PATTERN ground_truth EXCLUDE
  PATTERN vector EXCLUDE PATTERN synth EXCLUDE)
install(DIRECTORY tools/schemas DESTINATION ${CMAKE_INSTALL_DOCDIR}/tools)
install(FILES tools/plan/PLANNING.md DESTINATION ${CMAKE_INSTALL_DOCDIR}/tools/plan)
install(FILES tools/kernel_test/README.md DESTINATION ${CMAKE_INSTALL_DOCDIR}/tools/kernel_test)
if(NOT CMAKE_CROSSCOMPILING)
  set(completions ${CMAKE_BINARY_DIR}/completions)
  install(FILES ${completions}/mikv DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
  install(FILES ${completions}/_mikv DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions)
  install(FILES ${completions}/mikv.fish DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)
endif()

# Below a folder of their own, which is the include directory: "core/shape.h" means the same here and there.
# reference/vector is compiled for one instruction set a source, and nobody else's.
set(headers ${CMAKE_INSTALL_INCLUDEDIR}/mikv)
install(DIRECTORY core reference DESTINATION ${headers}
  FILES_MATCHING PATTERN *.h PATTERN *.inc
  PATTERN formats EXCLUDE PATTERN policies EXCLUDE PATTERN reference/vector EXCLUDE)
# Users need no JSON library: this one is for the sources alone.
install(DIRECTORY trace DESTINATION ${headers} FILES_MATCHING PATTERN *.h PATTERN safetensors_sax.h EXCLUDE)
# The other headers of cuda/ are between its host code and its kernels.
install(FILES cuda/devices.h cuda/layer_run.h DESTINATION ${headers}/cuda)

# mikv::core and so on; settings and xxhash only because the others name them.
set(libraries settings xxhash core trace reference cuda)
foreach(library IN LISTS libraries)
  set_target_properties(mikv_${library} PROPERTIES EXPORT_NAME ${library})
  install(TARGETS mikv_${library} EXPORT mikv_targets)
endforeach()
install(EXPORT mikv_targets FILE mikv-targets.cmake NAMESPACE mikv:: DESTINATION ${mikv_package_dir})

configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/mikv-config.cmake.in ${CMAKE_BINARY_DIR}/mikv-config.cmake
  INSTALL_DESTINATION ${mikv_package_dir} NO_SET_AND_CHECK_MACRO)
# Before 1.0 a minor version may change what headers declare.
write_basic_package_version_file(${CMAKE_BINARY_DIR}/mikv-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/mikv-config.cmake ${CMAKE_BINARY_DIR}/mikv-config-version.cmake
  DESTINATION ${mikv_package_dir})
