# Tests of include/ldmat.
foreach(scalar IN ITEMS float double half bfloat16)
  ldmat_add_test(loss_${scalar} SOURCES test_loss_${scalar}.cpp)
endforeach()
ldmat_add_test(gradient SOURCES test_gradient.cpp)
ldmat_add_test(kernels SOURCES test_kernels.cpp)
ldmat_add_test(policies SOURCES test_policies.cpp)
