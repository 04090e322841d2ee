# One source is compiled twice: as it is it must be accepted, and with LDMAT_MUST_FAIL, which switches
# the line in question, be refused. The first lines that the compiler then prints must hold what the
# first line of the source asks for, a regular expression: a newcomer reads no more than them.
# Passed: SOURCE and, after "--", the compiler with its arguments.
cmake_minimum_required(VERSION 3.22)
set(most_lines 15)

include("${CMAKE_CURRENT_LIST_DIR}/command.cmake")

file(STRINGS "${SOURCE}" expected LIMIT_COUNT 1)
if(NOT expected MATCHES "^// refused: (.+)$")
  message(FATAL_ERROR "${SOURCE}: the first line must be `// refused: <regular expression>`")
endif()
set(expected "${CMAKE_MATCH_1}")

set(ENV{LC_ALL} C)
execute_process(COMMAND ${command} "${SOURCE}" RESULT_VARIABLE result
                OUTPUT_VARIABLE output ERROR_VARIABLE output)
if(NOT result EQUAL 0)
  message(FATAL_ERROR "${SOURCE} must compile as it is:\n${output}")
endif()

execute_process(COMMAND ${command} -DLDMAT_MUST_FAIL "${SOURCE}" RESULT_VARIABLE result
                OUTPUT_VARIABLE output ERROR_VARIABLE output)
if(result EQUAL 0)
  message(FATAL_ERROR "${SOURCE} must not compile with LDMAT_MUST_FAIL")
endif()
set(rest "${output}")
set(head "")
foreach(line RANGE 1 ${most_lines})
  string(FIND "${rest}" "\n" end)
  if(end EQUAL -1)
    string(APPEND head "${rest}")
    break()
  endif()
  math(EXPR end "${end} + 1")
  string(SUBSTRING "${rest}" 0 ${end} text)
  string(SUBSTRING "${rest}" ${end} -1 rest)
  string(APPEND head "${text}")
endforeach()
if(NOT head MATCHES "${expected}")
  message(FATAL_ERROR "The first ${most_lines} lines do not say \"${expected}\":\n${head}")
endif()
string(REGEX MATCH "[^\n]*${expected}[^\n]*" said "${head}")
message(STATUS "${said}")
