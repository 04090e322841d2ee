#!/bin/sh
# One command for each everyday job, from a fresh machine on: `sh cmake/run.sh help`.
set -eu
cd "$(dirname "$0")/.."

usage() {
  cat <<'END'
Usage: sh cmake/run.sh <command> [argument...]

  demo [argument...]   build the training example and run it with its defaults into out/demo;
                       arguments go to the program: demo --loss softmax
  test [argument...]   build and run the tests; -D... goes to CMake, the rest to ctest: test -R loss
  sanitize [...]       the same under the address and undefined-behaviour sanitizers
  format               apply clang-format to the project's sources
  check-format         fail where clang-format would change a source
  tidy [file.cpp...]   run clang-tidy on the project's own sources, or on these; slow
  thread               build with the thread sanitizer, without OpenMP, and run what has threads
  memory               build the fuzz target of the loss with the memory sanitizer, and run it
  valgrind             build for valgrind and run the library's tests in it
  fuzz [seconds]       run every fuzz target in libFuzzer for so long (default 60), with sanitizers
  coverage             run the library's tests and list the lines of include/ldmat that none of them ran
  mutations [name...]  put a list of bugs, one at a time, into a copy of the headers: tests must notice
  gpu                  build the CUDA backend for the GPU that is here, run its tests, under
                       compute-sanitizer too, and its benchmark
  frameworks [...]     build and run the examples and tests with PyTorch, dlib, xtensor, OpenCV,
                       mdspan and ensmallen, as far as the system has them (docs/frameworks.md)
  pytorch [...]        install a current PyTorch from PyPI (6 GB) into out/torchenv, build the package
                       examples/pytorch for it, test it, and compare it with pytorch-metric-learning;
                       arguments go to side_by_side.py: pytorch --epochs 2 --seeds 1
  check [step...]      all that takes minutes: compilers, instruction sets, dependencies, Arm, and tidy,
                       coverage, mutations, fuzz, thread, memory, valgrind; `check --list` lists them
  docs                 build the reference site into build/docs; any warning of Doxygen's is an error
  release [argument]   whether the version is the same everywhere; bump minor (or major, patch, a number)
                       sets it, date heads CHANGELOG.md's section for a release
  studies STUDY ...    build ldmat-train and ldmat-eval and start a study of LDMAT beside other losses, with
                       the options of examples/studies/studies.py: studies plane --data DIR
  setup [set]          only install; the sets: demo, test (the default), bench, format, tidy, ci,
                       fuzz, check, docs, frameworks, pytorch, studies
  help                 print this

Every command first installs what it lacks, as root or by a sudo that asks for no password; without
either it says what to install and goes on with what is there. It asks nothing. Builds are in
build/<preset>; a second run installs nothing and compiles only what changed.

Needs g++ >= 12 or clang++ >= 14, and CMake >= 3.25: Debian 12, Ubuntu 24.04 or newer.
Tried on Debian 12 and 13. The branches for Homebrew and for dnf (Fedora) were written without one at
hand and are untested.

Environment: CXX is the compiler, CMAKE_BUILD_PARALLEL_LEVEL the number of jobs;
LDMAT_NO_INSTALL=1 forbids installing.
END
}

