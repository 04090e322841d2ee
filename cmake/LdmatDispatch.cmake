# ldmat_add_dispatch(): the target ldmat::dispatch, kernels compiled for several instruction sets, and
# compiled only where something links it or LDMAT_WITH_DISPATCH is on. See
# include/ldmat/dispatch/dispatch.hpp.

function(ldmat_add_dispatch)
  set(folder "${PROJECT_SOURCE_DIR}/include/ldmat/dispatch")
  set(sets baseline)
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64)$")
    list(APPEND sets avx2 avx512)
    # The flags of the whole build may ask for more than an old processor has; the last one counts.
    set(baseline_flags -march=x86-64)
    set(avx2_flags -march=x86-64 -mavx2 -mfma -mf16c -mtune=haswell)
    set(avx512_flags ${avx2_flags} -mavx512f -mavx512dq -mavx512cd -mavx512bw -mavx512vl)
    if(MSVC)
      set(baseline_flags)
      set(avx2_flags /arch:AVX2)
      set(avx512_flags /arch:AVX512)
    endif()
  endif()

  add_library(ldmat_dispatch STATIC EXCLUDE_FROM_ALL "${folder}/dispatch.cpp")
  add_library(ldmat::dispatch ALIAS ldmat_dispatch)
  set_target_properties(ldmat_dispatch PROPERTIES EXPORT_NAME dispatch CXX_EXTENSIONS OFF
                        POSITION_INDEPENDENT_CODE ON)
  target_link_libraries(ldmat_dispatch PUBLIC ldmat)
  target_compile_options(ldmat_dispatch PRIVATE ${baseline_flags})
  target_compile_definitions(ldmat_dispatch INTERFACE LDMAT_DISPATCH)
  if(LDMAT_WITH_DISPATCH)
    set_target_properties(ldmat_dispatch PROPERTIES EXCLUDE_FROM_ALL FALSE)
  endif()
  find_package(OpenMP QUIET COMPONENTS CXX)
  # For LdmatInstall.cmake: what the package has to find again.
  set_property(GLOBAL PROPERTY ldmat_dispatch_openmp "${OpenMP_CXX_FOUND}")
  if(OpenMP_CXX_FOUND)
    target_link_libraries(ldmat_dispatch PRIVATE OpenMP::OpenMP_CXX)
  endif()
  if(NOT MSVC)
    # With less, functions of the standard library would be kept under names that other files use too,
    # and a program could call one compiled for a processor that it does not run on. Visual C++'s
    # Debug builds are not looked after here.
    target_compile_options(ldmat_dispatch PRIVATE $<$<NOT:$<CONFIG:Release,RelWithDebInfo>>:-O2>)
  endif()

  foreach(set IN LISTS sets)
    foreach(scalar IN ITEMS float double)
      set(object ldmat_dispatch_${set}_${scalar})
      add_library(${object} OBJECT EXCLUDE_FROM_ALL "${folder}/compiled.cpp")
      set_target_properties(${object} PROPERTIES CXX_EXTENSIONS OFF POSITION_INDEPENDENT_CODE ON)
      target_link_libraries(${object} PRIVATE ldmat)
      if(OpenMP_CXX_FOUND)
        target_link_libraries(${object} PRIVATE OpenMP::OpenMP_CXX)
      endif()
      target_compile_definitions(${object} PRIVATE LDMAT_COMPILED_FOR=${set}
                                 LDMAT_COMPILED_SCALAR=${scalar})
      if(set STREQUAL "avx2" AND scalar STREQUAL "float")
        target_compile_definitions(${object} PRIVATE LDMAT_COMPILED_HALVES)
      endif()
      target_compile_options(${object} PRIVATE ${${set}_flags})
      if(NOT MSVC)
        target_compile_options(${object} PRIVATE $<$<NOT:$<CONFIG:Release,RelWithDebInfo>>:-O2>)
      endif()
      target_sources(ldmat_dispatch PRIVATE $<TARGET_OBJECTS:${object}>)
      set_property(GLOBAL APPEND PROPERTY ldmat_dispatch_objects ${object})
    endforeach()
  endforeach()
endfunction()
