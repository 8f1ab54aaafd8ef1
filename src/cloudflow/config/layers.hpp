/// The configuration of an application: files and arguments over each other, and how to show it
/// without its secrets.
#pragma once

#include "cloudflow/config/value.hpp"

#include <span>
#include <string>
#include <vector>

namespace cloudflow::config {

/// Parses `files` (`--conf`, a later one wins) and `assignments` (`path=value`, over all files, a
/// later one wins) into one document. Reads files, so it may block. None at all: an empty document.
///
/// Errors: the problems of all files and assignments together, in their order; each is one of
/// parse_file and parse_assignment.
cloudflow::result<document, std::vector<problem>> load_layers(
    std::span<const std::string> files, std::span<const std::string> assignments);

/// What stands for a secret.
inline constexpr std::string_view mask = "***";

/// `v` with whatever is at one of `secret_paths` replaced by `mask`, whole objects and lists
/// included; an index of a list is no key: a path goes on in every item. Paths are written as in
/// HOCON (`a.b."c.d"`); the key `*` stands for any. A path that cannot be read masks everything:
/// better too much than a secret shown.
value redact(const value& v, std::span<const std::string> secret_paths);

}  // namespace cloudflow::config
