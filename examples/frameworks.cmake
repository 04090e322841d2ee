# One program for each library of other people; each is also a test (docs/frameworks.md).

# ldmat_add_framework_example(<name> LIBRARIES <target>...): examples/<name>/<name>.cpp
function(ldmat_add_framework_example name)
  cmake_parse_arguments(arg "" "" "LIBRARIES" ${ARGN})
  add_executable(example_${name} ${name}/${name}.cpp)
  ldmat_own_target(example_${name})
  target_link_libraries(example_${name} PRIVATE ${arg_LIBRARIES})
  if(LDMAT_BUILD_TESTS)
    add_test(NAME example_${name} COMMAND example_${name})
    set_tests_properties(example_${name} PROPERTIES LABELS frameworks)
  endif()
endfunction()

# ldmat_find_headers(<package> <header> <library or ""> [<suffix>...]): for libraries that are found by
# their files; makes the target <package>_files.
macro(ldmat_find_headers package header library)
  find_path(${package}_INCLUDE_DIR ${header}
            HINTS "${${package}_ROOT}" PATH_SUFFIXES ${ARGN})
  set(${package}_FOUND ${${package}_INCLUDE_DIR})
  if(NOT "${library}" STREQUAL "")
    find_library(${package}_LIBRARY ${library})
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

# Debian's libopencv-core-dev has no package configuration; the one of libopencv-dev wants all modules.
ldmat_find_headers(OpenCV opencv2/core.hpp opencv_core opencv4)
ldmat_report_framework(OpenCV "${OpenCV_FOUND}" "" libopencv-core-dev)
if(OpenCV_USED)
  ldmat_add_framework_example(opencv LIBRARIES OpenCV_files)
endif()

# The compiler's own, where it has one; else a folder with cuda/std/mdspan or experimental/mdspan, given
# by -Dmdspan_ROOT. `sh cmake/run.sh frameworks` takes the former from PyPI's nvidia-cuda-cccl.
ldmat_find_headers(mdspan cuda/std/mdspan "" include/cccl nvidia/cu13/include/cccl)
if(NOT mdspan_FOUND)
  ldmat_find_headers(mdspan experimental/mdspan "")
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
