#include "cloudflow/schema/resolution.hpp"

#include "cloudflow/schema/internal/resolution_program.hpp"
#include "cloudflow/schema/internal/skip.hpp"

#include <fmt/format.h>

#include <array>
#include <memory_resource>
#include <utility>
#include <vector>

namespace cloudflow::schema {

namespace {

using internal::max_depth;
using internal::op_id;
using internal::op_kind;
using internal::record_step;
using internal::resolution_op;
using internal::resolution_program;
using internal::skip_value;

/// Runs a program over one value. Errors are sticky in the reader; the first leaves its message,
/// and the path to it is put together on the way out.
class transcoder {
public:
  transcoder(const resolution_program& program, std::string_view in, byte_writer& out)
    : program_(program), in_(in), out_(out) {}

  result<void> run() {
    run(program_.root, 0);
    if (in_.complete()) return {};
    if (in_.ok()) {
      message_ = fmt::format("expected the end of the value, found {} bytes more", in_.remaining());
    } else if (message_.empty()) {
      message_ =
          fmt::format("expected a value of {}, found bytes that are none", program_.writer.name());
    }
    const std::string_view path = path_;
    return error{fmt::format("{}{}{}", path.starts_with('.') ? path.substr(1) : path,
                             path.empty() ? "" : ": ", message_)};
  }

private:
  void fail(std::string message) {
    if (in_.ok()) message_ = std::move(message);
    in_.fail();
  }
  std::int32_t get_int() {
    const auto value = in_.get_long();
    if (value != static_cast<std::int32_t>(value))
      fail(fmt::format("expected an int, found {}", value));
    return static_cast<std::int32_t>(value);
  }

  void run(op_id id, unsigned depth) {
    const auto& op = program_.ops[id];
    if (depth > max_depth) fail(fmt::format("expected at most {} levels of nesting", max_depth));
    if (!in_.ok()) return;  // what is read after an error may lead deeper without end
    switch (op.kind) {
      case op_kind::copy_nothing: return;
      case op_kind::copy_boolean: return copy_boolean();
      case op_kind::copy_int: return out_.put_long(get_int());
      case op_kind::copy_long: return out_.put_long(in_.get_long());
      case op_kind::copy_four_bytes: return out_.put_raw(in_.get_raw(4));
      case op_kind::copy_eight_bytes: return out_.put_raw(in_.get_raw(8));
      case op_kind::copy_text: return out_.put_text(in_.get_text());
      case op_kind::copy_fixed: return out_.put_raw(in_.get_raw(op.size));
      case op_kind::int_to_float: return out_.put_fixed(static_cast<float>(get_int()));
      case op_kind::long_to_float: return out_.put_fixed(static_cast<float>(in_.get_long()));
      case op_kind::int_to_double: return out_.put_fixed(static_cast<double>(get_int()));
      case op_kind::long_to_double: return out_.put_fixed(static_cast<double>(in_.get_long()));
      case op_kind::float_to_double:
        return out_.put_fixed(static_cast<double>(in_.get_fixed<float>()));
      case op_kind::map_symbol: return map_symbol(op);
      case op_kind::fill_record:
        return op.reads_ahead ? fill_reordered(op, depth) : fill_in_order(op, depth);
      case op_kind::array_items: return copy_items([&] { run(op.child, depth + 1); });
      case op_kind::map_values:
        return copy_items([&] {
          out_.put_text(in_.get_text());
          run(op.child, depth + 1);
        });
      case op_kind::choose: return choose(op, depth);
      case op_kind::enter_branch:
        out_.put_long(static_cast<std::int64_t>(op.size));
        return run(op.child, depth + 1);
      case op_kind::fail: return fail(op.message);
    }
  }

  void copy_boolean() {
    const auto byte = in_.get_byte();
    if (byte > 1) fail(fmt::format("expected a boolean (0 or 1), found {}", byte));
    out_.put_byte(byte);
  }
  void map_symbol(const resolution_op& op) {
    const auto index = static_cast<std::uint64_t>(in_.get_long());
    if (index >= op.table.size())
      return fail(
          fmt::format("expected a symbol's number below {}, found {}", op.table.size(), index));
    if (op.table[index] < 0)
      return fail(
          fmt::format("expected a symbol that the reader knows, found {}", op.symbols[index]));
    out_.put_long(op.table[index]);
  }
  void choose(const resolution_op& op, unsigned depth) {
    const auto index = static_cast<std::uint64_t>(in_.get_long());
    if (index >= op.branches.size())
      return fail(
          fmt::format("expected a branch's number below {}, found {}", op.branches.size(), index));
    run(op.branches[index], depth + 1);
  }

  template <class Item>
  void copy_items(Item&& item) {
    std::size_t index = 0;
    generated::read_blocks(
        in_, [&](std::int64_t count) { out_.put_long(count); },
        [&] {
          item();
          if (!in_.ok()) path_ = fmt::format("[{}]{}", index, path_);
          ++index;
        });
    out_.put_long(0);
  }

  void fill_in_order(const resolution_op& op, unsigned depth) {
    for (const auto& step : op.steps) {
      run_step(step, depth);
      if (!in_.ok()) return;
    }
  }
  /// Finds where each of the writer's fields begins, then reads them in the reader's order.
  void fill_reordered(const resolution_op& op, unsigned depth) {
    std::array<std::byte, 32 * sizeof(generated::reader)> buffer;  // enough for most records
    std::pmr::monotonic_buffer_resource memory{buffer.data(), buffer.size()};
    std::pmr::vector<generated::reader> starts{&memory};
    starts.reserve(op.fields.size());
    for (const auto type : op.fields) {
      starts.push_back(in_);
      skip_value(program_.writer, type, in_, depth + 1);
    }
    const auto end = in_;
    for (const auto& step : op.steps) {
      if (!in_.ok()) return;
      if (step.what == record_step::kind::run) in_ = starts[step.writer_field];
      run_step(step, depth);
    }
    if (in_.ok()) in_ = end;
  }
  void run_step(const record_step& step, unsigned depth) {
    if (step.what == record_step::kind::put) return out_.put_raw(step.bytes);
    if (step.what == record_step::kind::skip)
      skip_value(program_.writer, step.skipped, in_, depth + 1);
    else
      run(step.op, depth + 1);
    if (!in_.ok()) path_ = "." + step.name + path_;
  }

  const resolution_program& program_;
  generated::reader in_;
  byte_writer& out_;
  std::string message_, path_;
};

}  // namespace

resolution::resolution(std::shared_ptr<const resolution_program> program, bool is_identity)
  : program_(std::move(program)), is_identity_(is_identity) {}

result<resolution> resolution::compile(const avro_schema& writer, const avro_schema& reader) {
  auto program = CLOUDFLOW_TRY(internal::compile_resolution(writer, reader));
  const bool identity = internal::is_identity(program);
  return resolution{std::make_shared<const resolution_program>(std::move(program)), identity};
}

result<void> resolution::transcode(std::string_view in, byte_writer& out) const {
  const auto before = out.size();
  auto done = transcoder{*program_, in, out}.run();
  if (!done) out.truncate(before);
  return done;
}

}  // namespace cloudflow::schema
