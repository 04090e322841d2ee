# pip install --no-build-isolation ./examples/pytorch    (docs/frameworks.md says what else there is)
import os
import pathlib
import re
import sys
import sysconfig

import torch
from setuptools import setup
from torch.utils.cpp_extension import BuildExtension, CppExtension

here = pathlib.Path(__file__).resolve().parent
include = pathlib.Path(os.environ.get("LDMAT_INCLUDE_DIR", here / ".." / ".." / "include")).resolve()
if not (include / "ldmat" / "ldmat.hpp").is_file():
    sys.exit(f"ldmat's headers are not in {include}: LDMAT_INCLUDE_DIR says where they are")
version = re.findall(
    r"#define LDMAT_VERSION_\w+ (\d+)", (include / "ldmat" / "version.hpp").read_text())

# One build folder per PyTorch and processor: object files of one do not fit another.
build = pathlib.Path(os.environ.get("LDMAT_BUILD_DIR", here / "build"))
march = os.environ.get("LDMAT_MARCH", "native")
build = build / f"torch-{torch.__version__}-{march}"
build.mkdir(parents=True, exist_ok=True)

# Eigen, whose folder the compiler does not know, and xsimd, where it is in none that it knows.
prefixes = [p for p in os.environ.get("CMAKE_PREFIX_PATH", "").split(os.pathsep) if p]
prefixes += [sysconfig.get_config_var("prefix"), "/usr/local", "/usr"]
folders = [pathlib.Path(p) / "include" / "eigen3" for p in prefixes]
folders += [pathlib.Path(p) / "include" for p in prefixes if p not in ("/usr", "/usr/local")]
system = [str(f) for f in folders if (f / "Eigen").is_dir() or (f / "xsimd").is_dir()]

flags = ["-std=c++20", "-O2", "-g0", "-DNDEBUG", "-Wno-psabi"]
flags += [f"-isystem{folder}" for folder in system]
# The processor that builds it is the one that runs it, unless LDMAT_MARCH says otherwise.
if march:
    flags.append(f"-march={march}")
# Compiled with OpenMP, but not linked with the system's: PyTorch's own runtime is found through its
# library, so that torch.set_num_threads counts here too and no second set of threads is started.
flags.append("-fopenmp")

setup(
    name="ldmat_torch",
    version=".".join(version),
    description="The LDMAT loss, computed by the C++ library ldmat, as a PyTorch module",
    packages=["ldmat_torch"],
    package_dir={"": "src"},
    ext_modules=[
        CppExtension(
            "ldmat_torch._ops",
            ["src/ldmat_torch/ops.cpp"],
            include_dirs=[str(include)],
            depends=[str(header) for header in sorted((include / "ldmat").rglob("*.hpp"))],
            extra_compile_args=flags,
        )
    ],
    cmdclass={"build_ext": BuildExtension},
    options={"build": {"build_base": str(build)}, "egg_info": {"egg_base": str(build)}},
    python_requires=">=3.9",
)
