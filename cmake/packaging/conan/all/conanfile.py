import os

from conan import ConanFile
from conan.tools.build import check_min_cppstd
from conan.tools.cmake import CMake, CMakeDeps, CMakeToolchain, cmake_layout
from conan.tools.files import copy, get, load, rmdir, save

required_conan_version = ">=2.1"

# Files that Conan's own file for CMake includes, where a dependency is no package of Conan's.
PLATFORM_MODULE = os.path.join("lib", "cmake", "conan-official-ldmat-platform.cmake")
PLATFORM_MODULE_TEXT = """
# Eigen and xsimd are the machine's own: [platform_requires] in the profile.
if(NOT TARGET Eigen3::Eigen)
  find_package(Eigen3 CONFIG REQUIRED)
endif()
if(NOT TARGET xsimd)
  find_package(xsimd CONFIG REQUIRED)
endif()
ldmat_mend_xsimd()
set_property(TARGET ldmat::ldmat APPEND PROPERTY INTERFACE_LINK_LIBRARIES Eigen3::Eigen xsimd)
"""
CUDA_MODULE = os.path.join("lib", "cmake", "conan-official-ldmat-cuda.cmake")
CUDA_MODULE_TEXT = """\
# No package of Conan's has the CUDA toolkit: the machine's own is used.
if(NOT TARGET CUDA::cublas)
  find_package(CUDAToolkit REQUIRED)
endif()
set_property(TARGET ldmat::cuda APPEND PROPERTY INTERFACE_LINK_LIBRARIES CUDA::cublas CUDA::cudart)
"""


class LdmatConan(ConanFile):
    name = "ldmat"
    description = "Distance-matrix loss for training networks without softmax"
    license = "BSD-3-Clause"
    url = "https://github.com/conan-io/conan-center-index"
    homepage = "https://doi.org/10.1016/j.cviu.2024.104184"
    topics = ("metric-learning", "deep-learning", "loss-function", "simd", "header-only")

    package_type = "header-library"
    settings = "os", "arch", "compiler", "build_type"
    # dispatch: the library of kernels for several instruction sets, ldmat::dispatch.
    # cuda: the target ldmat::cuda; the toolkit is the machine's own.
    # openmp: threads; the flag is added to whatever uses ldmat.
    options = {"dispatch": [True, False], "cuda": [True, False], "openmp": [True, False]}
    default_options = {"dispatch": False, "cuda": False, "openmp": False}

    def configure(self):
        if self.options.dispatch:
            self.package_type = "static-library"

    def layout(self):
        cmake_layout(self, src_folder="src")

    def requirements(self):
        self.requires("eigen/3.4.0", transitive_headers=True)
        self.requires("xsimd/14.1.0", transitive_headers=True)

    def package_id(self):
        if not self.info.options.dispatch:
            self.info.settings.clear()  # headers; what the options change is in package_info

    def validate(self):
        check_min_cppstd(self, 20)

    def source(self):
        get(self, **self.conan_data["sources"][self.version], strip_root=True)

    def generate(self):
        toolchain = CMakeToolchain(self)
        toolchain.cache_variables["LDMAT_BUILD_TESTS"] = False
        toolchain.cache_variables["LDMAT_BUILD_EXAMPLES"] = False
        toolchain.cache_variables["LDMAT_WITH_DISPATCH"] = bool(self.options.dispatch)
        toolchain.cache_variables["CMAKE_DISABLE_FIND_PACKAGE_OpenMP"] = not self.options.openmp
        toolchain.generate()
        CMakeDeps(self).generate()

    def build(self):
        cmake = CMake(self)
        cmake.configure()
        cmake.build()

    def package(self):
        CMake(self).install()
        copy(self, "LICENSE", self.source_folder, os.path.join(self.package_folder, "licenses"))
        # Conan writes its own, from package_info.
        rmdir(self, os.path.join(self.package_folder, "lib", "cmake"))
        rmdir(self, os.path.join(self.package_folder, "lib", "pkgconfig"))
        rmdir(self, os.path.join(self.package_folder, "share"))
        mend = load(self, os.path.join(self.source_folder, "cmake", "ldmatMendXsimd.cmake"))
        save(self, os.path.join(self.package_folder, PLATFORM_MODULE), mend + PLATFORM_MODULE_TEXT)
        save(self, os.path.join(self.package_folder, CUDA_MODULE), CUDA_MODULE_TEXT)

    @property
    def _openmp_flags(self):
        compiler = str(self.settings.compiler)
        if compiler == "msvc":
            return ["-openmp:llvm"]
        return ["-Xpreprocessor", "-fopenmp"] if compiler == "apple-clang" else ["-fopenmp"]

    def package_info(self):
        self.cpp_info.set_property("cmake_file_name", "ldmat")
        modules = []
        self.cpp_info.bindirs = []
        self.cpp_info.libdirs = []

        headers = self.cpp_info.components["headers"]
        headers.set_property("cmake_target_name", "ldmat::ldmat")
        headers.set_property("pkg_config_name", "ldmat")
        headers.bindirs = []
        headers.libdirs = []
        # What the profile takes from the platform is no dependency here.
        dependencies = [name for name in ("eigen", "xsimd") if name in self.dependencies]
        headers.requires = [f"{name}::{name}" for name in dependencies]
        if len(dependencies) < 2:
            modules.append(PLATFORM_MODULE)
        if self.options.openmp:
            headers.cxxflags = self._openmp_flags
            headers.exelinkflags = headers.sharedlinkflags = self._openmp_flags

        if self.options.dispatch:
            dispatch = self.cpp_info.components["dispatch"]
            dispatch.set_property("cmake_target_name", "ldmat::dispatch")
            dispatch.set_property("pkg_config_name", "ldmat-dispatch")
            dispatch.requires = ["headers"]
            dispatch.libs = ["ldmat_dispatch"]
            dispatch.libdirs = ["lib"]
            dispatch.bindirs = []
            dispatch.defines = ["LDMAT_DISPATCH"]

        if self.options.cuda:
            cuda = self.cpp_info.components["cuda"]
            cuda.set_property("cmake_target_name", "ldmat::cuda")
            cuda.requires = ["headers"]
            cuda.bindirs = []
            cuda.libdirs = []
            modules.append(CUDA_MODULE)

        self.cpp_info.set_property("cmake_build_modules", modules)
