#include "cloudflow/schema/internal/avro_names.hpp"
#include "cloudflow/schema/resolution.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace cloudflow::schema {

namespace {

bool can_promote(avro_type from, avro_type to) {
  using enum avro_type;
  switch (to) {
    case long_type: return from == int_type;
    case float_type: return from == int_type || from == long_type;
    case double_type: return from == int_type || from == long_type || from == float_type;
    case bytes_type: return from == string_type;
    case string_type: return from == bytes_type;
    default: return false;
  }
}

/// Compares pairs of nodes. A pair that comes up again inside itself is taken for compatible: if it
/// is not, the walk that is under way finds out.
class checker {
public:
  checker(const avro_schema& writer, const avro_schema& reader, bool compares_records)
    : writer_(writer), reader_(reader), compares_records_(compares_records) {}

  bool check(node_id w, node_id r) {
    const auto [known, is_new] = verdicts_.emplace(std::pair{w, r}, true);
    if (!is_new) return known->second;
    const bool good = compare(w, r);
    return known->second = good;
  }
  std::vector<std::string> take() && { return std::move(problems_); }

private:
  bool add(std::string problem) {
    problems_.push_back(path_.empty()
                            ? std::move(problem)
                            : fmt::format("{}: {}", std::string_view{path_}.substr(1), problem));
    return false;
  }
  template <class Check>
  bool at(std::string_view place, Check&& check_there) {
    const auto length = path_.size();
    path_ += '.';
    path_ += place;
    const bool good = check_there();
    path_.resize(length);
    return good;
  }

  bool compare(node_id w, node_id r) {
    const auto& from = writer_.node(w);
    const auto& to = reader_.node(r);
    if (from.type == avro_type::union_type) {
      bool good = true;
      for (const auto branch : from.branches) good = check(branch, r) && good;
      return good;
    }
    if (to.type == avro_type::union_type) return compare_with_union(w, r);
    if (from.type != to.type)
      return can_promote(from.type, to.type) ||
             add(fmt::format("a reader of {} cannot read {}", name_of(to), name_of(from)));
    switch (from.type) {
      case avro_type::array_type:
        return at("items", [&] { return check(from.element, to.element); });
      case avro_type::map_type:
        return at("values", [&] { return check(from.element, to.element); });
      case avro_type::record_type:
      case avro_type::enum_type:
      case avro_type::fixed_type: return compare_named(from, to);
      default: return true;
    }
  }
  /// One branch must do. What is wrong with the others is no problem.
  bool compare_with_union(node_id w, node_id r) {
    const auto before = problems_.size();
    for (const auto branch : reader_.node(r).branches) {
      const bool good = check(w, branch);
      if (!good) continue;
      problems_.resize(before);
      return true;
    }
    problems_.resize(before);
    return add(fmt::format("a reader of {} has no branch for {}", branches_of(r),
                           name_of(writer_.node(w))));
  }
  std::string branches_of(node_id id) const {
    std::string text = "[";
    for (const auto branch : reader_.node(id).branches)
      text += fmt::format("{}{}", text.size() == 1 ? "" : ", ", name_of(reader_.node(branch)));
    return text + "]";
  }

  /// All that is wrong is told, not the first thing only.
  bool compare_named(const avro_node& from, const avro_node& to) {
    const bool names =
        (from.type == avro_type::record_type && !compares_records_) || compare_names(from, to);
    const bool content = from.type == avro_type::record_type ? compare_fields(from, to)
                         : from.type == avro_type::enum_type ? compare_symbols(from, to)
                                                             : compare_sizes(from, to);
    return names && content;
  }
  bool compare_names(const avro_node& from, const avro_node& to) {
    if (internal::unqualified(from.name) == internal::unqualified(to.name)) return true;
    if (std::find(to.aliases.begin(), to.aliases.end(), from.name) != to.aliases.end()) return true;
    return add(
        fmt::format("a reader of {} cannot read {}; add the alias {} to it if both are the same",
                    to.name, from.name, from.name));
  }
  bool compare_sizes(const avro_node& from, const avro_node& to) {
    return from.size == to.size ||
           add(fmt::format("a reader of {} with {} bytes cannot read one with {}", to.name, to.size,
                           from.size));
  }
  bool compare_symbols(const avro_node& from, const avro_node& to) {
    if (to.default_symbol) return true;
    bool good = true;
    for (const auto& symbol : from.symbols)
      if (std::find(to.symbols.begin(), to.symbols.end(), symbol) == to.symbols.end())
        good = add(fmt::format("a reader of {} without default has no symbol {}", to.name, symbol));
    return good;
  }
  bool compare_fields(const avro_node& from, const avro_node& to) {
    bool good = true;
    for (const auto& field : to.fields) {
      std::vector<const avro_field*> same;
      for (const auto& candidate : from.fields)
        if (candidate.name == field.name || std::find(field.aliases.begin(), field.aliases.end(),
                                                      candidate.name) != field.aliases.end())
          same.push_back(&candidate);
      good = at(field.name, [&] { return compare_field(from, field, same); }) && good;
    }
    return good;
  }
  bool compare_field(const avro_node& from, const avro_field& field,
                     const std::vector<const avro_field*>& same) {
    if (same.size() > 1)
      return add(fmt::format("a reader finds both {} and {} of {}; its aliases should name one",
                             same[0]->name, same[1]->name, from.name));
    if (same.size() == 1) return check(same[0]->type, field.type);
    return field.default_json.has_value() ||
           add(fmt::format(
               "a reader without default for it cannot read {}, which has no such field",
               from.name));
  }

  const avro_schema& writer_;
  const avro_schema& reader_;
  bool compares_records_;  ///< their names
  std::map<std::pair<node_id, node_id>, bool> verdicts_;
  std::vector<std::string> problems_;
  std::string path_;
};

std::vector<std::string> problems_of(const avro_schema& writer, const avro_schema& reader,
                                     bool compares_records) {
  checker compare{writer, reader, compares_records};
  const bool good = compare.check(writer.root_id(), reader.root_id());
  auto problems = std::move(compare).take();
  if (!good && problems.empty()) problems.emplace_back("its types do not match");
  return problems;
}

}  // namespace

std::vector<std::string> incompatibilities(const avro_schema& writer, const avro_schema& reader) {
  return problems_of(writer, reader, true);
}

std::vector<std::string> unreadable_parts(const avro_schema& writer, const avro_schema& reader) {
  return problems_of(writer, reader, false);
}

}  // namespace cloudflow::schema
