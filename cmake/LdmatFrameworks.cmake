# ldmat_find_framework(<package> DEBIAN <package>): finds what an example or test with another
# project's library needs, and sets <package>_USED where it is there. Where it is not, one line says so
# and ctest lists a skipped test `<package>_missing`; for a package in LDMAT_REQUIRE_FRAMEWORKS, as the
# gate has them, that is an error.
#
# A macro, so that the package's targets and variables reach the caller.

set(LDMAT_REQUIRE_FRAMEWORKS "" CACHE STRING "Packages whose examples must not be skipped")

macro(ldmat_find_framework package)
  cmake_parse_arguments(ldmat_arg "" "DEBIAN" "" ${ARGN})
  find_package(${package} QUIET)
  ldmat_report_framework(${package} "${${package}_FOUND}" "${${package}_VERSION}"
                         "${ldmat_arg_DEBIAN}")
endmacro()

function(ldmat_report_framework package found version debian_package)
  if(found)
    message(STATUS "ldmat: ${package} ${version}: its example is built")
    set(${package}_USED TRUE PARENT_SCOPE)
    return()
  endif()
  set(${package}_USED FALSE PARENT_SCOPE)
  set(reason "${package} was not found (Debian: ${debian_package})")
  if(package IN_LIST LDMAT_REQUIRE_FRAMEWORKS)
    message(FATAL_ERROR "LDMAT_REQUIRE_FRAMEWORKS names ${package}, but ${reason}")
  endif()
  message(STATUS "ldmat: ${reason}: its example is not built")
  if(LDMAT_BUILD_TESTS)
    add_test(NAME ${package}_missing COMMAND ${CMAKE_COMMAND} -E echo "SKIPPED: ${reason}")
    set_tests_properties(${package}_missing PROPERTIES LABELS frameworks
                         SKIP_REGULAR_EXPRESSION "^SKIPPED")
  endif()
endfunction()
