#!/bin/sh
# Everything that takes minutes, as named steps: `sh cmake/run.sh check --list` says which. A step that
# cannot be done here is reported as skipped, with the reason, and never as passed. Logs are in
# build/check/<step>.log; fails if a step failed.
set -u
cd "$(dirname "$0")/.." || exit 1

# ---- the steps: a word, and what it does --------------------------------------------------------
# A step whose name run_step does not know is the command of run.sh of that name.

gcc_versions='12 13 14'
clang_versions='14 15 16 17 18 19'

steps() {
  for version in $gcc_versions; do echo "gcc-$version compilers: C++20, warnings are errors"; done
  echo "gcc-c++23 compilers: C++23, with the newest GCC here"
  for version in $clang_versions; do echo "clang-$version compilers: C++20, warnings are errors"; done
  cat <<'LIST'
clang-c++23 compilers: C++23, with the newest Clang here
x86-64 instruction_sets: baseline, SSE2
avx2 instruction_sets: x86-64-v3
avx512 instruction_sets: x86-64-v4; run only where the processor can
arm instruction_sets: AArch64 with NEON, cross-compiled and run by qemu
xsimd-installed dependencies: the system's xsimd
xsimd-new dependencies: the xsimd that the PyPI package pythran carries
eigen-installed dependencies: the system's Eigen
eigen-5 dependencies: the Eigen that the PyPI package eigency carries
cuda compilers: the CUDA backend by nvcc, for each GPU from sm_75 on that the toolkit knows
cppcheck analysis: of include/ldmat
headers analysis: each header compiles alone
tidy analysis: clang-tidy on all sources
coverage tests: lines of include/ldmat that no test runs
mutations tests: bugs that tests must notice
packages packages: dispatch and threads by installation, Conan and vcpkg; what ctest leaves out
fuzz dynamic: fuzz targets
thread dynamic: the thread sanitizer
memory dynamic: the memory sanitizer
valgrind dynamic: valgrind
LIST
}

# Tests of the library that every compiler, instruction set and dependency builds and runs.
small_set='snippets policies simd kernels loss accuracy'

usage() {
  cat <<'USAGE'
Usage: sh cmake/run.sh check [--list] [step or group...]

Without a name all steps run, one after the other, also after one failed.
USAGE
}

# ---- helpers -----------------------------------------------------------------------------------

have() { command -v "$1" >/dev/null 2>&1; }
logs=$PWD/build/check
jobs=${CMAKE_BUILD_PARALLEL_LEVEL:-$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)}

# skip <reason>: ends the step. The reason is what the summary prints.
skip() {
  echo "SKIPPED: $*"
  exit 77
}
# note <what>: a remark for the summary of a step that passes.
note() { echo "NOTE: $*"; }

# small_tests <name> [-D...]: builds and runs the small set in build/check/<name>, without -march=native.
small_tests() {
  build=build/check/$1
  shift
  # shellcheck disable=SC2086 # lists of words, as below
  targets=$(printf 'test_%s ' $small_set) pattern=$(printf '%s|' $small_set)
  # shellcheck disable=SC2086
  cmake -S . -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_CXX_FLAGS_RELEASE=-O2 \
    -DLDMAT_BUILD_EXAMPLES=OFF -DLDMAT_WARNINGS_AS_ERRORS=ON -DLDMAT_NATIVE=OFF "$@" &&
    cmake --build "$build" --target $targets -j "$jobs" &&
    if [ "${run_tests:-yes}" = yes ]; then
      ctest --test-dir "$build" --no-tests=error --output-on-failure -j "$jobs" -R "^(${pattern%|})\$"
    fi
}

# The flag that compiles for more than the baseline, so that kernels are vectorized as they are
# meant to be: AVX2 where this processor has it.
usual_flags() {
  case $(uname -m) in
    x86_64) if grep -qw avx2 /proc/cpuinfo; then echo -march=x86-64-v3; fi ;;
  esac
}

