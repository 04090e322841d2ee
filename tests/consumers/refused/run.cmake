# What find_package(ldmat) must refuse, and with which words: the first line of each file of cases/.
# cmake -DPREFIX=<installed ldmat> -DWORK=<folder> -DCXX=<compiler> -P run.cmake
cmake_minimum_required(VERSION 3.22)

file(GLOB cases "${CMAKE_CURRENT_LIST_DIR}/cases/*.cmake")
list(LENGTH cases count)
if(count LESS 10)
  message(FATAL_ERROR "only ${count} cases were found")
endif()
file(REMOVE_RECURSE "${WORK}")
file(STRINGS "${PREFIX}/include/ldmat/version.hpp" lines REGEX "#define LDMAT_VERSION_")
string(REGEX MATCHALL "[0-9]+" version "${lines}")
list(GET version 0 major)
list(GET version 1 minor)

function(configure must_fail result output)
  execute_process(
    COMMAND "${CMAKE_COMMAND}" -S "${CMAKE_CURRENT_LIST_DIR}" -B "${WORK}" -DCMAKE_CXX_COMPILER=${CXX}
            "-UEigen3_DIR" "-Uxsimd_DIR" "-Uldmat_DIR" "-DCMAKE_PREFIX_PATH=${PREFIX}" -DCASE=${name}
            -DMAJOR=${major} -DMINOR=${minor}
            -DMUST_FAIL=${must_fail}
    RESULT_VARIABLE code OUTPUT_VARIABLE text ERROR_VARIABLE text)
  set(${result} "${code}" PARENT_SCOPE)
  string(REGEX REPLACE "[ \n]+" " " text "${text}")  # CMake breaks lines where it likes
  set(${output} "${text}" PARENT_SCOPE)
endfunction()

foreach(case IN LISTS cases)
  get_filename_component(name "${case}" NAME_WE)
  file(STRINGS "${case}" expected LIMIT_COUNT 1)
  if(NOT expected MATCHES "^# refused: (.+)$")
    message(FATAL_ERROR "${case}: the first line must be `# refused: <regular expression>`")
  endif()
  set(expected "${CMAKE_MATCH_1}")
  configure(OFF result output)
  if(NOT result EQUAL 0 OR NOT output MATCHES "accepted")
    message(FATAL_ERROR "${name}: must be accepted as it is:\n${output}")
  endif()
  configure(ON result output)
  if(result EQUAL 0)
    message(FATAL_ERROR "${name}: must be refused with MUST_FAIL:\n${output}")
  endif()
  if(NOT output MATCHES "${expected}")
    message(FATAL_ERROR "${name}: refused, but not with the words \"${expected}\":\n${output}")
  endif()
  message(STATUS "${name}: ${CMAKE_MATCH_0}")
endforeach()
