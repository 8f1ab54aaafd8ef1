/// How commands of kubectl cloudflow print what they have found: the formats of Cloudflow 2.3.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cloudflow::cli {

/// `table`: grids, for eyes. `classic`: columns of blanks. The other two are for programs.
enum class output_format { table, classic, json, yaml };
/// `t`, `table`, `c`, `classic`, `json`, `yaml`, in any case; none: another word.
std::optional<output_format> output_format_of(std::string_view word);

enum class alignment { left, centre };

/// Rows of cells between lines of `+`, `-` and `|`, each column as wide as its longest cell. All
/// rows have as many cells as `columns`.
std::string grid(const std::vector<std::vector<std::string>>& rows,
                 const std::vector<alignment>& columns, bool has_header);

/// Rows of cells, each column but the last filled up with blanks to 18 characters, or to one more
/// than its longest cell. Lines end with a line feed, the last one too.
std::string classic_rows(const std::vector<std::vector<std::string>>& rows);

/// JSON as YAML, as 2.3 wrote it: blocks, texts in quotes, keys bare where they can be.
std::string to_yaml(const nlohmann::ordered_json& value);

/// `2021-04-27T09:45:17Z` as `2021-04-27 09:45:17 +0000 UTC`; what is no such time as it is.
std::string classic_time(std::string_view rfc3339);

}  // namespace cloudflow::cli
