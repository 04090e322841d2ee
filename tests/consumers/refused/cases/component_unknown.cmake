# refused: component metal does not exist; there are ldmat, dispatch and cuda
if(MUST_FAIL)
  set(components COMPONENTS metal)
endif()
find_package(ldmat CONFIG REQUIRED ${components})
