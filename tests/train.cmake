# Tests of examples/train.
ldmat_add_test(train_data LIBRARIES ldmat_train_lib SOURCES
  train/test_data_cifar.cpp train/test_data_dataset.cpp train/test_data_idx.cpp
  train/test_data_sampler.cpp)
ldmat_add_test(train_net LIBRARIES ldmat_train_lib SOURCES
  train/test_net_layers.cpp train/test_net_models.cpp train/test_net_optimizer.cpp
  train/test_net_rng.cpp train/test_net_unit_length.cpp)
ldmat_add_test(train_loss LIBRARIES ldmat_train_lib SOURCES
  train/test_loss_center.cpp train/test_loss_contrastive.cpp train/test_loss_supcon.cpp
  train/test_loss_triplet.cpp)
ldmat_add_test(train_app LIBRARIES ldmat_train_lib SOURCES
  train/test_app_checkpoint.cpp train/test_app_options.cpp train/test_app_report.cpp
  train/test_app_run.cpp)
target_compile_definitions(test_train_app PRIVATE LDMAT_TRAIN_PROGRAM="$<TARGET_FILE:ldmat-train>")
add_dependencies(test_train_app ldmat-train)
