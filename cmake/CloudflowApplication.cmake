# What applications use: cloudflow_schemas and cloudflow_application.
set(CLOUDFLOW_CMAKE_DIR "${CMAKE_CURRENT_LIST_DIR}")
set(CLOUDFLOW_VERSION "${cloudflow_VERSION}")

# cloudflow_schemas(<target> <file>...)
#
# A library <target> with the C++ types of Avro schemas (.avsc) and protocols (.avpr). A file may use types of the files
# before it. For a schema `LogMessage` the header is "<target>/log_message.hpp"; a protocol has one header for all its
# types.
function(cloudflow_schemas target)
  set(directory "${CMAKE_CURRENT_BINARY_DIR}/${target}.generated")
  set(files)
  set(generated)
  foreach(file IN LISTS ARGN)
    get_filename_component(path "${file}" ABSOLUTE)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${path}")
    _cloudflow_schema_stem(stem "${path}")
    list(APPEND files "${path}")
    list(APPEND generated "${directory}/${target}/${stem}.hpp" "${directory}/${target}/${stem}.cpp")
  endforeach()
  add_custom_command(
    OUTPUT ${generated}
    COMMAND cloudflow::codegen_program ${target} "${directory}" ${files}
    DEPENDS cloudflow::codegen_program ${files}
    COMMENT "Generating C++ for the schemas of ${target}"
    VERBATIM)
  add_library(${target} STATIC ${generated})
  target_include_directories(${target} SYSTEM PUBLIC "${directory}")
  target_link_libraries(${target} PUBLIC cloudflow::schema)
  if(TARGET generated)
    add_dependencies(generated ${target})
  endif()
endfunction()

# The name of the files generated for a schema: snake_case of its name, as cloudflow-codegen makes it; of the file's name
# where the schema has none. A file that is no JSON gets its message from cloudflow-codegen.
function(_cloudflow_schema_stem result path)
  get_filename_component(stem "${path}" NAME_WE)
  if(EXISTS "${path}")
    file(READ "${path}" text)
    foreach(member name protocol)
      string(JSON name ERROR_VARIABLE problem GET "${text}" ${member})
      if(NOT problem)
        set(stem "${name}")
      endif()
    endforeach()
  endif()
  string(REGEX REPLACE ".*\\." "" stem "${stem}")
  string(REGEX REPLACE "([a-z0-9])([A-Z])" "\\1_\\2" stem "${stem}")
  string(REGEX REPLACE "([A-Z])([A-Z][a-z])" "\\1_\\2" stem "${stem}")
  string(TOLOWER "${stem}" stem)
  set(${result} "${stem}" PARENT_SCOPE)
endfunction()

