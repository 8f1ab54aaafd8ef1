#include "cloudflow/schema/internal/avro_names.hpp"
#include "cloudflow/schema/internal/resolution_program.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>

namespace cloudflow::schema::internal {

namespace {

using node_pair = std::pair<node_id, node_id>;

std::optional<op_kind> copy_of(avro_type type) {
  switch (type) {
    case avro_type::null_type: return op_kind::copy_nothing;
    case avro_type::boolean_type: return op_kind::copy_boolean;
    case avro_type::int_type: return op_kind::copy_int;
    case avro_type::long_type: return op_kind::copy_long;
    case avro_type::float_type: return op_kind::copy_four_bytes;
    case avro_type::double_type: return op_kind::copy_eight_bytes;
    case avro_type::bytes_type:
    case avro_type::string_type: return op_kind::copy_text;
    default: return std::nullopt;
  }
}

std::optional<op_kind> promotion(avro_type from, avro_type to) {
  using enum avro_type;
  if (from == int_type && to == long_type) return op_kind::copy_int;
  if (from == int_type && to == float_type) return op_kind::int_to_float;
  if (from == int_type && to == double_type) return op_kind::int_to_double;
  if (from == long_type && to == float_type) return op_kind::long_to_float;
  if (from == long_type && to == double_type) return op_kind::long_to_double;
  if (from == float_type && to == double_type) return op_kind::float_to_double;
  if ((from == string_type && to == bytes_type) || (from == bytes_type && to == string_type))
    return op_kind::copy_text;
  return std::nullopt;
}

class resolver {
public:
  resolver(const avro_schema& writer, const avro_schema& reader)
    : writer_(writer), reader_(reader) {}

  op_id resolve(node_id w, node_id r) {
    const auto& from = writer_.node(w);
    const auto& to = reader_.node(r);
    if (from.type == avro_type::union_type) return resolve_writer_union(w, r);
    if (from.type == to.type) return resolve_same_type(w, r);
    if (to.type == avro_type::union_type) return resolve_reader_union(w, r);
    if (const auto kind = promotion(from.type, to.type)) return add({.kind = *kind});
    return mismatch(from, to);
  }
  std::vector<resolution_op> take() && { return std::move(ops_); }

private:
  op_id add(resolution_op op) {
    ops_.push_back(std::move(op));
    return static_cast<op_id>(ops_.size() - 1);
  }
  op_id mismatch(const avro_node& from, const avro_node& to) {
    return add({.kind = op_kind::fail,
                .message = fmt::format("expected {}, found {}", name_of(to), name_of(from))});
  }
  bool is_failure(op_id id) const { return ops_[id].kind == op_kind::fail; }

  op_id resolve_same_type(node_id w, node_id r) {
    const auto& from = writer_.node(w);
    const auto& to = reader_.node(r);
    switch (from.type) {
      case avro_type::fixed_type:
        if (unqualified(from.name) != unqualified(to.name) || from.size != to.size)
          return mismatch(from, to);
        return add({.kind = op_kind::copy_fixed, .size = from.size});
      case avro_type::enum_type: return resolve_enum(from, to);
      case avro_type::record_type: return resolve_record(w, r);
      case avro_type::array_type:
        return add({.kind = op_kind::array_items, .child = resolve(from.element, to.element)});
      case avro_type::map_type:
        return add({.kind = op_kind::map_values, .child = resolve(from.element, to.element)});
      default: return add({.kind = *copy_of(from.type)});
    }
  }

  op_id resolve_enum(const avro_node& from, const avro_node& to) {
    if (unqualified(from.name) != unqualified(to.name)) return mismatch(from, to);
    const auto index_of = [&](const std::string& symbol) -> std::int64_t {
      const auto found = std::find(to.symbols.begin(), to.symbols.end(), symbol);
      return found == to.symbols.end() ? -1 : found - to.symbols.begin();
    };
    resolution_op op{.kind = op_kind::map_symbol, .symbols = from.symbols};
    for (const auto& symbol : from.symbols) {
      auto index = index_of(symbol);
      if (index < 0 && to.default_symbol) index = index_of(*to.default_symbol);
      op.table.push_back(index);
    }
    return add(std::move(op));
  }

  // -- records ------------------------------------------------------------------------------------

