# refused: component dispatch was not installed; configure ldmat with -DLDMAT_WITH_DISPATCH=ON
set(components OPTIONAL_COMPONENTS dispatch)
if(MUST_FAIL)
  set(components COMPONENTS dispatch)
endif()
find_package(ldmat CONFIG REQUIRED ${components})
if(NOT ldmat_FOUND OR ldmat_dispatch_FOUND OR TARGET ldmat::dispatch)
  message(FATAL_ERROR "an optional component that is not there is said to be")
endif()