# cloudflow_application(<name> BLUEPRINT <file> SOURCES <file>... [SCHEMAS <target>...] [LIBRARIES <target>...]
#                       [BACKENDS kafka] [NAME <application>] [VERSION <version>])
#
# The program <name>, of the application of that name or of NAME, with the commands run, describe, verify, graph, topics,
# peek, send and others. It has the embedded log, and the BACKENDS that are named: each makes it larger. Its blueprint is
# verified whenever the program is built (target <name>-verify, part of the default build): a problem breaks the build,
# with file and line. <name>-graph draws it.
#
# For Kubernetes: <name>-image makes an OCI image of the program, in <name>.oci of the binary directory, and pushes it to
# CLOUDFLOW_IMAGE_REGISTRY (a variable of the environment) where that is set; <name>-deploy-descriptor writes the custom
# resource <name>.json, which names that image by its digest.
function(cloudflow_application name)
  cmake_parse_arguments(arg "" "BLUEPRINT;NAME;VERSION" "SOURCES;SCHEMAS;LIBRARIES;BACKENDS" ${ARGN})
  foreach(needed BLUEPRINT SOURCES)
    if(NOT arg_${needed})
      message(FATAL_ERROR "cloudflow_application(${name}): ${needed} is missing")
    endif()
  endforeach()
  if(NOT arg_VERSION)
    set(arg_VERSION 0.0.1)
  endif()
  get_filename_component(blueprint "${arg_BLUEPRINT}" ABSOLUTE)
  set(generated "${CMAKE_CURRENT_BINARY_DIR}/${name}.application.cpp")
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${blueprint}")
  if(NOT arg_NAME)
    set(arg_NAME ${name})
  endif()
  set(CLOUDFLOW_APPLICATION_NAME "${arg_NAME}")
  set(CLOUDFLOW_APPLICATION_VERSION "${arg_VERSION}")
  set(CLOUDFLOW_BLUEPRINT_FILE "${blueprint}")
  file(READ "${blueprint}" CLOUDFLOW_BLUEPRINT_TEXT)
  set(CLOUDFLOW_OPEN_KAFKA "nullptr")
  set(CLOUDFLOW_BACKEND_INCLUDES "")
  foreach(backend ${arg_BACKENDS})
    if(NOT backend STREQUAL "kafka")
      message(FATAL_ERROR "cloudflow_application(${name}): there is no backend ${backend}, only kafka; the embedded log "
                          "is always there")
    endif()
    set(CLOUDFLOW_OPEN_KAFKA "&cloudflow::pubsub::kafka::open")
    set(CLOUDFLOW_BACKEND_INCLUDES "#include \"cloudflow/pubsub/kafka/cluster.hpp\"\n")
    list(APPEND arg_LIBRARIES cloudflow::pubsub_kafka)
  endforeach()
  configure_file("${CLOUDFLOW_CMAKE_DIR}/application.cpp.in" "${generated}" @ONLY)

  add_executable(${name} ${arg_SOURCES} "${generated}")
  target_include_directories(${name} PRIVATE "${CMAKE_CURRENT_SOURCE_DIR}")
  target_link_libraries(${name} PRIVATE ${arg_SCHEMAS} ${arg_LIBRARIES} cloudflow::sandbox)
  if(TARGET cloudflow::internal)
    target_link_libraries(${name} PRIVATE cloudflow::internal)
  endif()

  set(verified "${CMAKE_CURRENT_BINARY_DIR}/${name}.verified")
  add_custom_command(
    OUTPUT "${verified}"
    COMMAND ${name} verify
    COMMAND "${CMAKE_COMMAND}" -E touch "${verified}"
    DEPENDS ${name}
    COMMENT "Verifying the blueprint of ${name}"
    VERBATIM)
  add_custom_target(${name}-verify ALL DEPENDS "${verified}")
  add_custom_target(${name}-graph COMMAND ${name} graph DEPENDS ${name} USES_TERMINAL VERBATIM)
  _cloudflow_package(${name})
endfunction()

function(_cloudflow_package name)
  set(image "${CMAKE_CURRENT_BINARY_DIR}/${name}.image")
  set(resource "${CMAKE_CURRENT_BINARY_DIR}/${name}.json")
  add_custom_command(
    OUTPUT "${image}"
    COMMAND "${CLOUDFLOW_CMAKE_DIR}/image" --program "$<TARGET_FILE:${name}>" --name "${arg_NAME}"
            --version "${arg_VERSION}" --archive "${CMAKE_CURRENT_BINARY_DIR}/${name}.oci" --reference-file "${image}"
    DEPENDS ${name} "${CLOUDFLOW_CMAKE_DIR}/image"
    COMMENT "Making the image of ${name}"
    VERBATIM)
  add_custom_target(${name}-image DEPENDS "${image}")
  add_custom_command(
    OUTPUT "${resource}"
    COMMAND ${name} resource --image-file "${image}" --output "${resource}"
    DEPENDS ${name} "${image}"
    COMMENT "Writing the custom resource of ${name}"
    VERBATIM)
  add_custom_target(${name}-deploy-descriptor DEPENDS "${resource}")
endfunction()