  op_id resolve_record(node_id w, node_id r) {
    if (const auto known = records_.find(node_pair{w, r}); known != records_.end())
      return known->second;
    const auto id =
        add({.kind = op_kind::fill_record});  // before its fields: they may lead back here
    records_.emplace(node_pair{w, r}, id);
    const auto& from = writer_.node(w);
    const auto& to = reader_.node(r);
    if (const auto* missing = missing_field(from, to)) {
      ops_[id] = {
          .kind = op_kind::fail,
          .message = fmt::format("expected {}, found {} without the field {}, which has no default",
                                 to.name, from.name, *missing)};
      return id;
    }
    auto steps = is_in_order(from, to) ? steps_in_order(from, to) : steps_in_reader_order(from, to);
    ops_[id].steps = std::move(steps);
    ops_[id].reads_ahead = !is_in_order(from, to);
    for (const auto& field : from.fields) ops_[id].fields.push_back(field.type);
    return id;
  }
  static std::optional<std::size_t> index_in(const avro_node& record, std::string_view field) {
    for (std::size_t i = 0; i != record.fields.size(); ++i)
      if (record.fields[i].name == field) return i;
    return std::nullopt;
  }
  static const std::string* missing_field(const avro_node& from, const avro_node& to) {
    for (const auto& field : to.fields)
      if (!field.default_bytes && !index_in(from, field.name)) return &field.name;
    return nullptr;
  }
  /// The reader's fields come in the order in which the writer wrote them.
  static bool is_in_order(const avro_node& from, const avro_node& to) {
    std::size_t next = 0;
    for (const auto& field : from.fields) {
      const auto place = index_in(to, field.name);
      if (!place) continue;
      if (*place < next) return false;
      next = *place;
    }
    return true;
  }
  std::vector<record_step> steps_in_order(const avro_node& from, const avro_node& to) {
    std::vector<record_step> steps;
    std::size_t next = 0;
    const auto put_defaults_before = [&](std::size_t end) {
      for (; next != end; ++next)
        steps.push_back({.what = record_step::kind::put, .bytes = *to.fields[next].default_bytes});
    };
    for (const auto& field : from.fields) {
      const auto place = index_in(to, field.name);
      if (!place) {
        steps.push_back(
            {.what = record_step::kind::skip, .skipped = field.type, .name = field.name});
        continue;
      }
      put_defaults_before(*place);
      steps.push_back({.op = resolve(field.type, to.fields[*place].type), .name = field.name});
      ++next;
    }
    put_defaults_before(to.fields.size());
    return steps;
  }
  std::vector<record_step> steps_in_reader_order(const avro_node& from, const avro_node& to) {
    std::vector<record_step> steps;
    for (const auto& field : to.fields) {
      const auto place = index_in(from, field.name);
      if (!place) {
        steps.push_back({.what = record_step::kind::put, .bytes = *field.default_bytes});
        continue;
      }
      steps.push_back({.op = resolve(from.fields[*place].type, field.type),
                       .name = field.name,
                       .writer_field = *place});
    }
    return steps;
  }

  // -- unions -------------------------------------------------------------------------------------

  op_id resolve_writer_union(node_id w, node_id r) {
    const auto& from = writer_.node(w);
    std::map<node_pair, bool> assumed;
    const bool same = are_equivalent(w, r, assumed);
    resolution_op op{.kind = op_kind::choose};
    for (std::size_t i = 0; i != from.branches.size(); ++i) {
      if (same) {
        const auto child = resolve(from.branches[i], reader_.node(r).branches[i]);
        op.branches.push_back(add({.kind = op_kind::enter_branch, .child = child, .size = i}));
      } else {
        op.branches.push_back(resolve(from.branches[i], r));
      }
    }
    return add(std::move(op));
  }

  op_id resolve_reader_union(node_id w, node_id r) {
    const auto branch = matching_branch(w, r);
    if (!branch) return mismatch(writer_.node(w), reader_.node(r));
    const auto child = resolve(w, reader_.node(r).branches[*branch]);
    return add({.kind = op_kind::enter_branch, .child = child, .size = *branch});
  }

  /// The reader's branch for a value that is no union: of the same name, else a record with the
  /// same structure (rather one of the same name in another namespace), else the first to which the
  /// value can be promoted.
  std::optional<std::size_t> matching_branch(node_id w, node_id r) {
    const auto& from = writer_.node(w);
    const auto& branches = reader_.node(r).branches;
    std::optional<std::size_t> similar;
    for (std::size_t i = 0; i != branches.size(); ++i) {
      const auto& to = reader_.node(branches[i]);
      if (to.type != from.type) continue;
      if (from.name == to.name) return i;  // both are empty where types have no names
      if (from.type != avro_type::record_type || !has_matching_fields(w, branches[i])) continue;
      if (!similar || unqualified(from.name) == unqualified(to.name)) similar = i;
    }
    if (similar) return similar;
    for (std::size_t i = 0; i != branches.size(); ++i)
      if (promotion(from.type, reader_.node(branches[i]).type)) return i;
    return std::nullopt;
  }
  bool has_matching_fields(node_id w, node_id r) {
    const auto id = resolve_record(w, r);
    return !is_failure(id) &&
           std::none_of(ops_[id].steps.begin(), ops_[id].steps.end(), [&](const record_step& step) {
             return step.what == record_step::kind::run && is_failure(step.op);
           });
  }

