# A project that includes ldmat by add_subdirectory or FetchContent gets no tests and no install rules
# from it, no library is built that it does not link, and its settings stay as they were.
cmake -S . -B build/leaks -DCMAKE_PROJECT_my_program_INCLUDE="$LDMAT_CONSUMERS/no_leaks.cmake" >leaks.log || {
  cat leaks.log
  exit 1
}
grep 'variables are as they were' leaks.log  # that they were compared at all
ctest --test-dir build/leaks -N | grep -x 'Total Tests: 0'
cmake --install build --prefix "$PWD/installed"
test ! -e installed
test -z "$(find build -name '*.a' -o -name '*ldmat*.o')"
test ! -e build/CPackConfig.cmake
