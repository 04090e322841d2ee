# ldmat_require(<package>...): finds each package, or stops and says what to do.
#
# What is installed is taken first. Only with LDMAT_FETCH_DEPENDENCIES=ON is a missing package
# downloaded, in a pinned version whose archive must have the pinned hash. One line per package says
# which one is used. The targets are visible in the whole build, also in a project that includes
# ldmat by add_subdirectory.
#
# find_package is called without a version: no versioned call or range accepts both the old and the
# new releases of Eigen and xsimd. The version is compared afterwards.

include("${CMAKE_CURRENT_LIST_DIR}/ldmatMendXsimd.cmake")

option(LDMAT_FETCH_DEPENDENCIES "Download packages that are not installed (pinned versions)" OFF)

#   package              target                        looked for by  Debian package   from  below
set(ldmat_package_Eigen3        Eigen3::Eigen                CONFIG libeigen3-dev      3.4   6)
set(ldmat_package_xsimd         xsimd                        CONFIG libxsimd-dev       8.1   15)
set(ldmat_package_doctest       doctest::doctest             CONFIG doctest-dev        2.4   3)
set(ldmat_package_benchmark     benchmark::benchmark         CONFIG libbenchmark-dev   1.6   2)
set(ldmat_package_CLI11         CLI11::CLI11                 CONFIG libcli11-dev       2.1   3)
set(ldmat_package_nlohmann_json nlohmann_json::nlohmann_json CONFIG nlohmann-json3-dev 3.9   4)
set(ldmat_package_LibArchive    LibArchive::LibArchive       MODULE libarchive-dev     3.4   4)

# What LDMAT_FETCH_DEPENDENCIES downloads: version, include folder, address, SHA-256 as recorded by
# Conan Center or Homebrew (nlohmann_json's: by other public projects that agree). "build" in place of a folder: the package has its own library to build.
# LibArchive is only ever taken from the system.
set(ldmat_source_Eigen3 3.4.0 .
    https://gitlab.com/libeigen/eigen/-/archive/3.4.0/eigen-3.4.0.tar.bz2
    b4c198460eba6f28d34894e3a5710998818515104d6e74e5cc331ce31e46e626)
set(ldmat_source_xsimd 14.1.0 include
    https://github.com/xtensor-stack/xsimd/archive/14.1.0.tar.gz
    8da77b66214e73565f6111ba494322c853552b7b40cff69779b42e2100eed16f)
set(ldmat_source_doctest 2.4.12 .
    https://github.com/doctest/doctest/archive/refs/tags/v2.4.12.tar.gz
    73381c7aa4dee704bd935609668cf41880ea7f19fa0504a200e13b74999c2d70)
set(ldmat_source_benchmark 1.9.5 build
    https://github.com/google/benchmark/archive/refs/tags/v1.9.5.tar.gz
    9631341c82bac4a288bef951f8b26b41f69021794184ece969f8473977eaa340)
set(ldmat_source_CLI11 2.6.2 include
    https://github.com/CLIUtils/CLI11/archive/v2.6.2.tar.gz
    c6ea6b2e5608b3ea8617999bd5f47420c71b2ebdb8dc4767c1034d1da5785711)
set(ldmat_source_nlohmann_json 3.12.0 include
    https://github.com/nlohmann/json/releases/download/v3.12.0/json.tar.xz
    42f6e95cad6ec532fd372391373363b62a14af6d771056dbfc86160e6dfff7aa)

# A macro, so that the variables and functions a package brings reach the caller.
macro(ldmat_require)
  foreach(ldmat_package IN ITEMS ${ARGN})
    if(NOT DEFINED ldmat_package_${ldmat_package})
      message(FATAL_ERROR "ldmat_require: ${ldmat_package} is not in the table of this file")
    endif()
    list(GET ldmat_package_${ldmat_package} 0 ldmat_target)
    list(GET ldmat_package_${ldmat_package} 1 ldmat_mode)
    get_property(ldmat_known GLOBAL PROPERTY ldmat_used_${ldmat_package})
    if(TARGET ${ldmat_target})
      set(ldmat_origin "the including project's target ${ldmat_target}")
    else()
      get_property(ldmat_imported DIRECTORY PROPERTY IMPORTED_TARGETS)
      find_package(${ldmat_package} ${ldmat_mode} QUIET)
      if(TARGET ${ldmat_target})
        ldmat_make_targets_global("${ldmat_imported}")
        set(ldmat_origin "installed, ${${ldmat_package}_LIBRARIES}")
        if(ldmat_mode STREQUAL "CONFIG")
          set(ldmat_origin "installed, ${${ldmat_package}_DIR}")
        endif()
      elseif(LDMAT_FETCH_DEPENDENCIES AND DEFINED ldmat_source_${ldmat_package})
        ldmat_fetch(${ldmat_package} ${ldmat_target} ${ldmat_source_${ldmat_package}})
        list(GET ldmat_source_${ldmat_package} 0 ${ldmat_package}_VERSION)
        set(ldmat_origin "downloaded, ${${ldmat_package}_FETCHED_DIR}")
      else()
        ldmat_stop_missing(${ldmat_package})
      endif()
    endif()
    if(NOT ldmat_known)
      ldmat_mend_xsimd()
      ldmat_check_version(${ldmat_package} "${${ldmat_package}_VERSION}" "${ldmat_origin}")
      set_property(GLOBAL PROPERTY ldmat_used_${ldmat_package} TRUE)
    endif()
  endforeach()
