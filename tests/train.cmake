# Tests of examples/train.
ldmat_add_test(train_data LIBRARIES ldmat_train_lib SOURCES
  train/test_data_cifar.cpp train/test_data_dataset.cpp train/test_data_idx.cpp
  train/test_data_sampler.cpp)
ldmat_add_test(train_net LIBRARIES ldmat_train_lib SOURCES
  train/test_net_layers.cpp train/test_net_models.cpp train/test_net_optimizer.cpp
  train/test_net_rng.cpp)
ldmat_add_test(train_app LIBRARIES ldmat_train_lib SOURCES
  train/test_app_checkpoint.cpp train/test_app_features.cpp train/test_app_options.cpp
  train/test_app_report.cpp train/test_app_run.cpp)
target_compile_definitions(test_train_app PRIVATE LDMAT_TRAIN_PROGRAM="$<TARGET_FILE:ldmat-train>")
add_dependencies(test_train_app ldmat-train)

if(TARGET ldmat-eval)
  ldmat_add_test(train_eval LIBRARIES ldmat_eval_lib SOURCES
    train/test_eval_classifiers.cpp train/test_eval_program.cpp train/test_eval_svm.cpp)
  target_compile_definitions(test_train_eval PRIVATE
    LDMAT_TRAIN_PROGRAM="$<TARGET_FILE:ldmat-train>" LDMAT_EVAL_PROGRAM="$<TARGET_FILE:ldmat-eval>")
  add_dependencies(test_train_eval ldmat-train ldmat-eval)
endif()
