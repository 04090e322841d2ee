# refused: ldmat needs Eigen3 >= 3\.4 and < 6, but this is 3\.3\.9
set(version 5.0.1)
if(MUST_FAIL)
  set(version 3.3.9)
endif()
set(Eigen3_DIR "${CMAKE_BINARY_DIR}/eigen")
file(WRITE "${Eigen3_DIR}/Eigen3Config.cmake" "add_library(Eigen3::Eigen INTERFACE IMPORTED)\n")
file(WRITE "${Eigen3_DIR}/Eigen3ConfigVersion.cmake"
     "set(PACKAGE_VERSION ${version})\nset(PACKAGE_VERSION_COMPATIBLE TRUE)\n")
find_package(ldmat CONFIG REQUIRED)
