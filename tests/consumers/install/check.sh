# The installed folder names neither itself nor the sources, and works where it is moved to.
for folder in "$HOME/ldmat" "$PWD" "$(realpath ldmat)"; do
  if grep -rF "$folder/" "$HOME/ldmat"; then
    echo "the installed files name $folder"
    exit 1
  fi
done
mv "$HOME/ldmat" moved
cmake -S . -B build/moved -DCMAKE_PREFIX_PATH="$PWD/moved"
cmake --build build/moved
./build/moved/main
mv moved "$HOME/ldmat"

# Configuring and installing left nothing in CMake's user package registry.
test ! -e "$HOME/.cmake/packages"
