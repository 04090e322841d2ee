# Tests of examples/train.
