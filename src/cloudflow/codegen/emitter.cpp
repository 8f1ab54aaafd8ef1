#include "cloudflow/codegen/emitter.hpp"

#include "cloudflow/codegen/names.hpp"
#include "cloudflow/codegen/types.hpp"
#include "cloudflow/schema/json.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>

namespace cloudflow::codegen {

using schema::avro_node;
using schema::avro_type;
using schema::node_id;

namespace {

/// A field with everything that is said about it in C++.
struct member {
  const schema::avro_field* field;
  std::string name;
  cpp_types types;
};

std::string comment(std::string_view doc, std::string_view indent) {
  std::string out;
  while (!doc.empty()) {
    const auto end = doc.find('\n');
    auto line = doc.substr(0, end);
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ' || line.back() == '\\'))
      line.remove_suffix(1);
    out += fmt::format("{}///{}{}\n", indent, line.empty() ? "" : " ", line);
    doc = end == std::string_view::npos ? std::string_view{} : doc.substr(end + 1);
  }
  return out;
}

/// Bytes as a literal; octal, because a hexadecimal escape has no end of its own.
std::string byte_literal(std::string_view bytes) {
  std::string out = "{\"";
  for (const char c : bytes) out += fmt::format("\\{:03o}", static_cast<unsigned char>(c));
  return out + fmt::format("\", {}}}", bytes.size());
}

/// Text as a raw literal whose delimiter it does not contain.
std::string raw_literal(std::string_view text) {
  std::string mark = "avro";
  while (text.find(")" + mark + "\"") != std::string_view::npos) mark += '_';
  return fmt::format("R\"{0}({1}){0}\"", mark, text);
}

/// The schema's default as initialiser, where it is a simple value. -9223372036854775808 has no
/// literal.
std::optional<std::string> initial_value(const avro_node& node, const schema::avro_field& field) {
  if (!field.default_json || node.logical != schema::logical_type::none) return std::nullopt;
  const auto& json = *field.default_json;
  const bool is_number = json.find_first_of("\"aN") == std::string::npos;
  switch (node.type) {
    case avro_type::boolean_type: return "{" + json + "}";
    case avro_type::int_type:
    case avro_type::long_type:
      if (json == "-9223372036854775808") return std::nullopt;
      return "{" + json + "}";
    case avro_type::float_type:
    case avro_type::double_type:
      if (!is_number) return std::nullopt;
      return fmt::format("{{static_cast<{}>({})}}", to_text(node.type), json);
    case avro_type::string_type: {
      const auto text = schema::parse_json(json);
      if (!text || text->text.empty()) return std::nullopt;
      return "{" + raw_literal(text->text) + "}";
    }
    default: return std::nullopt;
  }
}

/// Writes the files of one unit.
class unit_emitter {
public:
  unit_emitter(std::string_view set, const unit& of, std::span<const avro_node> nodes,
               const type_mapper& types, const std::map<node_id, std::string>& homes)
    : set_(set), unit_(of), nodes_(nodes), types_(types), homes_(homes) {
    for (const auto id : unit_.defined)
      if (nodes_[id].type == avro_type::record_type) add_in_order(id);
  }

  generated_file header() const {
    auto text = banner() + "#pragma once\n\n";
    for (const auto& home : included()) text += fmt::format("#include \"{}/{}.hpp\"\n", set_, home);
    text += "#include \"cloudflow/schema/generated.hpp\"\n\n";
    for (const auto id : unit_.defined)
      if (nodes_[id].type == avro_type::enum_type) text += in_namespace(id, enum_definition(id));
    if (records_.size() > 1)
      for (const auto id : records_)
        text += in_namespace(id, fmt::format("struct {};\n", type_name(id)));
    for (const auto id : records_) text += in_namespace(id, struct_definition(id));
    for (const auto id : records_) text += in_namespace(id, view_definition(id));
    text += "namespace cloudflow {\n";
    for (const auto id : records_) text += codec_declaration(id);
    for (const auto id : records_) text += read_definition(id);
    return {unit_.stem + ".hpp", text + "\n}  // namespace cloudflow\n"};
  }

  generated_file source() const {
    auto text = banner() + fmt::format("#include \"{}/{}.hpp\"\n\n", set_, unit_.stem);
    for (const auto id : unit_.defined)
      if (nodes_[id].type == avro_type::enum_type) text += in_namespace(id, enum_text(id));
    text += "namespace cloudflow {\n";
    for (const auto id : records_) text += codec_definition(id);
    return {unit_.stem + ".cpp", text + "\n}  // namespace cloudflow\n"};
  }

private:
  std::string banner() const {
    return fmt::format(
        "// Generated from {} by cloudflow-codegen (version {}). Changes here are lost: change the "
        "schema.\n",
        unit_.source, generator_version);
  }
  std::string type_name(node_id id) const { return identifier(short_name(nodes_[id].name)); }

