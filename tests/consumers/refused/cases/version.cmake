# refused: requested version "99".*version: [0-9]
set(version ${MAJOR}.${MINOR})
if(MUST_FAIL)
  set(version 99)
endif()
find_package(ldmat ${version} CONFIG REQUIRED)
