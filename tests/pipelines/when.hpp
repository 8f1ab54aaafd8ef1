/// What a model of lists does not see: what has happened before what.
#pragma once

#include "data.hpp"

#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace cloudflow::pipelines {

/// What was there of a source's record when its client was told that it is durable: an answer comes
/// behind the last part.
class answers {
public:
  /// How many rows there are now of an input record, those of windows left out.
  using count_rows = std::function<std::size_t(std::size_t number)>;

  explicit answers(count_rows rows_of) : rows_of_(std::move(rows_of)) {}
  /// Sends the clients; stands as long as they do.
  void watch(const pipeline& p, const scenario& s);
  /// Counts the rows of what has been answered since the last time.
  void look();
  /// Of records that were sent twice nobody knows which of them is answered; one that is parked is
  /// answered when it is durable there.
  void expect_whole(const scenario& s, std::vector<std::string>& differences) const;

private:
  count_rows rows_of_;
  std::vector<std::size_t> new_;
  std::map<std::size_t, std::size_t> rows_then_;
};

/// As long as a record is expanded, none behind it is begun; where nothing goes wrong, so that
/// nothing is done twice, and on one partition.
void expect_nothing_overtakes(const scenario& s, std::vector<std::string>& differences);

}  // namespace cloudflow::pipelines
