# What must compile with flags that others use, what must not compile and how that is said, and names.

# Programs with flags of their own. ldmat_add_flags_test(<name> SOURCES <file>... FLAGS <flag>...)
function(ldmat_add_flags_test name)
  cmake_parse_arguments(arg "" "" "SOURCES;FLAGS;LIBRARIES" ${ARGN})
  list(TRANSFORM arg_SOURCES PREPEND compile/)
  add_executable(test_${name} ${arg_SOURCES})
  ldmat_own_target(test_${name})
  target_compile_options(test_${name} PRIVATE ${arg_FLAGS})
  target_link_libraries(test_${name} PRIVATE ${arg_LIBRARIES})
  add_test(NAME ${name} COMMAND test_${name})
  set_tests_properties(${name} PROPERTIES LABELS compile)
endfunction()

if(NOT CMAKE_CXX_COMPILER_ID MATCHES "GNU|Clang" OR MSVC)
  message(STATUS "ldmat: tests of flags and of compile errors are for GCC and Clang")
  return()
endif()

if(CMAKE_CXX_FLAGS MATCHES "sanitize|coverage")
  return()  # nothing here that the other tests do not show them
endif()

ldmat_add_flags_test(fast_math SOURCES fast_math.cpp FLAGS -ffast-math LIBRARIES doctest_main)
ldmat_add_flags_test(scalars_only SOURCES scalars_only.cpp
                     FLAGS -DXSIMD_NO_SUPPORTED_ARCHITECTURE)
ldmat_add_flags_test(no_exceptions SOURCES no_exceptions.cpp FLAGS -fno-exceptions)
add_test(NAME no_exceptions_message COMMAND sh -c "$<TARGET_FILE:test_no_exceptions> bad 2>&1 || true")
set_tests_properties(no_exceptions_message PROPERTIES LABELS compile PASS_REGULAR_EXPRESSION
  "ldmat: labels has 2 entries, but features has 3 rows: one label per row is needed")

# One program of files with different flags.
set(flags_unoptimized -O0)
set(flags_native -O2 -DNDEBUG -march=native)
set(flags_openmp -O2)
set(widths 1)
if(CMAKE_SYSTEM_PROCESSOR STREQUAL "x86_64" AND NOT CMAKE_CROSSCOMPILING)
  list(APPEND flags_unoptimized -march=x86-64)
  list(APPEND flags_openmp -march=x86-64 -msse4.2)
  execute_process(COMMAND ${CMAKE_CXX_COMPILER} -march=native -dM -E -x c++ /dev/null
                  OUTPUT_VARIABLE macros ERROR_QUIET)
  if(macros MATCHES "__AVX__")
    set(widths 2)
  endif()
endif()
add_executable(test_odr compile/odr_main.cpp)
ldmat_own_target(test_odr PORTABLE)
foreach(unit IN ITEMS unoptimized native openmp)
  add_library(odr_${unit} OBJECT compile/odr_unit.cpp)
  ldmat_own_target(odr_${unit} PORTABLE)
  target_compile_definitions(odr_${unit} PRIVATE LDMAT_ODR_UNIT=odr_${unit})
  target_compile_options(odr_${unit} PRIVATE ${flags_${unit}})
  target_sources(test_odr PRIVATE $<TARGET_OBJECTS:odr_${unit}>)
endforeach()
find_package(OpenMP QUIET COMPONENTS CXX)
if(OpenMP_CXX_FOUND)
  target_link_libraries(odr_openmp PRIVATE OpenMP::OpenMP_CXX)
  target_link_libraries(test_odr PRIVATE OpenMP::OpenMP_CXX)
endif()
add_test(NAME odr COMMAND test_odr ${widths})
set_tests_properties(odr PROPERTIES LABELS compile)

# Tests that call the compiler.
set(folder "${CMAKE_CURRENT_SOURCE_DIR}/compile")
set(work "${CMAKE_CURRENT_BINARY_DIR}/compile")
separate_arguments(flags UNIX_COMMAND "${CMAKE_CXX_FLAGS}")
set(arguments -std=c++20 ${flags}
              "-I$<JOIN:$<TARGET_PROPERTY:test_fast_math,INCLUDE_DIRECTORIES>,$<SEMICOLON>-I>")

set(header "${PROJECT_SOURCE_DIR}/include/ldmat/ldmat.hpp")
file(MAKE_DIRECTORY "${work}/ldmat")
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  set(precompiled "${work}/ldmat/ldmat.hpp.gch")  # found before the header itself
  set(precompiler ${CMAKE_CXX_COMPILER})
  set(user ${CMAKE_CXX_COMPILER} "-I${work}")
else()
  set(precompiled "${work}/ldmat.pch")
  set(precompiler ${CMAKE_CXX_COMPILER} -Wno-pragma-once-outside-header)
  set(user ${CMAKE_CXX_COMPILER} -include-pch "${precompiled}")
endif()
add_test(NAME precompiled_header
         COMMAND ${precompiler} ${arguments} -x c++-header "${header}" -o "${precompiled}"
         COMMAND_EXPAND_LISTS)
set_tests_properties(precompiled_header PROPERTIES FIXTURES_SETUP precompiled_header LABELS compile)
file(GLOB sources CONFIGURE_DEPENDS "${folder}/refused/*.cpp")
foreach(source IN LISTS sources)
  get_filename_component(name "${source}" NAME_WE)
  add_test(NAME refused_${name}
           COMMAND ${CMAKE_COMMAND} "-DSOURCE=${source}" -P "${folder}/refused.cmake" --
                   ${user} ${arguments} -w -fsyntax-only COMMAND_EXPAND_LISTS)
  set_tests_properties(refused_${name} PROPERTIES
    FIXTURES_REQUIRED precompiled_header LABELS compile)
endforeach()
add_test(NAME names
         COMMAND ${CMAKE_COMMAND} "-DINCLUDE=${PROJECT_SOURCE_DIR}/include"
                 "-DSOURCE=${folder}/names.cpp" "-DNM=${CMAKE_NM}" "-DWORK=${work}"
                 -P "${folder}/names.cmake" -- ${CMAKE_CXX_COMPILER} ${arguments}
         COMMAND_EXPAND_LISTS)
set_tests_properties(names PROPERTIES LABELS compile)
