#include "cloudflow/codegen/schema_set.hpp"

#include "cloudflow/codegen/names.hpp"

#include <fmt/format.h>

#include <fstream>
#include <iterator>

namespace cloudflow::codegen {

using schema::avro_type;

namespace {

result<std::string> read_text(const std::filesystem::path& path) {
  std::ifstream in{path, std::ios::binary};
  std::string text{std::istreambuf_iterator<char>{in}, {}};
  if (!in) return error{fmt::format("{}: expected a readable file", path.string())};
  return text;
}

/// What one file adds to the set: its name and the nodes that are new with it.
struct parsed_file {
  std::string name;
  std::vector<schema::avro_node> nodes;
};

result<parsed_file> parse_file(schema::avro_parser& parser, const std::filesystem::path& path,
                               std::string_view text) {
  const auto all_nodes = [](const schema::avro_schema& s) {
    return std::vector(s.nodes().begin(), s.nodes().end());
  };
  if (path.extension() == ".avpr") {
    auto protocol = CLOUDFLOW_TRY(parser.parse_protocol(text, path.string()));
    if (protocol.types.empty()) return parsed_file{protocol.name, {}};
    return parsed_file{protocol.name, all_nodes(protocol.types.back())};
  }
  auto parsed = CLOUDFLOW_TRY(parser.parse(text, path.string()));
  return parsed_file{parsed.root().name.empty() ? path.stem().string() : std::string{parsed.name()},
                     all_nodes(parsed)};
}

}  // namespace

result<schema_set> read_schema_set(std::span<const std::filesystem::path> files) {
  schema::avro_parser parser;
  schema_set set;
  for (const auto& path : files) {
    auto text = CLOUDFLOW_TRY(read_text(path));
    auto file = CLOUDFLOW_TRY(parse_file(parser, path, text));
    unit added{snake_case(short_name(file.name)), path.filename().string(), {}};
    for (auto id = set.nodes.size(); id < file.nodes.size(); ++id)
      if (file.nodes[id].type == avro_type::record_type ||
          file.nodes[id].type == avro_type::enum_type)
        added.defined.push_back(static_cast<schema::node_id>(id));
    if (added.defined.empty())
      return error{fmt::format("{}: expected a schema that defines a record or an enum, found none",
                               path.string())};
    for (const auto& other : set.units)
      if (other.stem == added.stem)
        return error{
            fmt::format("{}: expected a schema of another name than that of {}, found {} in both",
                        path.string(), other.source, added.stem)};
    set.units.push_back(std::move(added));
    set.nodes = std::move(file.nodes);
  }
  return set;
}

}  // namespace cloudflow::codegen