endmacro()

# An imported target is seen only in the folder that found it and below; the library's users and the
# tests are elsewhere. `before`: the targets that were there already, which are not ours to change.
function(ldmat_make_targets_global before)
  get_property(targets DIRECTORY PROPERTY IMPORTED_TARGETS)
  foreach(target IN LISTS targets)
    if(NOT target IN_LIST before)
      set_target_properties(${target} PROPERTIES IMPORTED_GLOBAL TRUE)
    endif()
  endforeach()
endfunction()

function(ldmat_check_version package version origin)
  if(NOT version)
    message(STATUS "ldmat: ${package} of unknown version (${origin})")
    return()
  endif()
  list(GET ldmat_package_${package} 3 from)
  list(GET ldmat_package_${package} 4 below)
  if(version VERSION_LESS from OR version VERSION_GREATER_EQUAL below)
    set(message "ldmat needs ${package} >= ${from} and < ${below}, but this is ${version} (${origin})."
        " Say where another one is with -D${package}_ROOT=<prefix>")
    if(DEFINED ldmat_source_${package})
      string(APPEND message ", or download one with -DCMAKE_DISABLE_FIND_PACKAGE_${package}=ON"
             " -DLDMAT_FETCH_DEPENDENCIES=ON")
    endif()
    list(JOIN message "" message)
    message(FATAL_ERROR "${message}.")
  endif()
  message(STATUS "ldmat: ${package} ${version} (${origin})")
endfunction()

function(ldmat_stop_missing package)
  list(GET ldmat_package_${package} 2 debian_package)
  set(message "ldmat needs ${package}, which was not found. Install it with `sh cmake/run.sh setup` in"
      " ldmat's folder (Debian and Ubuntu call it ${debian_package})")
  if(DEFINED ldmat_source_${package})
    list(GET ldmat_source_${package} 0 version)
    list(GET ldmat_source_${package} 2 url)
    string(APPEND message ", or pass -DLDMAT_FETCH_DEPENDENCIES=ON to download version ${version}"
           " from ${url}")
  endif()
  list(JOIN message "" message)
  message(FATAL_ERROR "${message}.")
endfunction()

# Sets <package>_FETCHED_DIR. A header-only package is unpacked and gets a target here; its own build
# files are not run, so that no tests, install rules or user package registry come with it.
# FETCHCONTENT_SOURCE_DIR_<PACKAGE> names an unpacked copy to be used instead of a download.
function(ldmat_fetch package target version include_folder url sha256)
  include(FetchContent)
  set(arguments URL "${url}" URL_HASH "SHA256=${sha256}")
  if(CMAKE_VERSION VERSION_GREATER_EQUAL 3.24)
    list(APPEND arguments DOWNLOAD_EXTRACT_TIMESTAMP TRUE)
  endif()
  if(include_folder STREQUAL "build")
    set(CMAKE_POLICY_DEFAULT_CMP0077 NEW)  # the lines below are options of the package
    set(BENCHMARK_ENABLE_TESTING OFF)
    set(BENCHMARK_ENABLE_GTEST_TESTS OFF)
    set(BENCHMARK_ENABLE_INSTALL OFF)
    set(BENCHMARK_INSTALL_DOCS OFF)
    set(BENCHMARK_ENABLE_WERROR OFF)
    if(CMAKE_VERSION VERSION_GREATER_EQUAL 3.25)
      list(APPEND arguments SYSTEM)
    endif()
  else()
    list(APPEND arguments SOURCE_SUBDIR no_build_files_are_run)
  endif()
  FetchContent_Declare(${package} ${arguments})
  FetchContent_MakeAvailable(${package})
  FetchContent_GetProperties(${package} SOURCE_DIR folder)
  if(NOT TARGET ${target})
    add_library(${target} INTERFACE IMPORTED GLOBAL)
    target_include_directories(${target} INTERFACE "${folder}/${include_folder}")
  endif()
  set(${package}_FETCHED_DIR "${folder}" PARENT_SCOPE)
endfunction()