# apt-get            brew             dnf                    command        sets (?: can do without)
packages='
g++                  -                gcc-c++                compiler       demo test bench tidy ci check fuzz frameworks pytorch studies
cmake                cmake            cmake                  cmake          demo test bench tidy ci check fuzz frameworks pytorch studies
ninja-build          ninja            ninja-build            ninja          demo test bench tidy ci check fuzz frameworks pytorch studies
libeigen3-dev        eigen            eigen3-devel           -              demo test bench tidy ci check fuzz frameworks pytorch studies
libxsimd-dev         xsimd            xsimd-devel            -              demo test bench tidy ci check fuzz frameworks pytorch studies
libcli11-dev         cli11            cli11-devel            -              demo test tidy ci ?check fuzz frameworks studies
nlohmann-json3-dev   nlohmann-json    json-devel             -              demo test tidy ci ?check fuzz frameworks studies
libarchive-dev       libarchive       libarchive-devel       -              demo test tidy ci ?check fuzz frameworks studies
libnanoflann-dev     nanoflann        nanoflann-devel        -              ?test tidy ci ?check studies
libsvm-dev           libsvm           libsvm-devel           -              ?test tidy ci ?check studies
gnuplot-nox          gnuplot          gnuplot                gnuplot        ?demo ?test ?ci
doctest-dev          doctest          doctest-devel          -              test tidy ci check fuzz frameworks
libbenchmark-dev     google-benchmark google-benchmark-devel -              bench
clang                llvm             clang                  clang++        tidy ci ?check fuzz
libomp-dev           libomp           libomp-devel           -              tidy ci ?check
clang-format         clang-format     clang-tools-extra      clang-format   format ci
clang-tidy           llvm             clang-tools-extra      clang-tidy     tidy ?check
valgrind             -                valgrind               valgrind       ?test ci
qemu-user            -                qemu-user              qemu-x86_64    ?test ci ?check
python3              python           python3                python3        ?test ci ?check ?frameworks pytorch studies
python3-matplotlib   python-matplotlib python3-matplotlib    -              ?test ci ?studies
chromium             -                chromium               chromium       ?ci
ccache               ccache           ccache                 ccache         ?ci ?check ?frameworks ?pytorch
clang-15             -                -                      -              ?check
clang-16             -                -                      -              ?check
clang-19             -                -                      -              ?check
g++-aarch64-linux-gnu -               -                      -              ?check
cppcheck             cppcheck         cppcheck               cppcheck       ?check
doxygen              doxygen          doxygen                doxygen        docs ci
doxygen-awesome-css  -                -                      -              ?docs ?ci
pkgconf              pkgconf          pkgconf-pkg-config     pkg-config     ?test ci ?check
python3-pip          -                python3-pip            -              ci ?check ?frameworks
python3-venv         -                -                      -              ci ?check pytorch
python3-dev          -                python3-devel          -              ci ?frameworks pytorch
python3-setuptools   -                python3-setuptools     -              ci ?frameworks
python3-wheel        -                python3-wheel          -              ci ?frameworks
python3-numpy        -                python3-numpy          -              ci ?frameworks
python3-torch        -                -                      -              ci ?frameworks
libtorch-dev         pytorch          -                      -              ci ?frameworks
libdlib-dev          dlib             dlib-devel             -              ci ?frameworks
libxtensor-dev       xtensor          xtensor-devel          -              ci ?frameworks
libopencv-core-dev   opencv           opencv-devel           -              ci ?frameworks
'

# Programs of PyPI that no system has as a package, put into build/tools (PATH of what needs them):
# PyPI package       command        sets (?: can do without)
python_tools='
conan>=2.1,<3        conan          ci ?check
'

say() { printf '%s\n' "run.sh: $*" >&2; }
die() {
  say "$*"
  exit 1
}
have() { command -v "$1" >/dev/null 2>&1; }

# ---- set-up ------------------------------------------------------------------------------------

good_compiler() {
  printf '#if __clang_major__ >= 14 || (!defined(__clang__) && __GNUC__ >= 12)\nyes\n#endif\n' |
    "$1" -E -x c++ - 2>/dev/null | grep -qx yes
}

find_compiler() {
  for compiler in "${CXX:-c++}" g++ clang++ g++-14 g++-13 g++-12 clang++-18 clang++-14; do
    if good_compiler "$compiler"; then
      echo "$compiler"
      return
    fi
    [ -z "${CXX:-}" ] || return 1
  done
  return 1
}

find_manager() {
  for manager in apt-get brew dnf; do
    if have "$manager"; then
      echo "$manager"
      return
    fi
  done
  echo none
}

is_installed() { # <manager> <package> <command>
  [ "$2" != - ] || return 0  # this system has none
  case $3 in
    -) ;;
    compiler) if find_compiler >/dev/null; then return 0; fi ;;
    *) if have "$3"; then return 0; fi ;;
  esac
  case $1 in
    apt-get) [ "$(dpkg-query -W -f '${db:Status-Status}' "$2" 2>/dev/null)" = installed ] ;;
    brew) [ -n "$(brew list --versions "$2" 2>/dev/null)" ] ;;
    dnf) rpm -q "$2" >/dev/null 2>&1 ;;
    *) return 1 ;;
  esac
}

# Sets `missing` and `missing_optional` to the packages of that set which are not there.
find_missing() { # <manager> <set>
  missing=
  missing_optional=
  while read -r apt brew dnf command sets; do
    case $1 in
      brew) package=$brew ;;
      dnf) package=$dnf ;;
      *) package=$apt ;;
    esac
    case " $sets " in
      *" $2 "*) is_installed "$1" "$package" "$command" || missing="$missing $package" ;;
      *" ?$2 "*) is_installed "$1" "$package" "$command" ||
        missing_optional="$missing_optional $package" ;;
    esac
  done <<END
