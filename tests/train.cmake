# Tests of examples/train.
ldmat_add_test(train_data LIBRARIES ldmat_train_lib SOURCES
  train/test_data_cifar.cpp train/test_data_dataset.cpp train/test_data_idx.cpp
  train/test_data_sampler.cpp)
ldmat_add_test(train_net LIBRARIES ldmat_train_lib SOURCES
  train/test_net_layers.cpp train/test_net_models.cpp train/test_net_optimizer.cpp
  train/test_net_rng.cpp)