package_of() { # <PyPI package> <member>...: unpacks into build/check/<package> what it carries
  package=$1
  shift
  folder=$logs/$package
  if [ ! -d "$folder" ]; then
    python3 -m pip --version || skip "there is no pip to fetch $package with"
    rm -rf "$folder.download"
    mkdir -p "$folder.download" || exit 1
    python3 -m pip download --no-deps --only-binary :all: -d "$folder.download" "$package" ||
      skip "PyPI's $package could not be fetched"
    python3 -m zipfile -e "$folder.download"/*.whl "$folder.download/content" &&
      mv "$folder.download" "$folder" || exit 1
  fi
  for member in "$@"; do
    [ -e "$folder/content/$member" ] || skip "PyPI's $package no longer carries $member"
  done
}

# The CMake arguments that take a package's headers from a folder (cmake/LdmatDependencies.cmake).
headers_of() { # <package> <folder>
  echo "-DLDMAT_FETCH_DEPENDENCIES=ON -DCMAKE_DISABLE_FIND_PACKAGE_$1=ON" \
    "-DFETCHCONTENT_SOURCE_DIR_$(echo "$1" | tr '[:lower:]' '[:upper:]')=$2"
}

macro() { # <header> <name>...: the values of macros, with dots
  header=$1
  shift
  for name in "$@"; do sed -n "s/^# *define *$name *\([0-9][0-9]*\).*/\1/p" "$header" | head -n 1; done |
    paste -sd .
}
xsimd_version() {
  macro "$1/xsimd/config/xsimd_config.hpp" XSIMD_VERSION_MAJOR XSIMD_VERSION_MINOR XSIMD_VERSION_PATCH
}
eigen_version() {
  header=$1/Eigen/Version
  [ -e "$header" ] || header=$1/Eigen/src/Core/util/Macros.h
  if grep -q EIGEN_PATCH_VERSION "$header"; then
    macro "$header" EIGEN_MAJOR_VERSION EIGEN_MINOR_VERSION EIGEN_PATCH_VERSION
  else
    macro "$header" EIGEN_WORLD_VERSION EIGEN_MAJOR_VERSION EIGEN_MINOR_VERSION
  fi
}
installed_folder() { # <header>
  for folder in /usr/include /usr/include/eigen3 /usr/local/include /usr/local/include/eigen3; do
    if [ -e "$folder/$1" ]; then
      echo "$folder"
      return
    fi
  done
}

# ---- what each step does -----------------------------------------------------------------------

newest() { # <compiler> <version>...: the last one that is here
  prefix=$1
  shift
  found=
  for version in "$@"; do if have "$prefix-$version"; then found=$prefix-$version; fi; done
  [ -n "$found" ] || skip "there is no $prefix"
  echo "$found"
}

compiler() { # <step> <compiler> [-D...]
  have "$2" || skip "$2 is not installed, or no package of this system"
  name=$1
  tool=$2
  shift 2
  small_tests "$name" "-DCMAKE_CXX_COMPILER=$tool" "-DCMAKE_CXX_FLAGS=$(usual_flags)" "$@" || return 1
  note "$("$tool" --version | head -n 1)"
}

instruction_set() { # <step> <march> <word of /proc/cpuinfo or ->
  [ "$(uname -m)" = x86_64 ] || skip "this is no x86-64 machine"
  run_tests=yes
  if [ "$3" != - ] && ! grep -qw "$3" /proc/cpuinfo; then run_tests=no; fi
  small_tests "$1" "-DCMAKE_CXX_FLAGS=-march=$2" || return 1
  [ "$run_tests" = yes ] || note "compiled only, NOT RUN: this processor has no $3"
}

arm() {
  have aarch64-linux-gnu-g++ || skip "there is no aarch64-linux-gnu-g++"
  # Of the host's include folder only what is asked for: the rest is for another processor.
  sources=$logs/arm-sources
  rm -rf "$sources" && mkdir -p "$sources/doctest" "$sources/xsimd/include" || return 1
  ln -s "$(installed_folder Eigen/Core)" "$sources/eigen"
  ln -s "$(installed_folder xsimd/xsimd.hpp)/xsimd" "$sources/xsimd/include/xsimd"
  ln -s "$(installed_folder doctest/doctest.h)/doctest" "$sources/doctest/doctest"
  emulator=qemu-aarch64
  if ! have "$emulator"; then
    run_tests=no
    note "compiled only, NOT RUN: there is no qemu-aarch64"
  fi
  # shellcheck disable=SC2046 # lists of words
  small_tests arm -DCMAKE_SYSTEM_NAME=Linux -DCMAKE_SYSTEM_PROCESSOR=aarch64 \
    -DCMAKE_CXX_COMPILER=aarch64-linux-gnu-g++ \
    "-DCMAKE_CROSSCOMPILING_EMULATOR=$emulator;-L;/usr/aarch64-linux-gnu" \
    $(headers_of Eigen3 "$sources/eigen") $(headers_of xsimd "$sources/xsimd") \
    $(headers_of doctest "$sources/doctest") || return 1
  note "$(aarch64-linux-gnu-g++ --version | head -n 1), xsimd $(xsimd_version "$sources/xsimd/include")"
}