  /// Unions that are the same but for namespaces and what does not matter to readers: the branch is
  /// then found by its place. Recursive records are taken for equivalent until something proves the
  /// opposite.
  bool are_equivalent(node_id w, node_id r, std::map<node_pair, bool>& assumed) const {
    const auto& from = writer_.node(w);
    const auto& to = reader_.node(r);
    if (from.type != to.type || unqualified(from.name) != unqualified(to.name)) return false;
    switch (from.type) {
      case avro_type::array_type:
      case avro_type::map_type: return are_equivalent(from.element, to.element, assumed);
      case avro_type::fixed_type: return from.size == to.size;
      case avro_type::enum_type: return from.symbols == to.symbols;
      case avro_type::union_type:
        return std::equal(from.branches.begin(), from.branches.end(), to.branches.begin(),
                          to.branches.end(),
                          [&](node_id a, node_id b) { return are_equivalent(a, b, assumed); });
      case avro_type::record_type: break;
      default: return true;
    }
    const auto [known, is_new] = assumed.emplace(node_pair{w, r}, true);
    if (!is_new) return known->second;
    return known->second =
               std::equal(from.fields.begin(), from.fields.end(), to.fields.begin(),
                          to.fields.end(), [&](const avro_field& a, const avro_field& b) {
                            return a.name == b.name && are_equivalent(a.type, b.type, assumed);
                          });
  }

  const avro_schema& writer_;
  const avro_schema& reader_;
  std::vector<resolution_op> ops_;
  std::map<node_pair, op_id> records_;
};

/// Whether an operation changes nothing, if those it leads to do not (`same`).
bool changes_nothing(const resolution_program& program, const resolution_op& op,
                     const std::vector<bool>& same) {
  switch (op.kind) {
    case op_kind::copy_nothing:
    case op_kind::copy_boolean:
    case op_kind::copy_int:
    case op_kind::copy_long:
    case op_kind::copy_four_bytes:
    case op_kind::copy_eight_bytes:
    case op_kind::copy_text:
    case op_kind::copy_fixed: return true;
    case op_kind::map_symbol:
      for (std::size_t i = 0; i != op.table.size(); ++i)
        if (op.table[i] != static_cast<std::int64_t>(i)) return false;
      return true;
    case op_kind::fill_record:
      return !op.reads_ahead &&
             std::all_of(op.steps.begin(), op.steps.end(), [&](const record_step& step) {
               return step.what == record_step::kind::run && same[step.op];
             });
    case op_kind::array_items:
    case op_kind::map_values: return same[op.child];
    case op_kind::choose:
      for (std::size_t i = 0; i != op.branches.size(); ++i) {
        const auto& branch = program.ops[op.branches[i]];
        if (branch.kind != op_kind::enter_branch || branch.size != i || !same[branch.child])
          return false;
      }
      return true;
    case op_kind::enter_branch:  // alone, it adds an index
    case op_kind::int_to_float:
    case op_kind::long_to_float:
    case op_kind::int_to_double:
    case op_kind::long_to_double:
    case op_kind::float_to_double:
    case op_kind::fail: return false;
  }
  return false;
}

}  // namespace

result<resolution_program> compile_resolution(const avro_schema& writer,
                                              const avro_schema& reader) {
  auto renamed = CLOUDFLOW_TRY(
      writer.canonical() == reader.canonical() ? writer : apply_aliases(writer, reader));
  resolver compiler{renamed, reader};
  const auto root = compiler.resolve(renamed.root_id(), reader.root_id());
  return resolution_program{renamed, std::move(compiler).take(), root};
}

bool is_identity(const resolution_program& program) {
  std::vector<bool> same(program.ops.size(), true);
  for (bool changed = true; changed;) {
    changed = false;
    for (std::size_t i = 0; i != same.size(); ++i) {
      if (!same[i] || changes_nothing(program, program.ops[i], same)) continue;
      same[i] = false;
      changed = true;
    }
  }
  return same[program.root];
}

}  // namespace cloudflow::schema::internal
