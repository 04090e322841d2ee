# refused: dependency.*Eigen3 could not be found
if(MUST_FAIL)
  set(CMAKE_DISABLE_FIND_PACKAGE_Eigen3 ON)
endif()
find_package(ldmat CONFIG REQUIRED)
