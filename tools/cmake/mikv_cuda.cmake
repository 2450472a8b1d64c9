# SPDX-License-Identifier: Apache-2.0
# CUDA is optional: MIKV_CUDA is AUTO (where nvcc is found), ON or OFF. Sets MIKV_HAS_CUDA.
set(MIKV_CUDA AUTO CACHE STRING "Build the CUDA back end: AUTO, ON, OFF")
set(MIKV_HAS_CUDA OFF)
if(MIKV_CUDA STREQUAL "OFF")
  message(STATUS "mikv: no CUDA back end (MIKV_CUDA=OFF)")
  return()
endif()

include(CheckLanguage)
check_language(CUDA)
if(NOT CMAKE_CUDA_COMPILER)
  if(MIKV_CUDA STREQUAL "ON")
    message(FATAL_ERROR "mikv: MIKV_CUDA=ON, but nvcc was not found; set CMAKE_CUDA_COMPILER")
  endif()
  message(STATUS "mikv: no CUDA back end: nvcc was not found")
  return()
endif()

# Machine code for Ampere and Hopper, PTX for what follows.
if(NOT DEFINED CMAKE_CUDA_ARCHITECTURES)
  set(CMAKE_CUDA_ARCHITECTURES 80-real 90-real 90-virtual)
endif()
# CMake 3.25 does not know that nvcc speaks C++20.
if(NOT DEFINED CMAKE_CUDA20_STANDARD_COMPILE_OPTION)
  set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION "-std=c++20")
endif()
enable_language(CUDA)
set(CMAKE_CUDA_STANDARD 20)
set(CMAKE_CUDA_STANDARD_REQUIRED ON)
find_package(CUDAToolkit 12 REQUIRED)
set(MIKV_HAS_CUDA ON)
message(STATUS "mikv: CUDA back end with nvcc ${CMAKE_CUDA_COMPILER_VERSION}")