xsimd_installed() {
  folder=$(installed_folder xsimd/xsimd.hpp)
  [ -n "$folder" ] || skip "no xsimd is installed"
  small_tests xsimd-installed "-DCMAKE_CXX_FLAGS=$(usual_flags)" || return 1
  note "xsimd $(xsimd_version "$folder")"
}

xsimd_new() {
  package_of pythran pythran/xsimd/xsimd.hpp
  sources=$logs/xsimd-sources
  mkdir -p "$sources/include" && rm -f "$sources/include/xsimd" &&
    ln -s "$folder/content/pythran/xsimd" "$sources/include/xsimd" || return 1
  # shellcheck disable=SC2046
  small_tests xsimd-new "-DCMAKE_CXX_FLAGS=$(usual_flags)" $(headers_of xsimd "$sources") || return 1
  note "xsimd $(xsimd_version "$sources/include")"
}

eigen_installed() {
  folder=$(installed_folder Eigen/Core)
  [ -n "$folder" ] || skip "no Eigen is installed"
  small_tests eigen-installed "-DCMAKE_CXX_FLAGS=$(usual_flags)" || return 1
  note "Eigen $(eigen_version "$folder")"
}

eigen_5() {
  package_of eigency eigency/eigen/Eigen/Core
  version=$(eigen_version "$folder/content/eigency/eigen")
  case $version in 5.*) ;; *) skip "PyPI's eigency carries Eigen $version, not 5" ;; esac
  # shellcheck disable=SC2046
  small_tests eigen-5 "-DCMAKE_CXX_FLAGS=$(usual_flags)" \
    $(headers_of Eigen3 "$folder/content/eigency/eigen") || return 1
  note "Eigen $version"
}

# Code for each GPU, not only for the oldest: ptxas has its say too.
cuda() {
  have nvcc || skip "there is no nvcc"
  architectures=$(nvcc --list-gpu-arch | sed -n 's/^compute_//p' | awk '$1 >= 75 { print $1 "-real" }' |
    paste -sd ';')
  cmake -S . -B build/check/cuda -G Ninja -DCMAKE_BUILD_TYPE=Release -DLDMAT_BUILD_EXAMPLES=OFF \
    -DLDMAT_WARNINGS_AS_ERRORS=ON -DLDMAT_WITH_CUDA=ON "-DCMAKE_CUDA_ARCHITECTURES=$architectures" &&
    cmake --build build/check/cuda --target test_gpu_loss gpu_calls cuda_snippets -j "$jobs" || return 1
  note "$(nvcc --version | sed -n 's/^Cuda compilation tools, //p'): $architectures"
}

run_cppcheck() {
  have cppcheck || skip "there is no cppcheck"
  find include/ldmat \( -name '*.hpp' -o -name '*.cpp' \) -print0 | xargs -0 \
    cppcheck --language=c++ --std=c++20 --enable=warning,performance,portability --inline-suppr \
    --error-exitcode=1 --quiet -j "$jobs" -I include -D__x86_64__ -D__GNUC__=12 -D__SSE2__ \
    -D__AVX__ -D__AVX2__ -D__F16C__ -D_OPENMP --suppress=missingIncludeSystem || return 1
  note "$(cppcheck --version), configured as for AVX2 with OpenMP"
}

run_headers() {
  flags="-std=c++20 $(usual_flags) -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror -Iinclude"
  flags="$flags -Wno-uninitialized -isystem $(installed_folder Eigen/Core)"
  compilers=
  torch=$(installed_folder torch/csrc/autograd/custom_function.h)
  [ -n "$torch" ] || note "without ldmat/torch: there is no LibTorch"
  # Those of LibTorch 1.13 are beyond Clang in C++20: a std::vector of a type not complete yet.
  for tool in g++ clang++; do
    have "$tool" || continue
    compilers="$compilers $tool"
    # A file of one line: in a header that is the main file, #pragma once is itself a warning.
    # Three headers are for nvcc, and its tests include each of them first.
    find include/ldmat -name '*.hpp' | sed 's,^include/,,' |
      grep -v -x -e ldmat/cuda/loss.hpp -e ldmat/cuda/device.hpp -e ldmat/torch/cuda.hpp |
      if [ -n "$torch" ] && [ "$tool" = g++ ]; then cat; else grep -v '^ldmat/torch/'; fi |
      xargs -P "$jobs" -I HEADER sh -c \
        "echo '#include <HEADER>' | $tool $flags -fsyntax-only -x c++ - || { echo 'alone: HEADER'; exit 1; }" ||
      return 1
  done
  [ -n "$compilers" ] || skip "there is no compiler"
  note "$(find include/ldmat -name '*.hpp' | grep -c .) headers, with$compilers"
}

