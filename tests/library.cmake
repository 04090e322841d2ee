# Tests of include/ldmat.
foreach(scalar IN ITEMS float double half bfloat16)
  ldmat_add_test(loss_${scalar} SOURCES test_loss_${scalar}.cpp)
endforeach()
ldmat_add_test(gradient SOURCES test_gradient.cpp)
ldmat_add_test(kernels SOURCES test_kernels.cpp)
ldmat_add_test(accuracy SOURCES test_accuracy.cpp)
ldmat_add_test(reliability SOURCES test_reliability.cpp)
ldmat_add_test(simd SOURCES test_simd.cpp test_convert.cpp)
ldmat_add_test(policies SOURCES test_policies.cpp)
ldmat_add_test(attainable SOURCES test_attainable.cpp)
ldmat_add_test(anchored SOURCES test_anchored.cpp)
ldmat_add_test(quality SOURCES test_quality.cpp test_retrieval.cpp)
ldmat_add_test(inputs SOURCES test_inputs.cpp)
ldmat_add_test(loss SOURCES test_loss.cpp)
ldmat_add_test(matrix SOURCES test_matrix.cpp)
ldmat_add_test(errors SOURCES test_errors.cpp)

# The list of mutations fits the headers; what they do takes minutes (sh cmake/run.sh mutations).
find_package(Python3 3.11 QUIET COMPONENTS Interpreter)
if(Python3_Interpreter_FOUND)
  add_test(NAME mutations_list COMMAND Python3::Interpreter
           "${CMAKE_CURRENT_SOURCE_DIR}/mutations/run.py" --list)
else()
  message(STATUS "ldmat: no test mutations_list: there is no Python 3.11")
endif()

find_package(Threads REQUIRED)
ldmat_add_test(concurrent SOURCES test_concurrent.cpp LIBRARIES Threads::Threads)

# The same again where OpenMP is on: Eigen must start no threads of its own, nor allocate for them.
find_package(OpenMP QUIET COMPONENTS CXX)
if(OpenMP_CXX_FOUND)
  ldmat_add_test(loss_openmp SOURCES test_loss.cpp LIBRARIES OpenMP::OpenMP_CXX)
  set_tests_properties(loss_openmp PROPERTIES ENVIRONMENT OMP_NUM_THREADS=2)
  ldmat_add_test(threads SOURCES test_threads.cpp LIBRARIES OpenMP::OpenMP_CXX)
  set_tests_properties(threads PROPERTIES ENVIRONMENT OMP_NUM_THREADS=4)
endif()

# 800 thousand million operations: only where they are optimized and nothing watches each of them.
if(CMAKE_BUILD_TYPE STREQUAL "Release" AND NOT CMAKE_CXX_FLAGS MATCHES "sanitize")
  ldmat_add_test(memory SOURCES test_memory.cpp)
  if(OpenMP_CXX_FOUND)
    target_link_libraries(test_memory PRIVATE OpenMP::OpenMP_CXX)
  endif()
endif()

if(NOT CMAKE_CXX_FLAGS MATCHES "sanitize")  # the kernels are watched in the other tests
  include("${CMAKE_CURRENT_SOURCE_DIR}/dispatch.cmake")
endif()
