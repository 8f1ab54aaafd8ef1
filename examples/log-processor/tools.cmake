# The programs around the log processor: what writes log files, and what announces them.
add_executable(log-generator generator.cpp)
target_link_libraries(log-generator PRIVATE cloudflow::connect_files CLI11::CLI11 fmt::fmt cloudflow::internal)
add_executable(log-forwarder forwarder.cpp)
target_link_libraries(log-forwarder PRIVATE cloudflow::connect_files cloudflow::connect_http CLI11::CLI11 fmt::fmt
                      nlohmann_json::nlohmann_json cloudflow::internal)
