# The same through pkg-config; and the program has the library's kernels, not its own.
prefix="$HOME/ldmat-dispatch"
PKG_CONFIG_PATH="$(echo "$prefix"/lib*/pkgconfig):$prefix/share/pkgconfig"
export PKG_CONFIG_PATH
c++ -std=c++20 -O0 main.cpp -o main $(pkg-config --cflags --libs ldmat-dispatch)
./main
for program in main build/main; do
  nm -C "$program" | grep -q 'ldmat::detail::compiled_sums<ldmat::detail::CompiledFor'
done
