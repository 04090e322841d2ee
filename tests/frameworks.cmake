# Tests of what binds ldmat to other projects; the examples are in examples/frameworks.cmake.

if(TARGET example_libtorch)
  find_package(Torch QUIET)  # imported targets are seen only where they were found
  ldmat_add_test(torch SOURCES frameworks/test_torch.cpp LIBRARIES ${TORCH_LIBRARIES})
  target_compile_options(test_torch PRIVATE $<$<CONFIG:Release>:-O1>)  # a quarter less to compile
  set_tests_properties(torch PROPERTIES LABELS frameworks)
  add_dependencies(ldmat_frameworks test_torch)
endif()
