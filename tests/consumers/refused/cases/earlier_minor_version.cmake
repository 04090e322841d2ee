# refused: compatible with requested version "0\.0\.9"
set(version 0.1...<0.2)
if(MUST_FAIL)
  set(version 0.0.9)
endif()
find_package(ldmat ${version} CONFIG REQUIRED)
