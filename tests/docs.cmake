# Tests of README.md, CONTRIBUTING.md and docs/*.md.

# Their C++ blocks. What they show is right or wrong at any optimization: not optimizing takes half of
# the time.
if(NOT CMAKE_CXX_FLAGS MATCHES "sanitize")
  ldmat_add_test(snippets SOURCES docs/snippets_choosing.cpp docs/snippets_extending.cpp
                                  docs/snippets_method.cpp docs/snippets_quickstart.cpp)
  if(NOT MSVC)
    target_compile_options(test_snippets PRIVATE -O0)
  endif()
endif()
add_test(NAME docs_snippets COMMAND ${CMAKE_COMMAND} "-DSOURCE_DIR=${PROJECT_SOURCE_DIR}"
         -P "${CMAKE_CURRENT_SOURCE_DIR}/docs/check_snippets.cmake")

# Their links.
find_package(Python3 QUIET COMPONENTS Interpreter)
if(Python3_FOUND)
  add_test(NAME docs_links COMMAND Python3::Interpreter "${CMAKE_CURRENT_SOURCE_DIR}/docs/check_links.py"
           "${PROJECT_SOURCE_DIR}")
else()
  message(STATUS "ldmat: no Python, so that links between the documents are not checked")
endif()
