/// Generated decoders and the generic one agree on what is data, and what they read is written as
/// it was.
#include "codegen_test_schemas/everything.hpp"
#include "codegen_test_schemas/tree.hpp"

#include "cloudflow/base/assert.hpp"
#include "cloudflow/schema/avro_json.hpp"

namespace {

template <class T>
void check(std::string_view bytes) {
  using cloudflow::codec;
  static const auto schema = *cloudflow::schema::parse_avro(codec<T>::schema_text);
  typename T::view view;
  std::string json;
  const bool good = codec<T>::decode(bytes, view);
  const bool expected =
      cloudflow::schema::avro_to_json(schema, bytes, cloudflow::schema::json_form::avro, json)
          .has_value();
  if (!good) {
    // Nested data is counted by other things: the generated decoder may be the stricter one.
    CLOUDFLOW_ASSERT(!expected || json.size() > 128, "data was refused");
    return;
  }
  CLOUDFLOW_ASSERT(expected, "what is no data was accepted");
  // Numbers may come in more bytes than they need, so that what is written may differ once, but not
  // twice.
  cloudflow::byte_writer viewed, again, owned, borrowed;
  codec<T>::encode(view, viewed);
  CLOUDFLOW_ASSERT(codec<T>::decode(viewed.view(), view), "what a view wrote is no data");
  codec<T>::encode(view, again);
  CLOUDFLOW_ASSERT(viewed.view() == again.view(), "a view is written otherwise than it was read");
  const auto owner = codec<T>::own(view);
  codec<T>::encode(owner, owned);
  codec<T>::encode(codec<T>::borrow(owner), borrowed);
  CLOUDFLOW_ASSERT(owned.view() == borrowed.view(),
                   "an owner and its view are written differently");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes{reinterpret_cast<const char*>(data) + 1, size - 1};
  if (data[0] % 2 == 0)
    check<test::all::everything>(bytes);
  else
    check<tree>(bytes);
  return 0;
}
