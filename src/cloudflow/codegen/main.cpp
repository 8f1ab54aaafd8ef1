/// `cloudflow-codegen SET DIRECTORY FILE...`: C++ for a set of schemas, in DIRECTORY/SET.
#include "cloudflow/codegen/emitter.hpp"
#include "cloudflow/codegen/schema_set.hpp"

#include <fmt/format.h>

#include <cstdio>
#include <fstream>
#include <iterator>

namespace {

using cloudflow::error;
using cloudflow::result;
namespace codegen = cloudflow::codegen;
namespace fs = std::filesystem;

/// Leaves a file that is as it should be alone, so that nothing that includes it is built again.
result<void> write_if_changed(const fs::path& path, const std::string& text) {
  std::ifstream old{path, std::ios::binary};
  if (old && std::string{std::istreambuf_iterator<char>{old}, {}} == text) return {};
  std::ofstream out{path, std::ios::binary};
  out << text;
  out.close();
  if (!out) return error{fmt::format("{}: cannot be written", path.string())};
  return {};
}

result<void> generate_set(std::string_view set, const fs::path& directory,
                          std::span<const fs::path> files) {
  auto schemas = CLOUDFLOW_TRY(codegen::read_schema_set(files));
  auto generated = CLOUDFLOW_TRY(codegen::emit(set, schemas.units, schemas.nodes));
  std::error_code failed;
  fs::create_directories(directory / set, failed);
  for (const auto& file : generated)
    CLOUDFLOW_TRY(write_if_changed(directory / set / file.name, file.text));
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  const std::span arguments{argv, static_cast<std::size_t>(argc)};
  if (arguments.size() < 4) {
    fmt::print(stderr,
               "usage: cloudflow-codegen SET DIRECTORY FILE...\n"
               "Writes DIRECTORY/SET/<schema>.hpp and .cpp for Avro schemas (.avsc) and protocols "
               "(.avpr).\n");
    return 2;
  }
  const std::vector<fs::path> files(arguments.begin() + 3, arguments.end());
  const auto done = generate_set(arguments[1], arguments[2], files);
  if (done) return 0;
  fmt::print(stderr, "{}\n", done.error().message);
  return 1;
}
