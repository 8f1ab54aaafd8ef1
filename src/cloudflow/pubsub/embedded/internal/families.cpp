#include "cloudflow/pubsub/embedded/internal/families.hpp"

#include "cloudflow/base/assert.hpp"

#include <rocksdb/comparator.h>

namespace cloudflow::pubsub::embedded {
namespace {

/// Names a family to a WriteBatch, which asks for id and comparator only.
class family_id final : public rocksdb::ColumnFamilyHandle {
public:
  explicit family_id(std::size_t index)
    : name_(family_names[index]), id_(static_cast<std::uint32_t>(index) + 1) {}
  const std::string& GetName() const override { return name_; }
  std::uint32_t GetID() const override { return id_; }
  rocksdb::Status GetDescriptor(rocksdb::ColumnFamilyDescriptor*) override {
    return rocksdb::Status::NotSupported();
  }
  const rocksdb::Comparator* GetComparator() const override {
    return rocksdb::BytewiseComparator();
  }

private:
  const std::string name_;
  const std::uint32_t id_;
};

rocksdb::ColumnFamilyHandle* id_of(family which) {
  static std::array<family_id, family_names.size()> all{family_id{0}, family_id{1}, family_id{2},
                                                        family_id{3}, family_id{4}};
  return &all[static_cast<std::size_t>(which)];
}

}  // namespace

write_set::write_set() : impl_(std::make_unique<impl>()) {}
write_set::write_set(write_set&&) noexcept = default;
write_set::~write_set() = default;

// A WriteBatch refuses only sizes beyond 4 GB, which committer has refused before.
void write_set::put(family where, std::string_view key, std::string_view value) {
  const auto status = impl_->batch.Put(id_of(where), slice(key), slice(value));
  CLOUDFLOW_ASSERT(status.ok(), "a key or value is too large for RocksDB");
}

void write_set::erase(family where, std::string_view key) {
  const auto status = impl_->batch.Delete(id_of(where), slice(key));
  CLOUDFLOW_ASSERT(status.ok(), "a key is too large for RocksDB");
}

void write_set::erase_range(family where, std::string_view first, std::string_view end) {
  const auto status = impl_->batch.DeleteRange(id_of(where), slice(first), slice(end));
  CLOUDFLOW_ASSERT(status.ok(), "a key is too large for RocksDB");
}

void write_set::clear() { impl_->batch.Clear(); }

}  // namespace cloudflow::pubsub::embedded
