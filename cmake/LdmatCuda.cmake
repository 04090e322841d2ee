# ldmat_add_cuda(): the target ldmat::cuda, headers for .cu files and what they link. Nothing is compiled
# for it: whoever includes ldmat/cuda/loss.hpp does, with nvcc.
#
# ldmat_own_cuda_target(<target>): warnings of the project's own .cu files.

function(ldmat_add_cuda)
  find_package(CUDAToolkit QUIET)
  if(NOT CUDAToolkit_FOUND)
    message(FATAL_ERROR "LDMAT_WITH_CUDA is ON, but CMake finds no CUDA toolkit. Say where it is with "
            "-DCUDAToolkit_ROOT=<prefix>, or leave LDMAT_WITH_CUDA off: the CPU's loss needs none.")
  endif()
  if(CUDAToolkit_VERSION VERSION_LESS 12)
    message(FATAL_ERROR "ldmat::cuda needs CUDA 12 or newer, for C++20, but this is "
            "${CUDAToolkit_VERSION} (${CUDAToolkit_BIN_DIR}).")
  endif()
  message(STATUS "ldmat: CUDA ${CUDAToolkit_VERSION} (${CUDAToolkit_BIN_DIR})")
  add_library(ldmat_cuda INTERFACE)
  add_library(ldmat::cuda ALIAS ldmat_cuda)
  set_target_properties(ldmat_cuda PROPERTIES EXPORT_NAME cuda)
  target_link_libraries(ldmat_cuda INTERFACE ldmat CUDA::cudart CUDA::cublas)
  if(CMAKE_VERSION VERSION_LESS 3.26)  # does not know that nvcc has C++20
    target_compile_options(ldmat_cuda INTERFACE $<$<COMPILE_LANGUAGE:CUDA>:-std=c++20>)
  else()
    target_compile_features(ldmat_cuda INTERFACE cuda_std_20)
  endif()
  # Eigen calls constexpr functions of the standard library on the device, and says to use this.
  target_compile_options(ldmat_cuda INTERFACE $<$<COMPILE_LANGUAGE:CUDA>:--expt-relaxed-constexpr>)
endfunction()

# A macro, so that what enable_language sets is seen where it is called.
macro(ldmat_enable_cuda)
  if(NOT CMAKE_CUDA_COMPILER AND NOT DEFINED ENV{CUDACXX})
    find_program(LDMAT_NVCC nvcc HINTS "${CUDAToolkit_BIN_DIR}")
    if(LDMAT_NVCC)
      set(CMAKE_CUDA_COMPILER "${LDMAT_NVCC}")
    endif()
  endif()
  if(NOT DEFINED CMAKE_CUDA_ARCHITECTURES)
    # Code for the oldest GPU, which a driver translates for any newer one.
    set(CMAKE_CUDA_ARCHITECTURES 75-virtual)
  endif()
  enable_language(CUDA)
endmacro()

function(ldmat_own_cuda_target target)
  target_link_libraries(${target} PRIVATE ldmat::cuda)
  set_target_properties(${target} PROPERTIES CUDA_EXTENSIONS OFF)
  if(MSVC)
    return()
  endif()
  target_compile_options(${target} PRIVATE
    $<$<COMPILE_LANGUAGE:CUDA>:-Xcompiler=-Wall,-Wextra,-Wconversion,-Wshadow>
    $<$<AND:$<COMPILE_LANGUAGE:CUDA>,$<BOOL:${LDMAT_WARNINGS_AS_ERRORS}>>:-Werror=all-warnings>)
endfunction()
