#!/bin/sh
# Compile time of the README's program against a program that includes <Eigen/Dense> and multiplies
# two matrices: medians of interleaved runs, as a ratio; and the code that comes of it. Usage: benchmarks/compile_time.sh [repeats]
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
repeats=${1:-5}
compiler=${CXX:-g++}
eigen=${EIGEN3_INCLUDE:-/usr/include/eigen3}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cat >"$work/eigen.cpp" <<'PROGRAM'
#include <Eigen/Dense>
int main() {
  const Eigen::MatrixXf a = Eigen::MatrixXf::Random(50, 50);
  const Eigen::MatrixXf b = a * a;
  return b(0, 0) > 2;
}
PROGRAM
cp "$here/examples/quickstart/quickstart.cpp" "$work/ldmat.cpp"

compile() {  # prints CPU seconds
  python3 - "$@" <<'TIMER'
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime)
TIMER
}

median() { sort -n "$1" | awk '{ v[NR] = $1 } END { print (v[int((NR + 1) / 2)] + v[int(NR / 2) + 1]) / 2 }'; }

code() { size "$work/$1.o" | awk 'NR == 2 { printf "%.0f", $1 / 1024 }'; }  # KiB

echo "| flags | Eigen, one product, s | ldmat, README's program, s | ratio | code, KiB, of Eigen's | of ldmat's |"
echo "|---|---:|---:|---:|---:|---:|"
for flags in -O0 -O2; do
  : >"$work/eigen.times"
  : >"$work/ldmat.times"
  i=0
  while [ "$i" -lt "$repeats" ]; do
    for name in eigen ldmat; do
      compile "$compiler" -std=c++20 "$flags" -I"$here/include" -isystem "$eigen" -w \
        -c "$work/$name.cpp" -o "$work/$name.o" >>"$work/$name.times"
    done
    i=$((i + 1))
  done
  e=$(median "$work/eigen.times")
  l=$(median "$work/ldmat.times")
  awk -v f="$flags" -v e="$e" -v l="$l" -v c="$(code eigen)" -v d="$(code ldmat)" \
    'BEGIN { printf "| %s | %.2f | %.2f | %.2f | %d | %d |\n", f, e, l, l / e, c, d }'
done
