# refused: Could not find a package configuration file provided by "Eigen3"
if(MUST_FAIL)
  set(CMAKE_FIND_USE_CMAKE_SYSTEM_PATH OFF)
  set(CMAKE_FIND_USE_SYSTEM_ENVIRONMENT_PATH OFF)
endif()
find_package(ldmat CONFIG REQUIRED)