  /// Records that are held by value first.
  void add_in_order(node_id id) {
    if (std::find(records_.begin(), records_.end(), id) != records_.end()) return;
    for (const auto held : types_.held_by_value(id))
      if (homes_.at(held) == unit_.stem) add_in_order(held);
    records_.push_back(id);
  }
  /// Other units whose types occur here.
  std::set<std::string> included() const {
    std::set<std::string> out;
    std::set<node_id> seen;
    for (const auto id : records_)
      for (const auto& field : nodes_[id].fields) find_homes(field.type, seen, out);
    out.erase(unit_.stem);
    return out;
  }
  void find_homes(node_id id, std::set<node_id>& seen, std::set<std::string>& out) const {
    if (!seen.insert(id).second) return;
    const auto& node = nodes_[id];
    if (const auto home = homes_.find(id); home != homes_.end()) out.insert(home->second);
    for (const auto branch : node.branches) find_homes(branch, seen, out);
    if (node.type == avro_type::array_type || node.type == avro_type::map_type)
      find_homes(node.element, seen, out);
  }
  std::string in_namespace(node_id id, std::string_view text) const {
    const auto space = cpp_namespace(nodes_[id].name);
    if (space.empty()) return fmt::format("{}\n", text);
    return fmt::format("namespace {0} {{\n{1}}}  // namespace {0}\n\n", space, text);
  }

  // -- enums --------------------------------------------------------------------------------------

  std::string enum_definition(node_id id) const {
    const auto& node = nodes_[id];
    return fmt::format(
        "{0}enum class {1} : std::int32_t {{ {2} }};\n\n"
        "/// The symbol as the schema spells it; empty for a value that is none of them.\n"
        "std::string_view to_text({1} value) noexcept;\n"
        "/// The value of a symbol; nothing for a text that is none.\n"
        "std::optional<{1}> {1}_from_text(std::string_view symbol) noexcept;\n",
        comment(node.doc, ""), type_name(id), fmt::join(identifiers(node.symbols, {}), ", "));
  }
  std::string enum_text(node_id id) const {
    const auto& node = nodes_[id];
    const auto values = identifiers(node.symbols, {});
    std::string cases, tests;
    for (std::size_t i = 0; i != values.size(); ++i) {
      cases += fmt::format("    case {}::{}: return \"{}\";\n", type_name(id), values[i],
                           node.symbols[i]);
      tests += fmt::format("  if (symbol == \"{}\") return {}::{};\n", node.symbols[i],
                           type_name(id), values[i]);
    }
    return fmt::format(
        "std::string_view to_text({0} value) noexcept {{\n  switch (value) {{\n{1}  }}\n"
        "  return {{}};\n}}\n\n"
        "std::optional<{0}> {0}_from_text([[maybe_unused]] std::string_view symbol) noexcept "
        "{{\n"
        "{2}  return std::nullopt;\n}}\n",
        type_name(id), cases, tests);
  }

  // -- structs ------------------------------------------------------------------------------------

  std::vector<member> members(node_id id) const {
    std::vector<std::string> names;
    for (const auto& field : nodes_[id].fields) names.push_back(field.name);
    const auto ids = identifiers(names, {"view", "owner_type", type_name(id)});
    std::vector<member> out;
    for (std::size_t i = 0; i != ids.size(); ++i) {
      const auto& field = nodes_[id].fields[i];
      out.push_back({&field, ids[i], types_.map(field.type, id)});
    }
    return out;
  }
  std::string struct_definition(node_id id) const {
    const auto name = type_name(id);
    auto text = comment(nodes_[id].doc, "") + fmt::format("struct {} {{\n", name);
    for (const auto& m : members(id))
      text += comment(m.field->doc, "  ") +
              fmt::format("  {} {}{};\n", m.types.owner, m.name,
                          initial_value(nodes_[m.field->type], *m.field).value_or(m.types.initial));
    return text + fmt::format(
                      "\n  struct view;\n"
                      "  friend bool operator==(const {0}&, const {0}&) = default;\n}};\n",
                      name);
  }
  std::string view_definition(node_id id) const {
    auto text = fmt::format("struct {0}::view {{\n  using owner_type = {0};\n", type_name(id));
    for (const auto& m : members(id))
      text += fmt::format("  {} {}{};\n", m.types.view, m.name, m.types.initial);
    return text + "\n  friend bool operator==(const view&, const view&) = default;\n};\n";
  }

  // -- codecs -------------------------------------------------------------------------------------

