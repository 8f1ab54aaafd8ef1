/// Decoding into views must not allocate: counted here, by replacing the operators of the whole
/// test program.
#include "codegen_test_schemas/everything.hpp"
#include "codegen_test_schemas/tree.hpp"

#include "cloudflow/codegen/test_values.hpp"
#include "cloudflow/schema/avro_schema.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <new>

namespace {
std::atomic<std::size_t> allocations{0};
}

void* operator new(std::size_t size) {
  ++allocations;
  if (void* p = std::malloc(size)) return p;
  throw std::bad_alloc{};
}
void operator delete(void* p) noexcept { std::free(p); }
void operator delete(void* p, std::size_t) noexcept { std::free(p); }

namespace {

template <class T>
std::size_t allocations_of_decoding() {
  const auto schema = *cloudflow::schema::parse_avro(cloudflow::codec<T>::schema_text);
  cloudflow::codegen::value_maker values{schema, 4};
  std::size_t counted = 0;
  for (int i = 0; i != 50; ++i) {
    const auto bytes = values.make();
    typename T::view view;
    const auto before = allocations.load();
    EXPECT_TRUE(cloudflow::codec<T>::decode(bytes, view));
    counted += allocations.load() - before;
  }
  return counted;
}

TEST(generated_view, is_decoded_without_an_allocation) {
  EXPECT_EQ(allocations_of_decoding<test::all::everything>(), 0U);
  EXPECT_EQ(allocations_of_decoding<tree>(), 0U);
}

}  // namespace
