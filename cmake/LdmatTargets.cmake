# ldmat_own_target(<target> [PORTABLE]): warnings and, but for PORTABLE, instruction set of the
# project's own programs. Nothing of it reaches a program that uses the library.

function(ldmat_own_target target)
  cmake_parse_arguments(arg "PORTABLE" "" "" ${ARGN})
  target_link_libraries(${target} PRIVATE ldmat::ldmat)
  set_target_properties(${target} PROPERTIES CXX_EXTENSIONS OFF)
  if(MSVC)
    target_compile_options(${target} PRIVATE /W4 $<$<BOOL:${LDMAT_WARNINGS_AS_ERRORS}>:/WX>)
    return()
  endif()
  target_compile_options(${target} PRIVATE
    -Wall -Wextra -Wpedantic -Wconversion -Wshadow
    $<$<BOOL:${LDMAT_WARNINGS_AS_ERRORS}>:-Werror>
    # GCC 12 reports its own AVX-512 intrinsics (GCC bug 105593).
    $<$<CXX_COMPILER_ID:GNU>:-Wno-uninitialized;-Wno-maybe-uninitialized>
    $<$<AND:$<BOOL:${LDMAT_NATIVE}>,$<NOT:$<BOOL:${arg_PORTABLE}>>>:-march=native>)
endfunction()

# ldmat_add_test(<name> [PORTABLE] SOURCES <file>... [LIBRARIES <target>...]): one doctest program,
# one test.
function(ldmat_add_test name)
  cmake_parse_arguments(arg "PORTABLE" "" "SOURCES;LIBRARIES" ${ARGN})
  add_executable(test_${name} ${arg_SOURCES})
  if(arg_PORTABLE)
    ldmat_own_target(test_${name} PORTABLE)
  else()
    ldmat_own_target(test_${name})
  endif()
  target_link_libraries(test_${name} PRIVATE doctest_main ${arg_LIBRARIES})
  add_test(NAME ${name} COMMAND test_${name})
endfunction()
