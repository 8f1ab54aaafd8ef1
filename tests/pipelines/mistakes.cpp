#include "model.hpp"

#include <algorithm>
#include <iterator>

namespace cloudflow::pipelines {

namespace {
constexpr const char* names[] = {
    "none",        "drops-last-part",  "doubles-a-part",     "forgets-retries",
    "keeps-all",   "forgets-letters",  "blames-next-record", "forgets-windows",
    "fires-twice", "counts-late-rows", "knows-nobody",       "half-a-record-stays",
    "loses-state", "swaps-branches",   "knows-no-limit",     "answers-refused"};

}  // namespace

mistake& planted() {
  static mistake m = mistake::none;
  return m;
}
const std::vector<std::string>& mistake_names() {
  static const std::vector<std::string> all{std::begin(names) + 1, std::end(names)};
  return all;
}
std::optional<mistake> mistake_of(std::string_view name) {
  const auto at = std::find(std::begin(names), std::end(names), name);
  if (at == std::end(names)) return {};
  return static_cast<mistake>(at - std::begin(names));
}

}  // namespace cloudflow::pipelines
