# Tests of include/ldmat/cuda: every kernel and launch on the serial device, with a C++ compiler only;
# and, with LDMAT_WITH_CUDA, compiled by nvcc and run where there is a GPU.

ldmat_add_test(cuda SOURCES cuda/test_cuda.cpp)

# Many types, and so a minute of compilation: in one build of the three that CI makes.
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND NOT CMAKE_CXX_FLAGS MATCHES "sanitize")
  foreach(scalar IN ITEMS float double half)
    add_library(serial_device_${scalar} OBJECT cuda/serial_${scalar}.cpp)
    ldmat_own_target(serial_device_${scalar})
    target_include_directories(serial_device_${scalar} PRIVATE "${CMAKE_CURRENT_SOURCE_DIR}")
    list(APPEND serial_objects $<TARGET_OBJECTS:serial_device_${scalar}>)
  endforeach()
  ldmat_add_test(cuda_loss SOURCES cuda/test_device_loss.cpp ${serial_objects})
endif()

if(LDMAT_WITH_CUDA)
  foreach(scalar IN ITEMS float double half)
    add_library(gpu_${scalar} OBJECT cuda/gpu_${scalar}.cu)
    ldmat_own_cuda_target(gpu_${scalar})
    target_include_directories(gpu_${scalar} PRIVATE "${CMAKE_CURRENT_SOURCE_DIR}")
    list(APPEND gpu_objects $<TARGET_OBJECTS:gpu_${scalar}>)
  endforeach()
  # Eigen's matrices cross from .cu to .cpp, and nvcc aligns them as the oldest processor would.
  ldmat_add_test(gpu_loss PORTABLE SOURCES cuda/test_device_loss.cpp ${gpu_objects} LIBRARIES ldmat::cuda)
  add_library(cuda_snippets OBJECT docs/snippets_cuda.cu)
  ldmat_own_cuda_target(cuda_snippets)
  # The others are compiled for one kind of GPU, or for those that the caller names; this one for each
  # that the toolkit knows, which takes the assembler to task.
  execute_process(COMMAND "${CMAKE_CUDA_COMPILER}" --list-gpu-arch OUTPUT_VARIABLE known)
  string(REGEX MATCHALL "compute_[0-9]+" known "${known}")
  list(TRANSFORM known REPLACE "compute_([0-9]+)" "\\1-real")
  if(known)
    set_target_properties(cuda_snippets PROPERTIES CUDA_ARCHITECTURES "${known}")
  endif()
  add_executable(gpu_calls cuda/gpu_calls.cu)
  ldmat_own_cuda_target(gpu_calls)
  add_test(NAME gpu_calls COMMAND gpu_calls)
  # What needs a GPU and finds none is skipped, and says so.
  set_tests_properties(gpu_loss gpu_calls PROPERTIES LABELS gpu SKIP_REGULAR_EXPRESSION "NO GPU")
endif()
