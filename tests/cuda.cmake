# Tests of include/ldmat/cuda: every kernel and launch on the serial device, with a C++ compiler only;
# and, with LDMAT_WITH_CUDA, compiled by nvcc and run where there is a GPU.

foreach(scalar IN ITEMS float double half)
  add_library(serial_device_${scalar} OBJECT cuda/serial_${scalar}.cpp)
  ldmat_own_target(serial_device_${scalar})
  target_include_directories(serial_device_${scalar} PRIVATE "${CMAKE_CURRENT_SOURCE_DIR}")
  list(APPEND serial_objects $<TARGET_OBJECTS:serial_device_${scalar}>)
endforeach()
ldmat_add_test(cuda_loss SOURCES cuda/test_device_loss.cpp ${serial_objects})
