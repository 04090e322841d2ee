# refused: compatible with requested version "0\.[0-9]+"
set(version ${MAJOR}.${MINOR})
if(MUST_FAIL AND MAJOR EQUAL 0)
  math(EXPR earlier "${MINOR} - 1")
  set(version 0.${earlier})
elseif(MUST_FAIL)
  message(FATAL_ERROR "nothing to refuse from 1.0 on: compatible with requested version \"0.0\"")
endif()
find_package(ldmat ${version} CONFIG REQUIRED)
