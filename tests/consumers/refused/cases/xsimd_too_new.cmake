# refused: ldmat needs xsimd >= 8\.1 and < 15, but this is 15\.0\.0
set(version 14.3.0)
if(MUST_FAIL)
  set(version 15.0.0)
endif()
set(xsimd_DIR "${CMAKE_BINARY_DIR}/xsimd")
file(WRITE "${xsimd_DIR}/xsimdConfig.cmake" "add_library(xsimd INTERFACE IMPORTED)\n")
file(WRITE "${xsimd_DIR}/xsimdConfigVersion.cmake"
     "set(PACKAGE_VERSION ${version})\nset(PACKAGE_VERSION_COMPATIBLE TRUE)\n")
find_package(ldmat CONFIG REQUIRED)
