# What applications use: cloudflow_schemas and cloudflow_application.

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
