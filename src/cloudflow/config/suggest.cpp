// What helps a person to find and mend a mistake.
#include "cloudflow/base/ascii.hpp"
#include "cloudflow/config/unicode.hpp"
#include "cloudflow/config/value.hpp"

#include <algorithm>
#include <numeric>

namespace cloudflow::config {

namespace {

/// How many characters have to be added, removed, changed or swapped with their neighbour (optimal
/// string alignment, Boytsov 2011); case does not count.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1);
  std::vector<std::size_t> above(b.size() + 1);
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(above.begin(), above.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const auto change = to_lower(a[i - 1]) == to_lower(b[j - 1]) ? 0U : 1U;
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + change});
      const auto swapped = i > 1 && j > 1 && to_lower(a[i - 1]) == to_lower(b[j - 2]) &&
                           to_lower(a[i - 2]) == to_lower(b[j - 1]);
      if (swapped) row[j] = std::min(row[j], before[j - 2] + 1);
    }
    std::swap(before, above);
    std::swap(above, row);
  }
  return above[b.size()];
}

// Nobody mistypes more than a third of a word; in a short one a single letter is enough to mean
// another.
std::size_t allowed_distance(std::string_view word) {
  return word.size() < 3 ? 1 : (word.size() + 2) / 3;
}

// Longer words are no typing mistakes, and comparing them costs the product of their lengths.
constexpr std::size_t longest_word = 256;

}  // namespace

std::optional<std::string> nearest(std::string_view word, std::span<const std::string> candidates) {
  if (word.size() > longest_word) return std::nullopt;
  auto best_distance = allowed_distance(word) + 1;
  const std::string* best = nullptr;
  for (const auto& candidate : candidates) {
    if (candidate == word || candidate.size() > longest_word) continue;
    const auto distance = edit_distance(word, candidate);
    // A word that has nothing of the other is no suggestion, however short both are.
    if (distance >= best_distance || distance >= std::max(word.size(), candidate.size())) continue;
    best_distance = distance;
    best = &candidate;
  }
  if (best == nullptr) return std::nullopt;
  return *best;
}

std::string excerpt(std::string_view text, const origin& where) {
  if (where.line < 1 || where.column < 1) return {};
  for (int line = 1; line != where.line; ++line) {
    const auto end = text.find('\n');
    if (end == std::string_view::npos) return {};
    text.remove_prefix(end + 1);
  }
  auto line = text.substr(0, text.find('\n'));
  if (line.ends_with('\r')) line.remove_suffix(1);
  std::string under;
  auto rest = line;
  for (int column = 1; column != where.column; ++column) {
    if (rest.empty()) return {};
    // A tab under a tab keeps the caret in place however wide tabs are.
    under.push_back(rest.front() == '\t' ? '\t' : ' ');
    const auto c = detail::decode(rest);
    rest.remove_prefix(c.bytes == 0 ? 1 : c.bytes);
  }
  return "    " + std::string{line} + "\n    " + under + "^\n";
}

}  // namespace cloudflow::config
