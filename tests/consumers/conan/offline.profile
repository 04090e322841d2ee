[platform_requires]
eigen/3.4.0
xsimd/8.1.0

[replace_requires]
xsimd/*: xsimd/8.1.0
