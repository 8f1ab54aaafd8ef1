/// Bytes of a stored batch: whatever they are, its header is one or none, and its records lie
/// inside of it.
#include "cloudflow/pubsub/embedded/internal/batch.hpp"
#include "cloudflow/base/assert.hpp"

#include <cstdint>
#include <limits>

namespace {

// NOLINTNEXTLINE(google-build-using-namespace): all of it is tried
using namespace cloudflow::pubsub::embedded;
using cloudflow::record_offset;

void check_inside(std::string_view part, std::string_view whole) {
  if (part.empty()) return;
  CLOUDFLOW_ASSERT(
      part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size(),
      "a record reaches out of its batch");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes{reinterpret_cast<const char*>(data), size};
  const auto header = read_header(bytes);
  if (!header) return 0;
  constexpr record_offset base{7};
  const auto batch = std::make_shared<const stored_batch>(base, *header, bytes);
  batch_builder builder;
  batch_builder::cursor at{.next = base};
  fetch_budget budget{.records = 1'000'000, .bytes = std::numeric_limits<std::size_t>::max()};
  const auto outcome = builder.add(batch, at, budget);
  CLOUDFLOW_ASSERT(
      (outcome == batch_builder::outcome::all_read) == is_readable(base, *header, bytes) ||
          header->count > 1'000'000,
      "is_readable() says something else");
  if (outcome == batch_builder::outcome::corrupt) return 0;
  const auto finished = std::move(builder).finish();
  for (const auto& record : finished.records()) {
    check_inside(record.key, batch->bytes());
    check_inside(record.value, batch->bytes());
    for (const auto& h : record.headers) {
      check_inside(h.name, batch->bytes());
      check_inside(h.value, batch->bytes());
    }
  }
  return 0;
}
