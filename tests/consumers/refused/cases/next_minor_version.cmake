# refused: compatible with requested version "[0-9]+\.[0-9]+"
set(version ${MAJOR}.${MINOR}.0)
if(MUST_FAIL)
  math(EXPR next "${MINOR} + 1")
  set(version ${MAJOR}.${next})
endif()
find_package(ldmat ${version} CONFIG REQUIRED)
