# refused: component cuda was not installed; configure ldmat with -DLDMAT_WITH_CUDA=ON
set(components COMPONENTS ldmat)
if(MUST_FAIL)
  list(APPEND components cuda)
endif()
find_package(ldmat CONFIG REQUIRED ${components})
