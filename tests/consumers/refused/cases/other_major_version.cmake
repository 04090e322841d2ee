# refused: compatible with requested version "[0-9]+\.0"
math(EXPR next "${MINOR} + 1")
set(version ${MAJOR}.${MINOR}...<${MAJOR}.${next})
if(MUST_FAIL)
  math(EXPR next "${MAJOR} + 1")
  set(version ${next}.0)
endif()
find_package(ldmat ${version} CONFIG REQUIRED)
