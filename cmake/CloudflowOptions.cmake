# Compiler settings of this repository. `cloudflow::internal` carries them; nothing here reaches an application.
option(CLOUDFLOW_DEVELOPER_MODE "Build the tests and benchmarks" OFF)
option(CLOUDFLOW_COVERAGE "Instrument for coverage" OFF)
option(CLOUDFLOW_FUZZ "Build the libFuzzer targets" OFF)
set(CLOUDFLOW_SANITIZE "" CACHE STRING "Sanitizers, e.g. address,undefined")

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)

find_program(CLOUDFLOW_CCACHE ccache)
if(CLOUDFLOW_CCACHE)
  # Paths relative to the source: another clone of the same commit compiles from the cache.
  set(CMAKE_CXX_COMPILER_LAUNCHER "${CMAKE_COMMAND}" -E env "CCACHE_BASEDIR=${PROJECT_SOURCE_DIR}"
      CCACHE_NOHASHDIR=1 "${CLOUDFLOW_CCACHE}")
endif()
find_program(CLOUDFLOW_MOLD mold)
if(CLOUDFLOW_MOLD)
  add_link_options(-fuse-ld=mold)
endif()

add_library(cloudflow_internal INTERFACE)
add_library(cloudflow::internal ALIAS cloudflow_internal)
if(CLOUDFLOW_DEVELOPER_MODE)
  # clang counts -Wsign-conversion to -Wconversion, g++ does not; g++ sets the rule.
  # -Wno-restrict: g++ 12 sees overlapping copies in every `"text" + std::string` (GCC bug 105651).
  target_compile_options(cloudflow_internal INTERFACE -Wall -Wextra -Wpedantic -Wconversion
                         -Wnon-virtual-dtor -Werror $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>
                         $<$<CXX_COMPILER_ID:Clang>:-Wno-sign-conversion>)
  if(CMAKE_UNITY_BUILD)
    # What one source names, and what only it has, lies beside another's here: no fault of either.
    target_compile_options(cloudflow_internal INTERFACE $<$<CXX_COMPILER_ID:GNU>:-Wno-subobject-linkage>)
  else()
    target_compile_options(cloudflow_internal INTERFACE -Wshadow)
  endif()
endif()
if(CLOUDFLOW_SANITIZE)
  # -g1: positions for the sanitizer's stacks without the build time of full debug information.
  add_compile_options(-fsanitize=${CLOUDFLOW_SANITIZE} -fno-omit-frame-pointer -g1)
  add_link_options(-fsanitize=${CLOUDFLOW_SANITIZE})
  if(CLOUDFLOW_SANITIZE MATCHES "undefined")
    add_compile_options(-fno-sanitize-recover=undefined)
  endif()
  if(CLOUDFLOW_SANITIZE MATCHES "thread" AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # Boost.Asio has fences, which ThreadSanitizer does not see; what they order is ordered by its mutexes as well.
    add_compile_options(-Wno-tsan)
  endif()
endif()
if(CLOUDFLOW_COVERAGE)
  add_compile_options(--coverage -fprofile-update=atomic)
  add_link_options(--coverage)
endif()
if(CLOUDFLOW_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined
                      -fno-omit-frame-pointer -g1)
  add_link_options(-fsanitize=address,undefined)
endif()
