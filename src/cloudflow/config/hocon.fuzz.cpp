/// Whatever the bytes: no crash, no endless work, and what is printed as JSON reads back as the
/// same JSON.
#include "cloudflow/config/value.hpp"

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

namespace {

using cloudflow::config::parse_text, cloudflow::config::to_json;

void check_round_trip(const cloudflow::config::value& v) {
  const auto json = to_json(v);
  const auto again = parse_text(json, "json");
  // Substitutions may nest deeper than text may.
  if (!again) return;
  const auto resolved = again->resolve({});
  if (!resolved || to_json(*resolved) != json) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  // An include reads files; the fuzzer has no business there.
  if (text.find("include") != std::string_view::npos) return 0;
  const auto parsed = parse_text(text, "input");
  if (!parsed) {
    for (const auto& p : parsed.error()) cloudflow::config::excerpt(text, p.where);
    return 0;
  }
  if (const auto resolved = parsed->resolve({})) check_round_trip(*resolved);
  (void)cloudflow::config::parse_duration(text);
  (void)cloudflow::config::parse_memory_size(text);
  return 0;
}