$packages
END
}

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

may_install() { # <manager>
  [ -z "${LDMAT_NO_INSTALL:-}" ] || return 1
  case $1 in
    none) return 1 ;;
    brew) return 0 ;;
    *) [ "$(id -u)" = 0 ] || { have sudo && sudo -n true 2>/dev/null; } ;;
  esac
}

install_packages() { # <manager> <package>...
  manager=$1
  shift
  say "$manager install $*"
  case $manager in
    apt-get)
      as_root env DEBIAN_FRONTEND=noninteractive NEEDRESTART_MODE=a \
        apt-get -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 -qq install -y --no-install-recommends "$@" >&2
      ;;
    brew) HOMEBREW_NO_ASK=1 brew install "$@" >&2 ;;
    dnf) as_root dnf install -y "$@" >&2 ;;
  esac
}

# Installs what a set lacks, then makes sure that there is a compiler and, for a build, CMake.
set_up() { # <set>
  case $1 in
    demo | test | bench | format | tidy | ci | fuzz | check | docs | frameworks | pytorch | studies) ;;
    *) die "setup: no set '$1'; \`help\` lists them" ;;
  esac
  manager=$(find_manager)
  find_missing "$manager" "$1"
  if [ -n "$missing$missing_optional" ]; then
    # The lists are lists of words.
    # shellcheck disable=SC2086
    if may_install "$manager"; then
      if [ "$manager" = apt-get ]; then
        say "apt-get update"
        as_root apt-get -o DPkg::Lock::Timeout=300 -qq update >&2 || say "apt-get update failed"
      fi
      [ -z "$missing" ] || install_packages "$manager" $missing ||
        say "could not install everything; going on with what is there"
      [ -z "$missing_optional" ] || install_packages "$manager" $missing_optional ||
        for package in $missing_optional; do  # one that does not exist keeps no other out
          install_packages "$manager" "$package" || say "going on without $package"
        done
    elif [ -n "$missing" ]; then
      say "these packages are missing and may not be installed from here:$missing"
      [ "$manager" = none ] || say "install them with: sudo $manager install$missing"
      say "going on with what is there"
    fi
  fi
  [ "$manager" != brew ] || use_brew
  install_python_tools "$1"
  case $1 in
    format) have clang-format || have clang-format-14 || die "there is no clang-format" ;;
    docs) have doxygen || die "there is no doxygen" ;;
    tidy) check_tools && { have clang-tidy || die "there is no clang-tidy"; } ;;
    *) check_tools ;;
  esac
}

# Installs into build/tools what a set needs of python_tools. Sets `missing_tools` to what is still missing
# and needed.
install_python_tools() { # <set>
  missing_tools=
  while read -r package command sets; do
    case " $sets " in
      *" $1 "* | *" ?$1 "*) ;;
      *) continue ;;
    esac
    have "$command" || [ -x "build/tools/bin/$command" ] || {
      [ -z "${LDMAT_NO_INSTALL:-}" ] && say "python3 -m venv build/tools; pip install $package" &&
        python3 -m venv build/tools >&2 &&
        build/tools/bin/python3 -m pip --quiet --disable-pip-version-check install "$package" >&2
    } </dev/null || case " $sets " in
      *" ?$1 "*) say "going on without $command" ;;
      *) missing_tools="$missing_tools $command" ;;
    esac
  done <<END
$python_tools
END
}

# Homebrew keeps these three out of the way of the system's own.
use_brew() {
  CMAKE_PREFIX_PATH="$(brew --prefix libarchive):${CMAKE_PREFIX_PATH:-}"
  OpenMP_ROOT=$(brew --prefix libomp)
  PATH="$PATH:$(brew --prefix llvm)/bin"
  export CMAKE_PREFIX_PATH OpenMP_ROOT PATH
}

check_tools() {
  have cmake || die "there is no cmake"
  have ninja || die "there is no ninja"
  compiler=$(find_compiler) || die "needs g++ >= 12 or clang++ >= 14; CXX names another compiler"
  [ "$compiler" = c++ ] || export CXX="$compiler"
  cmake --version | awk 'NR == 1 { split($3, v, "."); exit !(v[1] > 3 || v[2] >= 25) }' ||
    die "needs CMake >= 3.25, this is $(cmake --version | head -n 1)"
  if have ccache; then
    export CMAKE_CXX_COMPILER_LAUNCHER="${CMAKE_CXX_COMPILER_LAUNCHER-ccache}"
  fi
  jobs=${CMAKE_BUILD_PARALLEL_LEVEL:-$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)}
  export CMAKE_BUILD_PARALLEL_LEVEL="$jobs"
}