  std::string codec_declaration(node_id id) const {
    const schema::avro_schema schema{{nodes_.begin(), nodes_.end()}, id};
    return fmt::format(R"(
template <>
struct codec<{type}> {{
  using owner = {type};
  using view = owner::view;
  static constexpr std::string_view schema_name = "{name}";
  static constexpr std::string_view schema_format = "avro";
  static constexpr std::string_view schema_text =
      {text};
  static constexpr std::string_view fingerprint{fingerprint};

  static bool decode(std::string_view in, view& out) noexcept {{
    generated::reader r{{in}};
    read(r, out);
    return r.complete();
  }}
  static void encode(const view& v, byte_writer& w);
  static void encode(const owner& v, byte_writer& w);
  static owner own(const view& v);
  static view borrow(const owner& v);
{members}
  /// Takes one record; errors are sticky in the reader.
  static void read(generated::reader& r, view& v) noexcept;
}};
)",
                       fmt::arg("type", cpp_type(nodes_[id].name)),
                       fmt::arg("name", nodes_[id].name),
                       fmt::arg("text", raw_literal(schema.text())),
                       fmt::arg("fingerprint", byte_literal(schema.fingerprint())),
                       fmt::arg("members", member_functions(id)));
  }
  /// For each type of member one overload that translates a pointer to a member.
  std::string member_functions(node_id id) const {
    std::vector<std::vector<member>> by_type;
    for (auto& m : members(id)) {
      const auto same = std::find_if(by_type.begin(), by_type.end(), [&](auto& group) {
        return group[0].types.owner == m.types.owner;
      });
      if (same == by_type.end())
        by_type.push_back({std::move(m)});
      else
        same->push_back(std::move(m));
    }
    std::string text;
    for (const auto& group : by_type) {
      std::string view, name;
      for (std::size_t i = 0; i != group.size(); ++i) {
        const auto test =
            i + 1 == group.size() ? "" : fmt::format("m == &owner::{} ? ", group[i].name);
        const auto otherwise = i == 0 ? "" : "\n           : ";
        view += fmt::format("{}{}&view::{}", otherwise, test, group[i].name);
        name += fmt::format("{}{}\"{}\"", otherwise, test, group[i].field->name);
      }
      const bool same_view = std::all_of(
          group.begin(), group.end(), [&](auto& m) { return m.types.view == group[0].types.view; });
      const auto parameter =
          fmt::format("{} owner::*{}", group[0].types.owner, group.size() == 1 ? "" : " m");
      if (same_view)
        text +=
            fmt::format("  static constexpr auto member({}) noexcept {{\n    return {};\n  }}\n",
                        parameter, view);
      text += fmt::format(
          "  static constexpr std::string_view name_of({}) noexcept {{\n    return {};\n  }}\n",
          parameter, name);
    }
    return text;
  }
  std::string read_definition(node_id id) const {
    auto text = fmt::format(
        "\ninline void codec<{}>::read([[maybe_unused]] generated::reader& r, "
        "[[maybe_unused]] view& v) noexcept {{\n",
        cpp_type(nodes_[id].name));
    for (const auto& m : members(id))
      text += fmt::format("  {}::read(r, v.{});\n", m.types.traits, m.name);
    return text + "}\n";
  }
  std::string codec_definition(node_id id) const {
    const auto codec = fmt::format("codec<{}>", cpp_type(nodes_[id].name));
    std::string write, own, borrow;
    for (const auto& m : members(id)) {
      write += fmt::format("  {}::write(v.{}, w);\n", m.types.traits, m.name);
      own += fmt::format("  out.{0} = {1}::own(v.{0});\n", m.name, m.types.traits);
      borrow += fmt::format("  out.{0} = {1}::borrow(v.{0});\n", m.name, m.types.traits);
    }
    const std::string_view unused = "[[maybe_unused]] ";
    std::string text;
    for (const auto* source : {"view", "owner"})
      text += fmt::format("\nvoid {}::encode({}const {}& v, {}byte_writer& w) {{\n{}}}\n", codec,
                          unused, source, unused, write);
    text += fmt::format(
        "\n{0}::owner {0}::own({1}const view& v) {{\n  owner out;\n{2}  return out;\n}}\n", codec,
        unused, own);
    return text +
           fmt::format(
               "\n{0}::view {0}::borrow({1}const owner& v) {{\n  view out;\n{2}  return out;\n}}\n",
               codec, unused, borrow);
  }

  std::string_view set_;
  const unit& unit_;
  std::span<const avro_node> nodes_;
  const type_mapper& types_;
  const std::map<node_id, std::string>& homes_;
  std::vector<node_id> records_;
};

result<void> check_names(std::span<const unit> units, std::span<const avro_node> nodes) {
  std::map<std::string, std::string> seen;
  for (const auto& u : units)
    for (const auto id : u.defined) {
      const auto [at, is_new] = seen.emplace(cpp_type(nodes[id].name), nodes[id].name);
      if (!is_new)
        return error{fmt::format(
            "{}: expected different C++ names, found {} for both {} and {}; rename one of them",
            u.source, at->first.substr(2), at->second, nodes[id].name)};
    }
  for (const auto& node : nodes)
    if (node.type == avro_type::union_type && node.branches.empty())
      return error{
          "expected a union of at least one type, found an empty one, which has no values"};
  return {};
}

}  // namespace

result<std::vector<generated_file>> emit(std::string_view set, std::span<const unit> units,
                                         std::span<const avro_node> nodes) {
  CLOUDFLOW_TRY(check_names(units, nodes));
  const type_mapper types{nodes};
  std::map<node_id, std::string> homes;
  for (const auto& u : units)
    for (const auto id : u.defined) homes.emplace(id, u.stem);
  std::vector<generated_file> files;
  for (const auto& u : units) {
    const unit_emitter emitter{set, u, nodes, types, homes};
    files.push_back(emitter.header());
    files.push_back(emitter.source());
  }
  return files;
}

}  // namespace cloudflow::codegen
