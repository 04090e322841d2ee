# Tests of include/ldmat.
foreach(scalar IN ITEMS float double half bfloat16)
  ldmat_add_test(loss_${scalar} SOURCES test_loss_${scalar}.cpp)
endforeach()
