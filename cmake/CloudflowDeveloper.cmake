# What developers build around the modules: tests, benchmarks, fuzz targets, each header on its own.

add_custom_target(tests COMMENT "All test programs but those of whole programs")
add_custom_target(test_concurrent COMMENT "Test programs that ThreadSanitizer watches")
add_custom_target(test_e2e COMMENT "What the tests of whole programs need")
add_custom_target(benches COMMENT "All benchmarks")
add_custom_target(fuzzers COMMENT "All fuzz targets")
add_custom_target(check_alone COMMENT "Every header and source of the modules compiled alone")
add_custom_target(generated COMMENT "Generated sources, which clang-tidy has to see")

# A program that is for developers only: it stays out of build/bin.
function(cloudflow_developer_program target)
  set_target_properties(${target} PROPERTIES
    RUNTIME_OUTPUT_DIRECTORY "${CMAKE_CURRENT_BINARY_DIR}" CLOUDFLOW_DEVELOPER_ONLY ON)
  target_link_libraries(${target} PRIVATE cloudflow::internal)
  target_compile_definitions(${target} PRIVATE CLOUDFLOW_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
endfunction()

# What tests with the label `kafka` get: a broker that they share. ctest starts it before the first of them and ends it
# after the last (tests/kafka/CMakeLists.txt).
set(cloudflow_kafka_broker "${PROJECT_BINARY_DIR}/kafka-broker")
set(cloudflow_with_kafka FIXTURES_REQUIRED kafka_broker ENVIRONMENT "CLOUDFLOW_TEST_KAFKA=${cloudflow_kafka_broker}")

# cloudflow_test(<target> SOURCES ... LABELS ... [LIBS ...] [PREFIX text] [TIMEOUT seconds])
#
# A GoogleTest program; every TEST in it is a test of ctest. Labels say where it runs: `e2e` in the release build, on
# the programs that users get; all others in the dev build; `concurrent` in the tsan build as well. `kafka`: with a
# broker (src/cloudflow/pubsub/kafka/broker_fixture.hpp).
function(cloudflow_test target)
  cmake_parse_arguments(arg "" "PREFIX;TIMEOUT" "SOURCES;LIBS;LABELS" ${ARGN})
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 120)
  endif()
  add_executable(${target} ${arg_SOURCES})
  cloudflow_developer_program(${target})
  target_link_libraries(${target} PRIVATE ${arg_LIBS} GTest::gmock GTest::gtest_main)
  set(properties TIMEOUT ${arg_TIMEOUT})
  if("kafka" IN_LIST arg_LABELS)
    list(APPEND properties ${cloudflow_with_kafka})
  endif()
  gtest_discover_tests(${target} TEST_PREFIX "${arg_PREFIX}" DISCOVERY_MODE PRE_TEST DISCOVERY_TIMEOUT 60
                       TEST_LIST ${target}_TESTS PROPERTIES ${properties})
  # gtest_discover_tests cannot hand on a property that is a list.
  file(CONFIGURE OUTPUT "${CMAKE_CURRENT_BINARY_DIR}/${target}_labels.cmake" @ONLY CONTENT
       [[set_tests_properties(${@target@_TESTS} PROPERTIES LABELS "@arg_LABELS@")
]])
  set_property(DIRECTORY APPEND PROPERTY TEST_INCLUDE_FILES "${CMAKE_CURRENT_BINARY_DIR}/${target}_labels.cmake")
  cloudflow_group_test(${target} ${arg_LABELS})
endfunction()

# cloudflow_script_test(<name> COMMAND ... LABELS ... [DEPENDS target...] [TIMEOUT seconds])
#
# A test that is a script; exit code 0 passes. DEPENDS: the targets that it runs.
function(cloudflow_script_test name)
  cmake_parse_arguments(arg "" "TIMEOUT" "COMMAND;LABELS;DEPENDS" ${ARGN})
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 300)
  endif()
  add_test(NAME "${name}" COMMAND ${arg_COMMAND} WORKING_DIRECTORY "${PROJECT_SOURCE_DIR}")
  set_tests_properties("${name}" PROPERTIES LABELS "${arg_LABELS}" TIMEOUT ${arg_TIMEOUT})
  cloudflow_group_test("${arg_DEPENDS}" ${arg_LABELS})
endfunction()

# Makes test_<label> build the targets, for each of their labels.
function(cloudflow_group_test targets)
  if(targets AND NOT "e2e" IN_LIST ARGN)
    add_dependencies(tests ${targets})
  endif()
  foreach(label ${ARGN})
    if(NOT TARGET test_${label})
      add_custom_target(test_${label} COMMENT "What the tests with label ${label} need")
    endif()
    if(targets)
      add_dependencies(test_${label} ${targets})
    endif()
  endforeach()
endfunction()

