# ldmat_add_install(): what `cmake --install` and CPack take: the headers, a package for
# find_package(ldmat CONFIG) and files for pkg-config. Nothing in them names the folder they were
# installed to, so that they may be moved. No user package registry is written to.
#
# The package has one file of targets per component, and a component is there if its file is:
# ldmat::ldmat always, ldmat::dispatch with LDMAT_WITH_DISPATCH, ldmat::cuda where the target
# ldmat_cuda exists.

function(ldmat_add_install)
  include(CMakePackageConfigHelpers)
  include(GNUInstallDirs)
  set(package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/ldmat")
  set(build_dir "${PROJECT_BINARY_DIR}/package")

  install(DIRECTORY "${PROJECT_SOURCE_DIR}/include/ldmat" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}"
          FILES_MATCHING PATTERN "*.hpp" PATTERN "*.cuh")
  install(FILES "${PROJECT_SOURCE_DIR}/LICENSE" DESTINATION "${CMAKE_INSTALL_DOCDIR}")

  ldmat_install_component(ldmat ldmatTargets)
  if(LDMAT_WITH_DISPATCH)
    ldmat_install_component(ldmat_dispatch ldmatDispatchTargets)
  endif()
  if(TARGET ldmat_cuda)
    set_target_properties(ldmat_cuda PROPERTIES EXPORT_NAME cuda)
    ldmat_install_component(ldmat_cuda ldmatCudaTargets)
  endif()

  # What ldmatConfig.cmake.in says of dependencies comes from the table of LdmatDependencies.cmake.
  foreach(package IN ITEMS Eigen3 xsimd)
    list(GET ldmat_package_${package} 3 ${package}_from)
    list(GET ldmat_package_${package} 4 ${package}_below)
  endforeach()
  get_property(dispatch_openmp GLOBAL PROPERTY ldmat_dispatch_openmp)
  configure_file("${PROJECT_SOURCE_DIR}/cmake/ldmatConfig.cmake.in" "${build_dir}/ldmatConfig.cmake"
                 @ONLY)
  # Before 1.0 a new minor version may break its users.
  set(compatibility SameMajorVersion)
  if(PROJECT_VERSION_MAJOR EQUAL 0)
    set(compatibility SameMinorVersion)
  endif()
  set(any_architecture ARCH_INDEPENDENT)
  if(LDMAT_WITH_DISPATCH)
    set(any_architecture)
  endif()
  write_basic_package_version_file("${build_dir}/ldmatConfigVersion.cmake"
                                   COMPATIBILITY ${compatibility} ${any_architecture})
  install(FILES "${build_dir}/ldmatConfig.cmake" "${build_dir}/ldmatConfigVersion.cmake"
                "${PROJECT_SOURCE_DIR}/cmake/ldmatMendXsimd.cmake"
          DESTINATION "${package_dir}")

  ldmat_install_pkgconfig(ldmat "${CMAKE_INSTALL_DATADIR}/pkgconfig")
  if(LDMAT_WITH_DISPATCH)
    ldmat_install_pkgconfig(ldmat-dispatch "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
  endif()
  if(PROJECT_IS_TOP_LEVEL)
    ldmat_add_cpack()
  endif()
endfunction()

function(ldmat_install_component target file)
  install(TARGETS ${target} EXPORT ${file} ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}"
          INCLUDES DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
  install(EXPORT ${file} NAMESPACE ldmat:: DESTINATION "${package_dir}")
endfunction()

# <name>.pc from cmake/<name>.pc.in. Its prefix is the folder it lies in and a way up from there.
function(ldmat_install_pkgconfig name destination)
  set(pc_prefix "${CMAKE_INSTALL_PREFIX}")
  if(NOT IS_ABSOLUTE "${destination}")
    string(REGEX REPLACE "[^/]+" ".." up "${destination}")
    set(pc_prefix "\${pcfiledir}/${up}")
  endif()
  foreach(folder IN ITEMS INCLUDEDIR LIBDIR)
    set(pc_${folder} "\${prefix}/${CMAKE_INSTALL_${folder}}")
    if(IS_ABSOLUTE "${CMAKE_INSTALL_${folder}}")
      set(pc_${folder} "${CMAKE_INSTALL_${folder}}")
    endif()
  endforeach()
  foreach(package IN ITEMS Eigen3 xsimd)
    list(GET ldmat_package_${package} 3 ${package}_from)
    list(GET ldmat_package_${package} 4 ${package}_below)
  endforeach()
  set(pc_openmp "")
  get_property(dispatch_openmp GLOBAL PROPERTY ldmat_dispatch_openmp)
  if(dispatch_openmp)
    set(pc_openmp " ${OpenMP_CXX_FLAGS}")
  endif()
  configure_file("${PROJECT_SOURCE_DIR}/cmake/${name}.pc.in" "${PROJECT_BINARY_DIR}/package/${name}.pc"
                 @ONLY)
  install(FILES "${PROJECT_BINARY_DIR}/package/${name}.pc" DESTINATION "${destination}")
endfunction()

# `cpack` makes an archive of what is installed, `cpack -G DEB` a Debian package of it and
# `cpack --config CPackSourceConfig.cmake` an archive of the sources. A macro: CPack reads its
# variables where it is included.
macro(ldmat_add_cpack)
  set(CPACK_GENERATOR TGZ)
  set(CPACK_PACKAGE_VENDOR "The ldmat authors")
  set(CPACK_PACKAGE_CONTACT "${CPACK_PACKAGE_VENDOR}")
  set(CPACK_RESOURCE_FILE_LICENSE "${PROJECT_SOURCE_DIR}/LICENSE")
  set(CPACK_VERBATIM_VARIABLES TRUE)
  if(NOT LDMAT_WITH_DISPATCH)
    set(CPACK_SYSTEM_NAME any)
    set(CPACK_DEBIAN_PACKAGE_ARCHITECTURE all)
  endif()
  set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
  set(CPACK_DEBIAN_PACKAGE_NAME libldmat-dev)
  set(CPACK_DEBIAN_PACKAGE_SECTION libdevel)
  set(CPACK_DEBIAN_PACKAGE_DEPENDS
      "libeigen3-dev (>= ${Eigen3_from}), libxsimd-dev (>= ${xsimd_from})")
  set(CPACK_SOURCE_GENERATOR TGZ)
  set(CPACK_SOURCE_PACKAGE_FILE_NAME "ldmat-${PROJECT_VERSION}")
  # The same as in .gitignore, of this folder: one above it may have such a name too.
  string(REGEX REPLACE "([][+.*()^$?|\\])" "\\\\\\1" root "${PROJECT_SOURCE_DIR}")
  set(CPACK_SOURCE_IGNORE_FILES "^${root}/\\.git$" "^${root}/\\.git/" "^${root}/build[^/]*/" "^${root}/out/"
      "^${root}/\\.cache/" "^${root}/CMakeUserPresets\\.json$" "^${root}/compile_commands\\.json$"
      "^${root}/examples/pytorch/build/" "\\.egg-info/" "/__pycache__/" "\\.pyc$")
  include(CPack)
endmacro()
