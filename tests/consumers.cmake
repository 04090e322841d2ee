# The ways into other projects: each section of docs/using.md is done as it says, in
# build/<preset>/consumers, with the files of tests/consumers (tests/consumers/run.py).
if(NOT UNIX OR NOT CMAKE_BUILD_TYPE STREQUAL "Release" OR CMAKE_CXX_FLAGS MATCHES "sanitize|coverage"
   OR CMAKE_CROSSCOMPILING)
  return()  # once is enough: how ldmat is packaged does not depend on it
endif()
find_package(Python3 QUIET COMPONENTS Interpreter)
if(NOT Python3_Interpreter_FOUND)
  message(STATUS "ldmat: no tests of consumers: there is no Python 3")
  return()
endif()

add_test(NAME release COMMAND Python3::Interpreter "${CMAKE_CURRENT_SOURCE_DIR}/test_release.py")
set_tests_properties(release PROPERTIES LABELS consumers)

set(folder "${CMAKE_CURRENT_SOURCE_DIR}/consumers")
set(work "${PROJECT_BINARY_DIR}/consumers")

function(ldmat_add_consumer name)
  string(REPLACE "-" "_" test "consumer_${name}")
  if(name STREQUAL "vcpkg")
    set(test consumer_vcpkg_tool)
  endif()
  add_test(NAME ${test}
           COMMAND Python3::Interpreter "${folder}/run.py" ${name} --work "${work}"
                   --cxx "${CMAKE_CXX_COMPILER}" ${ARGN})
  set_tests_properties(${test} PROPERTIES LABELS consumers SKIP_RETURN_CODE 77)
endfunction()

set(ways subdirectory fetchcontent install pkg-config archive conan single-header plain)
ldmat_add_consumer(page --ways ${ways} dispatch vcpkg)
foreach(name IN LISTS ways)
  ldmat_add_consumer(${name})
endforeach()
# What later ones use: $HOME/ldmat, and the archive of the sources.
set_tests_properties(consumer_install PROPERTIES FIXTURES_SETUP consumer_install)
set_tests_properties(consumer_pkg_config PROPERTIES FIXTURES_REQUIRED consumer_install)
set_tests_properties(consumer_fetchcontent PROPERTIES FIXTURES_SETUP consumer_archive)
set_tests_properties(consumer_conan PROPERTIES COST 20)

if(LDMAT_WITH_DISPATCH AND LDMAT_INSTALL)
  ldmat_add_consumer(dispatch --installed "${PROJECT_BINARY_DIR}")
else()
  message(STATUS "ldmat: no test consumer_dispatch: LDMAT_WITH_DISPATCH or LDMAT_INSTALL is off")
endif()

add_test(NAME consumer_vcpkg
         COMMAND Python3::Interpreter "${PROJECT_SOURCE_DIR}/cmake/packaging/vcpkg/check.py"
                 --work "${work}/vcpkg_port" --archive "${work}/fetchcontent/ldmat-${PROJECT_VERSION}.tar.gz")
set_tests_properties(consumer_vcpkg PROPERTIES LABELS consumers FIXTURES_REQUIRED consumer_archive)
find_program(LDMAT_VCPKG vcpkg)
if(LDMAT_VCPKG)
  ldmat_add_consumer(vcpkg)
  set_tests_properties(consumer_vcpkg_tool PROPERTIES TIMEOUT 600)
endif()

add_test(NAME consumer_refused
         COMMAND ${CMAKE_COMMAND} "-DPREFIX=${work}/home/ldmat" "-DWORK=${work}/refused"
                 "-DCXX=${CMAKE_CXX_COMPILER}" -P "${folder}/refused/run.cmake")
set_tests_properties(consumer_refused PROPERTIES LABELS consumers FIXTURES_REQUIRED consumer_install)

if(DEFINED LDMAT_WITH_CUDA)
  add_test(NAME consumer_cuda_component
           COMMAND ${CMAKE_COMMAND} "-DSOURCE=${PROJECT_SOURCE_DIR}" "-DWORK=${work}/cuda_component"
                   "-DCXX=${CMAKE_CXX_COMPILER}" -P "${folder}/cuda_component/run.cmake")
  set_tests_properties(consumer_cuda_component PROPERTIES LABELS consumers)
endif()