# cloudflow_bench(<name> (SOURCES ... [LIBS ...] | COMMAND ... [DEPENDS target...]))
#
# What `./dev bench <name>` builds and runs: a Google Benchmark program, or any command that prints figures and
# fails when a result is wrong.
function(cloudflow_bench name)
  cmake_parse_arguments(arg "" "" "SOURCES;LIBS;COMMAND;DEPENDS" ${ARGN})
  add_custom_target(bench_${name} DEPENDS ${arg_DEPENDS})
  if(arg_SOURCES)
    add_executable(cloudflow_${name}_bench ${arg_SOURCES})
    cloudflow_developer_program(cloudflow_${name}_bench)
    set_target_properties(cloudflow_${name}_bench PROPERTIES UNITY_BUILD OFF)  # each stands for itself
    target_link_libraries(cloudflow_${name}_bench PRIVATE ${arg_LIBS} benchmark::benchmark_main)
    set(arg_COMMAND "$<TARGET_FILE:cloudflow_${name}_bench>")
    add_dependencies(bench_${name} cloudflow_${name}_bench)
  endif()
  if(arg_DEPENDS)
    add_dependencies(bench_${name} ${arg_DEPENDS})
  endif()
  add_dependencies(benches bench_${name})
  list(JOIN arg_COMMAND "\t" command)
  file(GENERATE OUTPUT "${PROJECT_BINARY_DIR}/benches/${name}" CONTENT "${command}\n")
endfunction()

# cloudflow_fuzzer(<module> <thing>.fuzz.cpp [LIBS ...])
#
# The source defines LLVMFuzzerTestOneInput; corpus/<thing>/ beside it holds inputs. With CLOUDFLOW_FUZZ it
# becomes fuzz_<module>_<thing>; otherwise a test that feeds it each file of the corpus, so that whatever a fuzzer
# found once is tried by every build.
function(cloudflow_fuzzer module source)
  cmake_parse_arguments(arg "" "" "LIBS" ${ARGN})
  get_filename_component(thing "${source}" NAME_WE)
  set(target fuzz_${module}_${thing})
  if(CLOUDFLOW_FUZZ)
    add_executable(${target} "${source}")
    target_link_options(${target} PRIVATE -fsanitize=fuzzer)
    file(GENERATE OUTPUT "${PROJECT_BINARY_DIR}/fuzzers/${target}"
         CONTENT "$<TARGET_FILE:${target}>\t${CMAKE_CURRENT_SOURCE_DIR}/corpus/${thing}\n")
    add_dependencies(fuzzers ${target})
  else()
    add_executable(${target} "${source}" "${PROJECT_SOURCE_DIR}/tests/support/replay_corpus.cpp")
    cloudflow_script_test("${module}: the fuzz corpus of ${thing} is read without a fault"
      COMMAND ${target} "${CMAKE_CURRENT_SOURCE_DIR}/corpus/${thing}" LABELS unit ${module} DEPENDS ${target})
  endif()
  cloudflow_developer_program(${target})
  target_link_libraries(${target} PRIVATE ${arg_LIBS})
endfunction()

# Compiles every header of the current folder, and the sources of the module, each on its own. Elsewhere several are
# compiled as one (preset `unity`), which would hide an include that is missing and a name that hides another.
function(cloudflow_check_alone module)
  cmake_parse_arguments(arg "" "" "SOURCES;LIBS" ${ARGN})
  file(GLOB_RECURSE headers CONFIGURE_DEPENDS RELATIVE "${CMAKE_CURRENT_SOURCE_DIR}" "*.hpp")
  list(FILTER headers EXCLUDE REGEX "[.]test[.]hpp$")  # parts of test programs
  file(GLOB_RECURSE nested RELATIVE "${CMAKE_CURRENT_SOURCE_DIR}" "*/CMakeLists.txt")
  set(sources ${arg_SOURCES})
  foreach(header ${headers})
    set(of_nested_module FALSE)
    foreach(list_file ${nested})
      cmake_path(GET list_file PARENT_PATH folder)
      cmake_path(IS_PREFIX folder "${header}" of_this_folder)
      if(of_this_folder)
        set(of_nested_module TRUE)
      endif()
    endforeach()
    if(NOT of_nested_module)
      file(RELATIVE_PATH include "${PROJECT_SOURCE_DIR}/src" "${CMAKE_CURRENT_SOURCE_DIR}/${header}")
      set(source "${CMAKE_CURRENT_BINARY_DIR}/headers/${header}.cpp")
      file(CONFIGURE OUTPUT "${source}" CONTENT "#include \"${include}\"  // IWYU pragma: keep\n" @ONLY)
      list(APPEND sources "${source}")
    endif()
  endforeach()
  if(sources)
    add_library(cloudflow_${module}_alone OBJECT EXCLUDE_FROM_ALL ${sources})
    set_target_properties(cloudflow_${module}_alone PROPERTIES UNITY_BUILD OFF)
    target_compile_options(cloudflow_${module}_alone PRIVATE -Wshadow)
    target_link_libraries(cloudflow_${module}_alone PRIVATE cloudflow::${module} cloudflow::internal ${arg_LIBS})
    add_dependencies(check_alone cloudflow_${module}_alone)
  endif()
endfunction()

# Gives the programs under a directory: every executable that is not for developers only.
function(cloudflow_programs out directory)
  get_property(targets DIRECTORY "${directory}" PROPERTY BUILDSYSTEM_TARGETS)
  get_property(children DIRECTORY "${directory}" PROPERTY SUBDIRECTORIES)
  set(found "")
  foreach(target ${targets})
    get_target_property(type ${target} TYPE)
    get_target_property(developer_only ${target} CLOUDFLOW_DEVELOPER_ONLY)
    if(type STREQUAL "EXECUTABLE" AND NOT developer_only)
      list(APPEND found ${target})
    endif()
  endforeach()
  foreach(child ${children})
    cloudflow_programs(of_child "${child}")
    list(APPEND found ${of_child})
  endforeach()
  set(${out} "${found}" PARENT_SCOPE)
endfunction()
