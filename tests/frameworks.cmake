# Tests of what binds ldmat to other projects; the examples beside them are in examples/CMakeLists.txt.

ldmat_find_framework(Torch DEBIAN libtorch-dev)
if(Torch_USED)
  ldmat_add_test(torch SOURCES frameworks/test_torch.cpp LIBRARIES ${TORCH_LIBRARIES})
  set_tests_properties(torch PROPERTIES LABELS frameworks)
endif()