# ---- commands ----------------------------------------------------------------------------------

run_tests() { # <preset> [argument...]
  preset=$1
  shift
  definitions=
  for argument in "$@"; do
    shift
    case $argument in
      -D*) definitions="$definitions $argument" ;;
      *) set -- "$@" "$argument" ;;
    esac
  done
  # shellcheck disable=SC2086 # a list of words
  cmake --preset "$preset" $definitions
  cmake --build --preset "$preset"
  ctest --preset "$preset" -j "$jobs" "$@"
}

# The thread sanitizer wants its addresses where newer kernels by default no longer put them.
run_thread() {
  cmake --preset thread
  cmake --build --preset thread
  fixed=
  if have setarch && setarch -R true 2>/dev/null; then fixed='setarch -R'; fi
  for test in concurrent loss; do
    # shellcheck disable=SC2086 # two words or none
    TSAN_OPTIONS=halt_on_error=1 $fixed build/thread/tests/test_$test
  done
}

# The standard library is not compiled with the sanitizer, which takes for unset what it writes: of the
# test programs only this one uses so little of it that what is reported is true.
run_memory() {
  have clang++ || die "the memory sanitizer needs clang++"
  cmake --preset memory
  cmake --build --preset memory
  build/memory/fuzz/fuzz_loss -runs=20000
}

run_valgrind() {
  have valgrind || die "there is no valgrind"
  cmake --preset valgrind
  cmake --build --preset valgrind
  for program in tests/test_loss tests/test_inputs tests/test_errors tests/test_matrix \
    tests/test_train_data; do
    say "$program"
    valgrind --quiet --error-exitcode=1 --leak-check=full "build/valgrind/$program"
  done
}

run_fuzz() { # <seconds>
  have clang++ || die "libFuzzer needs clang++"
  cmake --preset fuzz
  cmake --build --preset fuzz
  total=0
  found=
  for target in views loss idx cifar archive checkpoint weights; do
    corpus=build/fuzz/corpus/$target
    mkdir -p "$corpus" build/fuzz/findings
    known=fuzz/regressions/$target
    [ -d "$known" ] || known=
    log=build/fuzz/$target.log
    # shellcheck disable=SC2086 # a word or none
    build/fuzz/fuzz/fuzz_$target "-max_total_time=$1" -max_len=32768 -print_final_stats=1 -verbosity=1 \
      -artifact_prefix="build/fuzz/findings/$target-" "$corpus" $known >"$log" 2>&1 || {
      tail -n 30 "$log" >&2
      found="$found fuzz_$target"
    }
    count=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
    printf '%-12s %10s executions\n' "$target" "$count"
    total=$((total + count))
  done
  printf '%-12s %10s executions\n' all "$total"
  [ -z "$found" ] || die "something was found, in build/fuzz/findings, by$found"
}

run_gpu() {
  have nvcc || die "there is no nvcc: install the CUDA toolkit, 12 or newer"
  if ! have nvidia-smi || ! nvidia-smi >/dev/null 2>&1; then
    die "NO GPU is here: nothing was run (test -DLDMAT_WITH_CUDA=ON compiles the backend)"
  fi
  nvidia-smi --query-gpu=name,driver_version --format=csv,noheader
  cmake --preset gpu
  cmake --build --preset gpu
  ctest --test-dir build/gpu --no-tests=error --output-on-failure \
    -R '^(gpu_loss|gpu_calls|cuda_embedding)$' | tee build/gpu/tests.log
  ! grep -qE 'Skipped|Failed' build/gpu/tests.log ||
    die "nvidia-smi sees a GPU, but a test failed or found none: is the driver older than the toolkit?"
  if have compute-sanitizer; then
    for tool in memcheck racecheck; do
      say "compute-sanitizer $tool"
      only=
      if [ "$tool" = racecheck ]; then only='--kernel-regex kns=run_kernel'; fi # not those of cuBLAS
      # shellcheck disable=SC2086 # two words or none
      compute-sanitizer --tool "$tool" $only --error-exitcode 1 build/gpu/tests/gpu_calls
      # shellcheck disable=SC2086
      compute-sanitizer --tool "$tool" $only --error-exitcode 1 build/gpu/tests/test_gpu_loss
    done
  else
    say "there is no compute-sanitizer: nothing was run in it"
  fi
  python3 benchmarks/gpu/gpu.py build/gpu/benchmarks/gpu/gpu_bench "$@"
}

