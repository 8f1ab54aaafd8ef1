/// Reading data of one schema as data of another ("Schema Resolution" of the Avro 1.11
/// specification, with the decisions of Avro for Java 1.11 where the specification leaves them
/// open).
#pragma once

#include "cloudflow/base/bytes.hpp"
#include "cloudflow/base/result.hpp"
#include "cloudflow/schema/avro_schema.hpp"

#include <memory>
#include <string_view>

namespace cloudflow::schema {

namespace internal {
struct resolution_program;
}

/// What has to be done to bytes of a writer's schema so that they are bytes of a reader's: compiled
/// once for a pair, run for each record. An immutable value type; copies share the program;
/// thread-safe.
///
/// Two schemas that do not match give a resolution all the same: only data that gets to the part
/// that does not match fails, as where a union has a branch that the reader does not know.
/// `incompatibilities` says what may fail.
class resolution {
public:
  /// Errors: the reader's aliases give two fields of a writer's record one name.
  static result<resolution> compile(const avro_schema& writer, const avro_schema& reader);

  /// Nothing has to be done: the writer's bytes are the reader's.
  bool is_identity() const noexcept { return is_identity_; }

  /// Appends the reader's form of one complete value. When it fails, `out` is as before.
  /// Errors, with the path of the field: a value that the reader's schema has no place for; bytes
  /// that are no value of the writer's schema.
  result<void> transcode(std::string_view in, byte_writer& out) const;

private:
  resolution(std::shared_ptr<const internal::resolution_program> program, bool is_identity);

  std::shared_ptr<const internal::resolution_program> program_;
  bool is_identity_;
};

/// What may keep a reader from reading data of a writer, each with its place; empty: any data can
/// be read. The same verdict as `SchemaCompatibility` of Avro for Java 1.11: stricter than
/// `resolution` in that the names of records must be the same (without namespaces, or by alias).
std::vector<std::string> incompatibilities(const avro_schema& writer, const avro_schema& reader);

/// The same, but that names of records may differ outside of unions, as they may for `resolution`.
std::vector<std::string> unreadable_parts(const avro_schema& writer, const avro_schema& reader);

}  // namespace cloudflow::schema
