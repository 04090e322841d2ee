# One program for each library of other people; each is also a test (docs/frameworks.md).

add_custom_target(ldmat_frameworks)  # all of them

# ldmat_add_framework_example(<name> LIBRARIES <target>...): examples/<name>/<name>.cpp
function(ldmat_add_framework_example name)
  cmake_parse_arguments(arg "" "" "LIBRARIES" ${ARGN})
  add_executable(example_${name} ${name}/${name}.cpp)
  ldmat_own_target(example_${name})
  target_link_libraries(example_${name} PRIVATE ${arg_LIBRARIES})
  target_compile_options(example_${name} PRIVATE $<$<CONFIG:Release>:-O1>)  # less to compile
  add_dependencies(ldmat_frameworks example_${name})
  if(LDMAT_BUILD_TESTS)
    add_test(NAME example_${name} COMMAND example_${name})
    set_tests_properties(example_${name} PROPERTIES LABELS frameworks)
  endif()
endfunction()

# ldmat_find_headers(<package> <header> <library or ""> [<suffix>...]): for libraries that are found
# by their files, also below <package>_ROOT; makes the target <package>_files.
macro(ldmat_find_headers package header library)
  find_path(${package}_INCLUDE_DIR ${header}
            HINTS "${${package}_ROOT}" PATH_SUFFIXES ${ARGN})
  set(${package}_FOUND ${${package}_INCLUDE_DIR})
  if(NOT "${library}" STREQUAL "")
    find_library(${package}_LIBRARY ${library}
                 HINTS "${${package}_ROOT}" PATH_SUFFIXES lib lib64)
    if(NOT ${package}_LIBRARY)
      set(${package}_FOUND FALSE)
    endif()
  endif()
  if(${package}_FOUND)
    add_library(${package}_files INTERFACE IMPORTED)
    target_include_directories(${package}_files INTERFACE "${${package}_INCLUDE_DIR}")
    if(NOT "${library}" STREQUAL "")
      target_link_libraries(${package}_files INTERFACE "${${package}_LIBRARY}")
    endif()
  endif()
endmacro()

ldmat_find_framework(Torch DEBIAN libtorch-dev)
if(Torch_USED)
  ldmat_add_framework_example(libtorch LIBRARIES ${TORCH_LIBRARIES} ldmat_train_lib)
endif()

ldmat_find_framework(dlib DEBIAN libdlib-dev)
if(dlib_USED)
  ldmat_add_framework_example(dlib LIBRARIES dlib::dlib)
endif()

ldmat_find_framework(xtensor DEBIAN libxtensor-dev)
if(xtensor_USED)
  ldmat_add_framework_example(xtensor LIBRARIES xtensor)
endif()

# Debian's libopencv-core-dev has no package configuration; that of libopencv-dev wants all modules.
ldmat_find_headers(OpenCV opencv2/core.hpp opencv_core opencv4)
ldmat_report_framework(OpenCV "${OpenCV_FOUND}" "" libopencv-core-dev)
if(OpenCV_USED)
  ldmat_add_framework_example(opencv LIBRARIES OpenCV_files)
endif()

# A folder with cuda/std/mdspan or mdspan/mdspan.hpp. `sh cmake/run.sh frameworks` takes the former
# from PyPI's nvidia-cuda-cccl. A compiler's own is used where the program is built as C++23.
ldmat_find_headers(mdspan cuda/std/mdspan "" include/cccl nvidia/cu13/include/cccl)
if(NOT mdspan_FOUND)
  ldmat_find_headers(mdspan mdspan/mdspan.hpp "" include)
endif()
ldmat_report_framework(mdspan "${mdspan_FOUND}" "" "none; PyPI: nvidia-cuda-cccl")
if(mdspan_USED)
  ldmat_add_framework_example(mdspan LIBRARIES mdspan_files)
endif()

# Not in Debian 12. Armadillo is what its headers need.
ldmat_find_headers(ensmallen ensmallen.hpp armadillo include)
ldmat_report_framework(ensmallen "${ensmallen_FOUND}" "" none)
if(ensmallen_USED)
  ldmat_add_framework_example(ensmallen LIBRARIES ensmallen_files)
endif()

# The Python package, installed by pip into the build folder and tested from there, for the PyTorch of
# the first of these interpreters that has one.
set(PyTorch_FOUND FALSE)
foreach(python IN ITEMS "${LDMAT_PYTHON}" /usr/bin/python3 python3)
  if(NOT PyTorch_FOUND AND NOT python STREQUAL "")
    execute_process(COMMAND "${python}" -c "import torch, setuptools, pip; print(torch.__version__)"
                    RESULT_VARIABLE failed OUTPUT_VARIABLE PyTorch_VERSION ERROR_QUIET
                    OUTPUT_STRIP_TRAILING_WHITESPACE)
    if(failed STREQUAL "0")
      set(PyTorch_FOUND TRUE)
      set(pytorch_python "${python}")
    endif()
  endif()
endforeach()
ldmat_report_framework(PyTorch "${PyTorch_FOUND}" "${PyTorch_VERSION}"
                       "python3-torch python3-pip")
if(PyTorch_USED AND LDMAT_BUILD_TESTS)
  set(folder "${CMAKE_CURRENT_SOURCE_DIR}/pytorch")
  set(site "${CMAKE_CURRENT_BINARY_DIR}/pytorch/site")
  set(environment "LDMAT_BUILD_DIR=${CMAKE_CURRENT_BINARY_DIR}/pytorch")
  if(CMAKE_CXX_COMPILER_LAUNCHER MATCHES "ccache" AND EXISTS /usr/lib/ccache/g++)
    list(APPEND environment CXX=/usr/lib/ccache/g++)
  endif()
  add_test(NAME pytorch_package COMMAND "${pytorch_python}" -m pip --disable-pip-version-check install
           --no-build-isolation --no-deps --no-index --upgrade --target "${site}" "${folder}")
  set_tests_properties(pytorch_package PROPERTIES LABELS frameworks FIXTURES_SETUP pytorch_package
                       ENVIRONMENT "${environment}")
  add_test(NAME pytorch COMMAND "${pytorch_python}" "${folder}/test_ldmat_torch.py")
  set_tests_properties(pytorch PROPERTIES LABELS frameworks FIXTURES_REQUIRED pytorch_package
                       ENVIRONMENT "PYTHONPATH=${site}")
endif()
