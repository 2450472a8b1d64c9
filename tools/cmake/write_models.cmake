# SPDX-License-Identifier: Apache-2.0
# cmake -DFOLDER=... -DOUT=... -P write_models.cmake: the model catalogue as entries of a C++ array.
file(GLOB files ${FOLDER}/*.json)
list(SORT files)
set(text "")
foreach(file IN LISTS files)
  get_filename_component(name ${file} NAME_WLE)
  file(READ ${file} json)
  string(APPEND text "std::pair<std::string_view, std::string_view>{\"${name}\", R\"json(${json})json\"},\n")
endforeach()
file(WRITE ${OUT} "${text}")
