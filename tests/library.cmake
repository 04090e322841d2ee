# Tests of include/ldmat.