# Debian 12 has no mdspan; NVIDIA's C++ library, headers only, does, and needs no GPU.
fetch_mdspan() {
  folder=build/pypi/nvidia-cuda-cccl
  [ ! -d "$folder" ] || return 0
  rm -rf "$folder.download" && mkdir -p "$folder.download"
  if python3 -m pip --disable-pip-version-check download -q --no-deps --only-binary :all: \
    -d "$folder.download" 'nvidia-cuda-cccl==13.3.*' &&
    python3 -m zipfile -e "$folder.download"/*.whl "$folder.download/content"; then
    mv "$folder.download/content" "$folder"
  else
    say "PyPI's nvidia-cuda-cccl could not be fetched: going on without an mdspan"
  fi
  rm -rf "$folder.download"
}

run_frameworks() { # [argument...]
  [ -n "${LDMAT_NO_INSTALL:-}" ] || fetch_mdspan
  run_tests frameworks "$@"
}

run_pytorch() { # [argument...]
  environment=out/torchenv
  if ! "$environment/bin/python" -c 'import torch, setuptools, pytorch_metric_learning' \
    2>/dev/null; then
    [ -z "${LDMAT_NO_INSTALL:-}" ] || die "$environment has no PyTorch, and nothing may be installed"
    free=$(df -Pk . | awk 'NR == 2 { print int($4 / 1048576) }')
    [ "$free" -ge 12 ] || die "PyTorch and what it comes with need 12 GiB here; there are $free"
    python3 -m venv "$environment"
    say "installing PyTorch into $environment"
    "$environment/bin/pip" --disable-pip-version-check install -q --no-cache-dir \
      torch numpy setuptools ninja pytorch-metric-learning
  fi
  if [ -z "${CXX:-}" ] && [ -x /usr/lib/ccache/g++ ]; then export CXX=/usr/lib/ccache/g++; fi
  LDMAT_BUILD_DIR=$PWD/build/pytorch "$environment/bin/pip" --disable-pip-version-check install -q \
    --no-build-isolation ./examples/pytorch
  "$environment/bin/python" examples/pytorch/test_ldmat_torch.py
  if have nvcc; then
    # shellcheck disable=SC2046 # a list of words
    nvcc -std=c++20 --expt-relaxed-constexpr -gencode arch=compute_75,code=compute_75 -I include \
      -isystem /usr/include/eigen3 $("$environment/bin/python" -c '
from torch.utils import cpp_extension
print(*("-isystem " + path for path in cpp_extension.include_paths()))') \
      -c tests/frameworks/torch_cuda.cu -o build/pytorch/torch_cuda.o
    say "TorchLoss for CUDA tensors: compiled, NOT RUN"
  fi
  "$environment/bin/python" examples/pytorch/side_by_side.py "$@"
}

run_demo() {
  cmake --preset demo
  cmake --build --preset demo
  mkdir -p out/demo
  case " $* " in
    *" --out "* | *" --out="*) ;;
    *) set -- --out out/demo "$@" ;;
  esac
  say "build/demo/examples/train/ldmat-train $*"
  exec build/demo/examples/train/ldmat-train "$@"
}

# The system's Python is the one that has the packages of this system.
run_studies() { # <study> [argument...]
  cmake --preset demo
  cmake --build --preset demo --target ldmat-train ldmat-eval
  python=/usr/bin/python3
  [ -x "$python" ] || python=python3
  exec "$python" examples/studies/studies.py "$@" --programs build/demo
}

# Other versions of clang-format lay out a few things differently.
run_clang_format() { # <argument>...
  clang_format=clang-format
  if have clang-format-14; then
    clang_format=clang-format-14
  elif ! "$clang_format" --version | grep -q 'version 14\.'; then
    say "the sources are formatted by version 14; this is $("$clang_format" --version)"
  fi
  find include tests fuzz benchmarks examples cmake -type f \
    \( -name '*.hpp' -o -name '*.cpp' -o -name '*.cuh' -o -name '*.cu' \) \
    -exec "$clang_format" "$@" {} +
}

run_tidy() { # [file...]
  cmake --preset dev-clang -DLDMAT_BUILD_TESTS=ON -DLDMAT_BUILD_EXAMPLES=ON
  if [ $# = 0 ]; then
    # shellcheck disable=SC2046 # file names here have no spaces
    set -- $(sed -n 's/^ *"file": "\(.*\)",\{0,1\}$/\1/p' build/dev-clang/compile_commands.json |
      grep -v /_deps/ | sort -u)
  fi
  say "clang-tidy on $# files"
  status=0
  printf '%s\n' "$@" |
    xargs -P "$jobs" -n 1 clang-tidy -p build/dev-clang --quiet 2>build/dev-clang/tidy.log ||
    status=1
  grep -v 'generated\.$' build/dev-clang/tidy.log >&2 || :  # the count of what it does not show
  [ "$status" = 0 ] || die "clang-tidy found something"
}

# The theme is optional: without it the site looks as Doxygen's do.
run_docs() {
  rm -rf build/docs
  mkdir -p build/docs
  theme=/usr/share/doxygen-awesome-css
  if [ -f "$theme/doxygen-awesome.css" ]; then
    theme="$theme/doxygen-awesome.css $theme/doxygen-awesome-sidebar-only.css"
  else
    say "without the theme doxygen-awesome-css, which is not installed"
    theme=
  fi
  version=$(awk '/#define LDMAT_VERSION_/ { printf "%s%s", dot, $3; dot = "." }' \
    include/ldmat/version.hpp)
  # Doxygen's own layout, but what a thing is stands before the list of its members.
  doxygen -l build/docs/default.xml
  awk '/<detaileddescription/ { next }
       /<briefdescription/ { print "<detaileddescription title=\"\"/>"; next }
       { print }' \
    build/docs/default.xml >build/docs/layout.xml
  cat docs/site/Doxyfile - >build/docs/Doxyfile <<END
PROJECT_NUMBER = $version
OUTPUT_DIRECTORY = build/docs
LAYOUT_FILE = build/docs/layout.xml
HTML_EXTRA_STYLESHEET = $theme docs/site/site.css
END
  doxygen build/docs/Doxyfile
  say "build/docs/html/index.html"
}

run_coverage() {
  cmake --preset coverage
  cmake --build --preset coverage
  find build/coverage -name '*.gcda' -delete
  ctest --preset coverage -j "$jobs"
  gcov=gcov-$(g++ -dumpversion)
  have "$gcov" || gcov=gcov
  python3 tests/coverage.py build/coverage --gcov "$gcov" "$@"
}

command=${1:-help}
[ $# = 0 ] || shift
case $command in
  studies)
    [ $# != 0 ] || die "studies: which? plane, ten, regularizers, batch, dimension, colour, tried, classifiers, all"
    set_up studies
    run_studies "$@"
    ;;
  demo)
    set_up demo
    run_demo "$@"
    ;;
  test)
    set_up test
    run_tests release "$@"
    ;;
  sanitize)
    set_up test
    # Clang compiles what it watches in half of GCC's time.
    if [ -z "${CXX:-}" ] && good_compiler clang++; then export CXX=clang++; fi
    run_tests sanitizers "$@"
    ;;
  thread)
    set_up test
    run_thread
    ;;
  memory)
    set_up fuzz
    run_memory
    ;;
  valgrind)
    set_up test
    run_valgrind
    ;;
  fuzz)
    set_up fuzz
    run_fuzz "${1:-60}"
    ;;
  format)
    set_up format
    run_clang_format -i
    ;;
  check-format)
    set_up format
    run_clang_format --dry-run -Werror
    ;;
  tidy)
    set_up tidy
    run_tidy "$@"
    ;;
  docs)
    set_up docs
    run_docs
    ;;
  frameworks)
    set_up frameworks
    run_frameworks "$@"
    ;;
  pytorch)
    set_up pytorch
    run_pytorch "$@"
    ;;
  coverage)
    set_up test
    have python3 || die "there is no python3"
    run_coverage "$@"
    ;;
  gpu)
    set_up test
    run_gpu "$@"
    ;;
  mutations)
    set_up test
    have python3 || die "there is no python3"
    exec python3 tests/mutations/run.py "$@"
    ;;
  release)
    have python3 || die "there is no python3"
    exec python3 cmake/release.py "${@:-check}"
    ;;
  check)
    case "${1:-}" in --list) ;; *) set_up check ;; esac
    exec sh cmake/check.sh "$@"
    ;;
  setup)
    set_up "${1:-test}"
    find_missing "$manager" "${1:-test}"
    [ -z "$missing$missing_tools" ] || die "still missing:$missing$missing_tools"
    say "everything for '${1:-test}' is there"
    ;;
  help | -h | --help) usage ;;
  *)
    usage >&2
    die "no command '$command'"
    ;;
esac
