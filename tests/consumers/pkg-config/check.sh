# What pkg-config says of versions, and of one that is too new.
export PKG_CONFIG_PATH="$HOME/ldmat/share/pkgconfig"
pkg-config --exists --print-errors 'ldmat >= 0.1'
if pkg-config --exists 'ldmat >= 99'; then
  exit 1
fi
./main | grep "^ldmat $(pkg-config --modversion ldmat): "
