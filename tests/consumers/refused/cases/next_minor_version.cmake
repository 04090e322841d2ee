# refused: compatible with requested version "0\.2"
set(version 0.1.0)
if(MUST_FAIL)
  set(version 0.2)
endif()
find_package(ldmat ${version} CONFIG REQUIRED)
