# The Debian package holds what the archive holds.
if command -v dpkg-deb >/dev/null; then
  (cd build/ldmat && cpack -G DEB)
  dpkg-deb -x build/ldmat/libldmat-dev_*_all.deb package
  (cd package/usr && find . -type f | sort) >package.txt
  (cd ldmat-*-any && find . -type f | sort) >archive.txt
  diff package.txt archive.txt
  test "$(wc -l <archive.txt)" -gt 40
fi
