# SPDX-License-Identifier: Apache-2.0
# Writes OUT with the commit of SOURCE; leaves the file alone if it says so already.
cmake_minimum_required(VERSION 3.25)
find_program(git git)
set(commit "${COMMIT}")
if(NOT commit)
  set(commit unknown)
endif()
if(git)
  execute_process(COMMAND ${git} -C ${SOURCE} describe --always --dirty --abbrev=12 --exclude=*
                  OUTPUT_VARIABLE answer OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE result)
  if(result EQUAL 0)
    set(commit ${answer})
  endif()
endif()
file(CONFIGURE OUTPUT ${OUT} @ONLY CONTENT
"#pragma once
#define MIKV_VERSION \"@VERSION@\"
#define MIKV_COMMIT \"@commit@\"
")
