/// What a streamlet class says about itself: Cloudflow 2.3's descriptor, and fields that old
/// readers ignore.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace cloudflow::blueprint {

struct schema_descriptor {
  std::string name = {};         ///< full name of the schema
  std::string schema = {};       ///< its text
  std::string fingerprint = {};  ///< base64 (padded) of SHA-256 over the parsing canonical form
  std::string format = {};       ///< `avro`, `proto`, `bytearray`

  bool operator==(const schema_descriptor&) const = default;
};

struct port_descriptor {
  std::string name = {};
  schema_descriptor schema = {};
  /// Added here: the schema fields that make the record's key (outlet: what it is keyed by; inlet:
  /// what it must be keyed by). Empty: no key, or one computed by a function.
  std::string key = {};

  bool operator==(const port_descriptor&) const = default;
};

struct parameter_descriptor {
  std::string key = {};
  std::string description = {};
  /// `int32`, `string`, `double`, `bool`, `duration` or `memorysize`.
  std::string validation_type = {};
  std::optional<std::string> validation_pattern = {};
  std::optional<std::string> default_value = {};
  bool is_secret = false;    ///< added here: never shown
  bool is_live = false;      ///< added here: may change without a restart
  bool has_default = false;  ///< added here: a secret has one without a text

  bool operator==(const parameter_descriptor&) const = default;
};

struct volume_mount_descriptor {
  std::string name = {}, path = {};
  std::string access_mode = {};  ///< `ReadWriteMany` or `ReadOnlyMany`
  std::string pvc_name = {};

  bool operator==(const volume_mount_descriptor&) const = default;
};

struct attribute_descriptor {
  std::string attribute_name = {}, config_path = {};

  bool operator==(const attribute_descriptor&) const = default;
};

/// Added here: a durable store that the streamlet keeps.
struct state_descriptor {
  std::string name = {};
  schema_descriptor key = {}, value = {};
  std::string window = {};  ///< for example `tumbling`; empty: none
  std::string inlet = {};   ///< whose records it is about; empty: those of a source
  /// What the internal topic holds through which the records of a key come into one task, where the
  /// inlet is not keyed by it. The name is the record's; without fingerprint it has no schema and
  /// cannot go there. All empty: there is no key_by before the state.
  schema_descriptor repartition = {};
  /// The field of its inlet's records, as they come, that is its key; empty: something else is.
  std::string inlet_field = {};

  /// Whether an inlet that is keyed by a field (empty: by none) brings the records of a key of this
  /// state into one partition. What an expansion goes by is for its author to know.
  bool is_keyed_by(std::string_view field) const noexcept {
    const bool has_key_by = !repartition.name.empty();
    return !field.empty() && (!has_key_by || field == inlet_field);
  }

  bool operator==(const state_descriptor&) const = default;
};

struct streamlet_descriptor {
  std::string class_name = {};
  std::string runtime = "native";
  std::string description = {};
  std::vector<std::string> labels = {};
  std::vector<port_descriptor> inlets = {}, outlets = {};
  std::vector<parameter_descriptor> config_parameters = {};
  std::vector<volume_mount_descriptor> volume_mounts = {};
  std::vector<attribute_descriptor> attributes = {};
  std::vector<state_descriptor> states = {};  ///< added here
  bool has_sources = false;  ///< added here: records come from the streamlet itself

  bool operator==(const streamlet_descriptor&) const = default;
};

}  // namespace cloudflow::blueprint
