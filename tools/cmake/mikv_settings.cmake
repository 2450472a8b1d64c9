# SPDX-License-Identifier: Apache-2.0
# Settings that every target shares.

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "Debug, Release, RelWithDebInfo" FORCE)
endif()
# The program at build/mikv.
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR})
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

include(GNUInstallDirs)
find_package(Threads REQUIRED)
include(mikv_packages)

add_library(mikv_settings INTERFACE)
target_include_directories(mikv_settings INTERFACE
  $<BUILD_INTERFACE:${CMAKE_SOURCE_DIR}>
  $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}/mikv>)
# The arithmetic contract (core/CONTRACT.md, R1): no contraction, no fast math, on every target and every user of an
# installed header. CUDA sources have options of their own (cuda/CMakeLists.txt).
target_compile_options(mikv_settings INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-fno-fast-math -ffp-contract=off>)
target_compile_features(mikv_settings INTERFACE cxx_std_20)
set(warnings -Wall -Wextra -Wpedantic -Wshadow -Wconversion)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  # GCC bug 105651: a false alarm inside std::string.
  list(APPEND warnings -Wno-restrict)
endif()
target_compile_options(mikv_settings INTERFACE $<BUILD_INTERFACE:$<$<COMPILE_LANGUAGE:CXX>:${warnings}>>)
foreach(sanitizer IN LISTS MIKV_SANITIZE)
  target_compile_options(mikv_settings INTERFACE
    "$<$<COMPILE_LANGUAGE:CXX>:-fsanitize=${sanitizer};-fno-sanitize-recover=all;-fno-omit-frame-pointer>")
  target_link_options(mikv_settings INTERFACE -fsanitize=${sanitizer})
endforeach()

if(MIKV_FUZZ)
  # Coverage feedback for the fuzz targets' libraries.
  target_compile_options(mikv_settings INTERFACE -fsanitize=fuzzer-no-link)
  target_link_options(mikv_settings INTERFACE -fsanitize=fuzzer-no-link)
endif()

add_library(mikv_xxhash INTERFACE)
target_include_directories(mikv_xxhash SYSTEM INTERFACE $<BUILD_INTERFACE:${XXHASH_INCLUDE_DIR}>)