# The ways in that compile ldmat::dispatch, as docs/using.md says.
run_packages() {
  have python3 || skip "there is no python3"
  work=$logs/packages
  python3 tests/consumers/run.py dispatch --work "$work" || return 1
  note "installed with dispatch"
  python3 cmake/packaging/vcpkg/check.py --work "$work/vcpkg_port" --features dispatch,openmp || return 1
  note "vcpkg port with dispatch and openmp"
  if have conan || [ -x build/tools/bin/conan ]; then
    LDMAT_CONAN_OPTIONS=yes python3 tests/consumers/run.py conan --work "$work" || return 1
    note "Conan with dispatch and openmp"
  else
    note "Conan NOT RUN: there is no conan"
  fi
}

run_command() { # <command>
  sh cmake/run.sh help | grep -q "^  $1 " || skip "run.sh has no command $1"
  sh cmake/run.sh "$1"
}

run_step() {
  case $1 in
    gcc-c++23)
      # shellcheck disable=SC2086
      tool=$(newest g++ $gcc_versions) || { echo "$tool"; exit 77; }
      compiler "$1" "$tool" -DCMAKE_CXX_STANDARD=23
      ;;
    clang-c++23)
      # shellcheck disable=SC2086
      tool=$(newest clang++ $clang_versions) || { echo "$tool"; exit 77; }
      compiler "$1" "$tool" -DCMAKE_CXX_STANDARD=23
      ;;
    gcc-*) compiler "$1" "g++-${1#gcc-}" ;;
    clang-*) compiler "$1" "clang++-${1#clang-}" ;;
    x86-64) instruction_set "$1" x86-64 - ;;
    avx2) instruction_set "$1" x86-64-v3 avx2 ;;
    avx512) instruction_set "$1" x86-64-v4 avx512vl ;;
    arm) arm ;;
    xsimd-installed) xsimd_installed ;;
    xsimd-new) xsimd_new ;;
    eigen-installed) eigen_installed ;;
    eigen-5) eigen_5 ;;
    cuda) cuda ;;
    cppcheck) run_cppcheck ;;
    headers) run_headers ;;
    packages) run_packages ;;
    *) run_command "$1" ;;
  esac
}

# ---- running them ------------------------------------------------------------------------------

# The steps that a word of the command line means: a step, or all of a group.
steps_of() {
  steps | awk -v word="$1" '$1 == word || $2 == word ":" { print $1 }'
}

chosen=
for word in "$@"; do
  case $word in
    --list)
      steps | awk '{ name = $1; group = $2; sub(":", "", group); $1 = ""; $2 = "";
                     printf "%-16s %-18s%s\n", name, group, substr($0, 2) }'
      exit 0
      ;;
    -h | --help)
      usage
      exit 0
      ;;
  esac
  found=$(steps_of "$word")
  if [ -z "$found" ]; then
    usage >&2
    echo "check: no step or group '$word'; check --list says what there is" >&2
    exit 2
  fi
  chosen="$chosen $found"
done
[ -n "$chosen" ] || chosen=$(steps | cut -d ' ' -f 1)

mkdir -p "$logs"
summary=
failed=0
for step in $chosen; do
  start=$(date +%s)
  printf '==== %s\n' "$step"
  (run_step "$step") >"$logs/$step.log" 2>&1
  status=$?
  remark=
  case $status in
    0) result=passed remark=$(sed -n 's/^NOTE: //p' "$logs/$step.log" | paste -sd ';') ;;
    77) result=SKIPPED remark=$(sed -n 's/^SKIPPED: //p' "$logs/$step.log" | tail -n 1) ;;
    *)
      result=FAILED remark="exit code $status, see build/check/$step.log"
      failed=$((failed + 1))
      tail -n 40 "$logs/$step.log"
      ;;
  esac
  line=$(printf '%-16s %-8s %5s s  %s' "$step" "$result" "$(($(date +%s) - start))" "$remark")
  printf '%s\n' "$line"
  summary="$summary$line
"
done
printf '\nSummary\n%s' "$summary"
[ "$failed" = 0 ]
