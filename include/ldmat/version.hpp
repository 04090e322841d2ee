#pragma once

// The only place of the version: CMakeLists.txt reads these three lines.
#define LDMAT_VERSION_MAJOR 0
#define LDMAT_VERSION_MINOR 1
#define LDMAT_VERSION_PATCH 0
