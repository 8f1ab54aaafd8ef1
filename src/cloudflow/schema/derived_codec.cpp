#include "cloudflow/schema/derived_codec.hpp"

#include "cloudflow/base/assert.hpp"
#include "cloudflow/schema/avro_schema.hpp"

#include <map>
#include <mutex>

namespace cloudflow::derived {

std::string_view fingerprint_of(std::string_view schema_text) {
  static std::mutex mutex;
  static std::map<std::string, std::string, std::less<>>
      known;  // guarded by mutex; nodes never move
  const std::scoped_lock lock{mutex};
  if (const auto found = known.find(schema_text); found != known.end()) return found->second;
  const auto parsed = schema::parse_avro(schema_text);
  CLOUDFLOW_ASSERT(parsed.has_value(), "a derived schema does not parse");
  return known.emplace(schema_text, parsed->fingerprint()).first->second;
}

}  // namespace cloudflow::derived
