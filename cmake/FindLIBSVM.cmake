# LIBSVM comes without a package configuration. Sets LIBSVM_FOUND, LIBSVM_VERSION and LIBSVM_LIBRARIES and
# makes the target LIBSVM::LIBSVM; its header is <svm.h>.
find_path(LIBSVM_INCLUDE_DIR svm.h PATH_SUFFIXES libsvm)
find_library(LIBSVM_LIBRARY NAMES svm libsvm)
if(LIBSVM_INCLUDE_DIR)
  file(STRINGS "${LIBSVM_INCLUDE_DIR}/svm.h" LIBSVM_version_line REGEX "#define LIBSVM_VERSION [0-9]+")
  if(LIBSVM_version_line MATCHES "([0-9])([0-9][0-9])$")
    set(LIBSVM_VERSION "${CMAKE_MATCH_1}.${CMAKE_MATCH_2}")
  endif()
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(LIBSVM
  REQUIRED_VARS LIBSVM_LIBRARY LIBSVM_INCLUDE_DIR VERSION_VAR LIBSVM_VERSION)
mark_as_advanced(LIBSVM_INCLUDE_DIR LIBSVM_LIBRARY)

if(LIBSVM_FOUND)
  set(LIBSVM_LIBRARIES "${LIBSVM_LIBRARY}")
  if(NOT TARGET LIBSVM::LIBSVM)
    add_library(LIBSVM::LIBSVM UNKNOWN IMPORTED)
    set_target_properties(LIBSVM::LIBSVM PROPERTIES
      IMPORTED_LOCATION "${LIBSVM_LIBRARY}" INTERFACE_INCLUDE_DIRECTORIES "${LIBSVM_INCLUDE_DIR}")
  endif()
endif()
