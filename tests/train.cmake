# Tests of examples/train.
ldmat_add_test(train_data LIBRARIES ldmat_train_lib SOURCES
  train/test_data_augment.cpp train/test_data_cifar.cpp train/test_data_dataset.cpp
  train/test_data_idx.cpp train/test_data_sampler.cpp)
ldmat_add_test(train_net LIBRARIES ldmat_train_lib SOURCES
  train/test_net_layers.cpp train/test_net_models.cpp train/test_net_optimizer.cpp
  train/test_net_rng.cpp train/test_net_unit_length.cpp)
ldmat_add_test(train_loss LIBRARIES ldmat_train_lib SOURCES
  train/test_loss_center.cpp train/test_loss_contrastive.cpp train/test_loss_ldmat.cpp
  train/test_loss_supcon.cpp train/test_loss_triplet.cpp)
ldmat_add_test(train_app LIBRARIES ldmat_train_lib SOURCES
  train/test_app_checkpoint.cpp train/test_app_features.cpp train/test_app_options.cpp
  train/test_app_report.cpp train/test_app_run.cpp train/test_app_snapshots.cpp
  train/test_app_weights.cpp
  docs/snippets_report.cpp)
target_compile_definitions(test_train_app PRIVATE LDMAT_TRAIN_PROGRAM="$<TARGET_FILE:ldmat-train>")
add_dependencies(test_train_app ldmat-train)

if(TARGET ldmat-eval)
  ldmat_add_test(train_eval LIBRARIES ldmat_eval_lib SOURCES
    train/test_eval_classifiers.cpp train/test_eval_program.cpp train/test_eval_svm.cpp)
  target_compile_definitions(test_train_eval PRIVATE
    LDMAT_TRAIN_PROGRAM="$<TARGET_FILE:ldmat-train>" LDMAT_EVAL_PROGRAM="$<TARGET_FILE:ldmat-eval>")
  add_dependencies(test_train_eval ldmat-train ldmat-eval)
endif()

# The report of a run (examples/report), with NumPy and Matplotlib; in Chromium, where there is one.
find_package(Python3 QUIET COMPONENTS Interpreter)
if(Python3_Interpreter_FOUND AND CMAKE_BUILD_TYPE STREQUAL "Release" AND NOT LDMAT_BUILD_FRAMEWORKS
   AND NOT CMAKE_CROSSCOMPILING AND NOT CMAKE_CXX_FLAGS MATCHES "sanitize|coverage")  # once is enough
  add_test(NAME train_report COMMAND Python3::Interpreter "${CMAKE_CURRENT_SOURCE_DIR}/train/test_report.py")
  set_tests_properties(train_report PROPERTIES SKIP_RETURN_CODE 77 TIMEOUT 900 COST 60
    ENVIRONMENT "LDMAT_TRAIN_PROGRAM=$<TARGET_FILE:ldmat-train>")
elseif(NOT Python3_Interpreter_FOUND)
  message(STATUS "ldmat: no test of the report: there is no Python 3")
endif()

# The studies, with stand-ins for the programs; where ldmat-eval is there, a quick one with the programs, too.
if(UNIX AND Python3_Interpreter_FOUND AND NOT CMAKE_CROSSCOMPILING)
  set(studies_programs)
  if(TARGET ldmat-eval AND NOT CMAKE_CXX_FLAGS MATCHES "sanitize|coverage")
    set(studies_programs --programs "${PROJECT_BINARY_DIR}")
  endif()
  add_test(NAME studies COMMAND Python3::Interpreter
           "${CMAKE_CURRENT_SOURCE_DIR}/train/test_studies.py" ${studies_programs})
  set_tests_properties(studies PROPERTIES COST 20 TIMEOUT 600)
  add_test(NAME docs_results COMMAND Python3::Interpreter
           "${PROJECT_SOURCE_DIR}/examples/studies/studies.py" docs --check)
else()
  message(STATUS "ldmat: no tests of the studies: there is no Python 3, or not this system's")
endif()
