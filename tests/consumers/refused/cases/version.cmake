# refused: requested version "99".*version: 0\.
set(version 0.1)
if(MUST_FAIL)
  set(version 99)
endif()
find_package(ldmat ${version} CONFIG REQUIRED)
