# The package's component cuda, with a CUDA toolkit that is only a module for find_package, so that it is
# tested on any machine: how ldmat::cuda is installed, found with the toolkit, and refused without it.
# cmake -DSOURCE=<ldmat> -DWORK=<folder> -DCXX=<compiler> -P run.cmake
cmake_minimum_required(VERSION 3.22)
file(REMOVE_RECURSE "${WORK}")
set(modules "-DCMAKE_MODULE_PATH=${CMAKE_CURRENT_LIST_DIR}/modules")

execute_process(
  COMMAND "${CMAKE_COMMAND}" -S "${SOURCE}" -B "${WORK}/ldmat" -DCMAKE_CXX_COMPILER=${CXX} ${modules}
          -DLDMAT_BUILD_TESTS=OFF -DLDMAT_BUILD_EXAMPLES=OFF -DLDMAT_WITH_CUDA=ON
  COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND "${CMAKE_COMMAND}" --install "${WORK}/ldmat" --prefix "${WORK}/prefix"
                OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)

set(configure "${CMAKE_COMMAND}" -S "${CMAKE_CURRENT_LIST_DIR}" -DCMAKE_CXX_COMPILER=${CXX} ${modules}
              "-DCMAKE_PREFIX_PATH=${WORK}/prefix")
execute_process(COMMAND ${configure} -B "${WORK}/with" COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND ${configure} -B "${WORK}/without" -DLDMAT_NO_TOOLKIT=ON
                RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
string(REGEX REPLACE "[ \n]+" " " output "${output}")
if(result EQUAL 0 OR NOT output MATCHES "component cuda needs the CUDA toolkit, which was not found")
  message(FATAL_ERROR "without the toolkit the component must be refused with these words:\n${output}")
endif()
message(STATUS "${CMAKE_MATCH_0}")
