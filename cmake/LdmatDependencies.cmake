# ldmat_require(<package>...): finds each package, or says what to do.
#
# Eigen3 and xsimd are looked up without a version and compared afterwards: no versioned call or
# range accepts both their old and their new releases.

macro(ldmat_require)
  foreach(ldmat_package IN ITEMS ${ARGN})
    find_package(${ldmat_package} REQUIRED)
  endforeach()
endmacro()
