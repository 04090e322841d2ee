# What the port's portfile.cmake calls of vcpkg, as far as it calls it, by CMake alone: for check.py, where
# vcpkg itself is not installed. cmake -D<variables that vcpkg sets> -P functions.cmake
#
# CURRENT_PACKAGES_DIR is filled by both builds, as by vcpkg: a release build, and a debug build below
# debug/ unless the portfile sets VCPKG_BUILD_TYPE to release.
cmake_minimum_required(VERSION 3.22)

set(PORT ldmat)
file(REMOVE_RECURSE "${CURRENT_PACKAGES_DIR}" "${CURRENT_BUILDTREES_DIR}")

# vcpkg_check_features(OUT_FEATURE_OPTIONS <variable> [FEATURES <feature> <option>...]
#                      [INVERTED_FEATURES <feature> <option>...])
function(vcpkg_check_features)
  cmake_parse_arguments(arg "" "OUT_FEATURE_OPTIONS" "FEATURES;INVERTED_FEATURES" ${ARGN})
  set(options "")
  foreach(kind IN ITEMS FEATURES INVERTED_FEATURES)
    while(arg_${kind})
      list(POP_FRONT arg_${kind} feature option)
      set(value OFF)
      if(feature IN_LIST FEATURES)
        set(value ON)
      endif()
      if(kind STREQUAL "INVERTED_FEATURES")
        set(inverse_of_ON OFF)
        set(inverse_of_OFF ON)
        set(value "${inverse_of_${value}}")
      endif()
      list(APPEND options "-D${option}=${value}")
    endwhile()
  endforeach()
  set(${arg_OUT_FEATURE_OPTIONS} "${options}" PARENT_SCOPE)
endfunction()

# The builds to make, as names of folders below CURRENT_BUILDTREES_DIR.
function(builds result)
  set(${result} release debug PARENT_SCOPE)
  if(VCPKG_BUILD_TYPE STREQUAL "release")
    set(${result} release PARENT_SCOPE)
  endif()
endfunction()

set(type_release Release)
set(type_debug Debug)
set(prefix_release "${CURRENT_PACKAGES_DIR}")
set(prefix_debug "${CURRENT_PACKAGES_DIR}/debug")

function(vcpkg_cmake_configure)
  cmake_parse_arguments(arg "" "SOURCE_PATH" "OPTIONS;MAYBE_UNUSED_VARIABLES" ${ARGN})
  builds(names)
  foreach(name IN LISTS names)
    execute_process(
      COMMAND "${CMAKE_COMMAND}" -S "${arg_SOURCE_PATH}" -B "${CURRENT_BUILDTREES_DIR}/${name}"
              -DCMAKE_BUILD_TYPE=${type_${name}} "-DCMAKE_INSTALL_PREFIX=${prefix_${name}}"
              -DCMAKE_INSTALL_LIBDIR=lib -DBUILD_SHARED_LIBS=OFF ${arg_OPTIONS}
      COMMAND_ERROR_IS_FATAL ANY)
  endforeach()
endfunction()

function(vcpkg_cmake_install)
  builds(names)
  foreach(name IN LISTS names)
    execute_process(COMMAND "${CMAKE_COMMAND}" --build "${CURRENT_BUILDTREES_DIR}/${name}" --target install
                    COMMAND_ERROR_IS_FATAL ANY)
  endforeach()
endfunction()

# Moves the package's files for CMake to share/<port>, one folder nearer to the prefix, and has those of the
# debug build name the libraries below debug/.
function(vcpkg_cmake_config_fixup)
  cmake_parse_arguments(arg "" "CONFIG_PATH" "" ${ARGN})
  set(share "${CURRENT_PACKAGES_DIR}/share/${PORT}")
  builds(names)
  foreach(name IN LISTS names)
    set(from "${prefix_${name}}/${arg_CONFIG_PATH}")
    file(GLOB files RELATIVE "${from}" "${from}/*")
    foreach(file IN LISTS files)
      file(READ "${from}/${file}" text)
      string(REPLACE "get_filename_component(_IMPORT_PREFIX \"\${_IMPORT_PREFIX}\" PATH)\nget_filename_component"
                     "get_filename_component" text "${text}")
      if(name STREQUAL "debug")
        string(REPLACE "\${_IMPORT_PREFIX}/lib" "\${_IMPORT_PREFIX}/debug/lib" text "${text}")
      endif()
      if(name STREQUAL "release" OR file MATCHES "-debug\\.cmake$")
        file(WRITE "${share}/${file}" "${text}")
      endif()
    endforeach()
    file(REMOVE_RECURSE "${from}")
    file(GLOB others "${prefix_${name}}/lib/cmake/*")
    if(NOT others)
      file(REMOVE_RECURSE "${prefix_${name}}/lib/cmake")
    endif()
  endforeach()
endfunction()

# check.py looks at what it would mend.
function(vcpkg_fixup_pkgconfig)
endfunction()

function(vcpkg_install_copyright)
  cmake_parse_arguments(arg "" "" "FILE_LIST" ${ARGN})
  file(MAKE_DIRECTORY "${CURRENT_PACKAGES_DIR}/share/${PORT}")
  configure_file("${arg_FILE_LIST}" "${CURRENT_PACKAGES_DIR}/share/${PORT}/copyright" COPYONLY)
endfunction()

function(vcpkg_download_distfile result)
  cmake_parse_arguments(arg "" "URLS;FILENAME;SHA512" "" ${ARGN})
  set(file "${CURRENT_BUILDTREES_DIR}/${arg_FILENAME}")
  file(DOWNLOAD "${arg_URLS}" "${file}" EXPECTED_HASH "SHA512=${arg_SHA512}")
  set(${result} "${file}" PARENT_SCOPE)
endfunction()

function(vcpkg_extract_source_archive result)
  cmake_parse_arguments(arg "" "ARCHIVE" "" ${ARGN})
  file(ARCHIVE_EXTRACT INPUT "${arg_ARCHIVE}" DESTINATION "${CURRENT_BUILDTREES_DIR}/src")
  file(GLOB folder "${CURRENT_BUILDTREES_DIR}/src/*")
  set(${result} "${folder}" PARENT_SCOPE)
endfunction()

include("${PORT_DIR}/portfile.cmake")
