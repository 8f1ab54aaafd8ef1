#pragma once

#include <string>
#include <vector>

namespace cloudflow::operate {

/// Text in columns, two blanks apart. A value type.
class table {
public:
  enum class side { left, right };
  enum class tone { plain, good, warning, bad };
  struct column {
    std::string name;
    side at = side::left;
  };
  struct cell {
    std::string text;
    tone how = tone::plain;

    cell(std::string t, tone h = tone::plain) : text(std::move(t)), how(h) {}
    cell(const char* t) : text(t) {}
  };

  explicit table(std::vector<column> columns) : columns_(std::move(columns)) {}

  /// @pre as many cells as columns
  void add(std::vector<cell> row);
  bool empty() const noexcept { return rows_.empty(); }
  /// A line of names, then the rows; without blanks at the ends of lines. Columns are as wide as
  /// their widest text, counted in characters.
  std::string text(bool has_colours = false) const;

private:
  std::vector<column> columns_;
  std::vector<std::vector<cell>> rows_;
};

}  // namespace cloudflow::operate
