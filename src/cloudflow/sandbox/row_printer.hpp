#pragma once

#include "cloudflow/base/result.hpp"
#include "cloudflow/operate/record_text.hpp"

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace cloudflow::sandbox {

/// Prints records on standard output: as JSON, one a line, as they come; or as a table at the end.
/// Confined to one thread.
class row_printer {
public:
  /// `format`: `json` (the value), `full` (with key, offset, time and headers) or `table`.
  /// `latest_by`: fields; of the records that are equal in them only the last one is printed, at
  /// the end, sorted by them. Empty: all.
  row_printer(std::string format, std::vector<std::string> latest_by)
    : format_(std::move(format)), latest_by_(std::move(latest_by)) {}

  void add(const operate::shown_record& r);
  /// Errors: none of the records has one of the fields of `latest_by`.
  result<void> finish();

private:
  std::string line_of(const operate::shown_record& r) const;
  void print_table() const;

  std::string format_;
  std::vector<std::string> latest_by_;
  std::vector<std::string> rows_;                           // of a table: values as JSON
  std::map<std::vector<std::string>, std::string> latest_;  // fields -> line
  std::set<std::string, std::less<>> known_fields_;         // of `latest_by`
};

}  // namespace cloudflow::sandbox
