# Debian 12's xsimd 8.1 links "xtl", which is no target there and has no library: every program
# would fail with "cannot find -lxtl". Its headers do not need it. Part of ldmat's build and, because
# the same xsimd is found there, of its installed package.
function(ldmat_mend_xsimd)
  if(NOT TARGET xsimd OR TARGET xtl)
    return()
  endif()
  get_target_property(libraries xsimd INTERFACE_LINK_LIBRARIES)
  if("xtl" IN_LIST libraries)
    list(REMOVE_ITEM libraries xtl)
    set_target_properties(xsimd PROPERTIES INTERFACE_LINK_LIBRARIES "${libraries}")
  endif()
endfunction()
