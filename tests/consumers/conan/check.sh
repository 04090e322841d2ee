# With options, where `sh cmake/run.sh check packages` asks for it: the library of dispatch takes a minute.
if [ -n "${LDMAT_CONAN_OPTIONS:-}" ]; then
  conan create build/recipes/conan/all --version "$(sed -n 's,^ldmat/,,p' conanfile.txt)" -v verbose \
    -s compiler.cppstd=20 --build=missing -o 'ldmat/*:dispatch=True' -o 'ldmat/*:openmp=True' \
    -c tools.build:verbosity=verbose -c tools.compilation:verbosity=verbose >options.txt 2>&1 || {
    cat options.txt
    exit 1
  }
  # The program is compiled and linked with what the options mean.
  grep -e '-DLDMAT_DISPATCH .*-fopenmp.* -c .*test_package\.cpp' options.txt
  grep -e '-fopenmp.* -o test_package .*libldmat_dispatch\.a' options.txt
fi
