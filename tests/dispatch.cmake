# Tests of ldmat::dispatch.

ldmat_add_test(dispatch PORTABLE SOURCES test_dispatch.cpp LIBRARIES ldmat::dispatch)

if(CMAKE_NM AND NOT MSVC)
  get_property(objects GLOBAL PROPERTY ldmat_dispatch_objects)
  list(TRANSFORM objects REPLACE "(.+)" "$<JOIN:$<TARGET_OBJECTS:\\1>,|>")
  list(JOIN objects "|" objects)
  add_test(NAME dispatch_symbols COMMAND ${CMAKE_COMMAND} "-DNM=${CMAKE_NM}" "-DOBJECTS=${objects}"
           -P "${CMAKE_CURRENT_SOURCE_DIR}/check_dispatch_symbols.cmake")
endif()

# The same program on processors that this machine need not have.
find_program(LDMAT_QEMU qemu-x86_64)
if(LDMAT_QEMU AND CMAKE_SYSTEM_PROCESSOR STREQUAL "x86_64")
  foreach(processor IN ITEMS "Nehalem|baseline" "Haswell|AVX2 + FMA")
    string(REPLACE "|" ";" processor "${processor}")
    list(GET processor 0 model)
    list(GET processor 1 set)
    add_test(NAME dispatch_on_${model}
             COMMAND "${LDMAT_QEMU}" -cpu ${model} $<TARGET_FILE:test_dispatch>)
    set_tests_properties(dispatch_on_${model} PROPERTIES
      ENVIRONMENT "LDMAT_EXPECT_SET=${set};OMP_NUM_THREADS=2")
  endforeach()
else()
  message(STATUS "ldmat: no qemu-x86_64: dispatch is tested on this processor only")
endif()
