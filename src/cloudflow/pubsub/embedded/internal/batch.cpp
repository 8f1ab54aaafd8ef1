#include "cloudflow/pubsub/embedded/internal/batch.hpp"

#include "cloudflow/base/bytes.hpp"

#include <algorithm>
#include <cstring>
#include <limits>

namespace cloudflow::pubsub::embedded {
namespace {

constexpr std::uint8_t batch_version = 2;
constexpr std::size_t header_size = 1 + 4 + 8 + 8 + 8;
constexpr std::size_t index_at = header_size + 4;

template <class Unsigned>
void put_at(char* to, Unsigned v) {
  for (std::size_t i = 0; i != sizeof v; ++i)
    to[i] = static_cast<char>(v >> (8 * (sizeof v - 1 - i)));
}

timestamp get_fixed_time(byte_reader& from) {
  const auto milliseconds = static_cast<std::int64_t>(from.get_big_endian<std::uint64_t>());
  return timestamp{std::chrono::milliseconds{milliseconds}};
}

struct index_entry {
  std::int64_t key, value, headers;

  bool fits(std::size_t room) const noexcept {
    const auto most = static_cast<std::int64_t>(room);
    return key >= -1 && key <= most && value >= -1 && value <= most && headers >= 0 &&
           headers <= most && size() <= room;
  }
  std::size_t key_size() const noexcept { return key < 0 ? 0 : static_cast<std::size_t>(key); }
  std::size_t value_size() const noexcept {
    return value < 0 ? 0 : static_cast<std::size_t>(value);
  }
  std::size_t header_bytes() const noexcept { return static_cast<std::size_t>(headers); }
  std::size_t size() const noexcept { return key_size() + value_size() + header_bytes(); }
};

index_entry read_entry(byte_reader& index) {
  index_entry e{};
  e.key = index.get_long();
  e.value = index.get_long();
  e.headers = index.get_long();
  return e;
}

void put_index(byte_writer& index, const record_buffer& records) {
  for (const auto& e : records.entries()) {
    index.put_long(e.key_size);
    index.put_long(e.value_size);
    index.put_long(e.header_bytes);
  }
}

}  // namespace

// -- stored_batch ---------------------------------------------------------------------------------

stored_batch::stored_batch(std::span<const record_buffer* const> parts) {
  byte_writer index;
  std::size_t payload = 0;
  for (const auto* part : parts) {
    put_index(index, *part);
    payload += part->byte_size();
    header_.count += static_cast<std::int32_t>(part->size());
  }
  size_ = index_at + index.size() + payload;
  bytes_ = std::make_unique_for_overwrite<char[]>(size_);
  bytes_[0] = static_cast<char>(batch_version);
  put_at(&bytes_[1], static_cast<std::uint32_t>(header_.count));
  put_at(&bytes_[header_size], static_cast<std::uint32_t>(index.size()));
  auto* to = bytes_.get() + index_at;
  std::memcpy(to, index.view().data(), index.size());
  to += index.size();
  for (const auto* part : parts) {
    if (part->byte_size() != 0) std::memcpy(to, part->bytes().data(), part->byte_size());
    to += part->byte_size();
  }
}

stored_batch::stored_batch(record_offset base, const batch_header& header, std::string_view bytes)
  : bytes_(std::make_unique_for_overwrite<char[]>(bytes.size())),
    size_(bytes.size()),
    base_(base),
    header_(header) {
  std::memcpy(bytes_.get(), bytes.data(), bytes.size());
}

void stored_batch::place(record_offset base, timestamp appended, timestamp latest,
                         std::uint64_t bytes_before) {
  base_ = base;
  header_.appended = appended;
  header_.latest = std::max(latest, appended);
  header_.bytes_before = bytes_before;
  put_at(&bytes_[5], static_cast<std::uint64_t>(appended.time_since_epoch().count()));
  put_at(&bytes_[13], static_cast<std::uint64_t>(header_.latest.time_since_epoch().count()));
  put_at(&bytes_[21], bytes_before);
}

std::optional<batch_header> read_header(std::string_view bytes) {
  byte_reader r{bytes};
  if (r.get_byte() != batch_version) return {};
  batch_header header;
  header.count = static_cast<std::int32_t>(r.get_big_endian<std::uint32_t>());
  header.appended = get_fixed_time(r);
  header.latest = get_fixed_time(r);
  header.bytes_before = r.get_big_endian<std::uint64_t>();
  const auto index_size = r.get_big_endian<std::uint32_t>();
  if (!r.ok() || header.count <= 0 || r.remaining() < index_size) return {};
  return header;
}

// -- reading --------------------------------------------------------------------------------------

bool fetch_budget::take(std::size_t size) noexcept {
  if (records == 0 || (size > bytes && !is_first)) return false;
  --records;
  bytes -= std::min(size, bytes);
  is_first = false;
  return true;
}

bool is_readable(record_offset base, const batch_header& header, std::string_view bytes) {
  batch_builder builder;
  batch_builder::cursor at{.next = base};
  fetch_budget all{.records = std::numeric_limits<std::size_t>::max(),
                   .bytes = std::numeric_limits<std::size_t>::max()};
  const auto batch = std::make_shared<const stored_batch>(base, header, bytes);
  return builder.add(batch, at, all) == batch_builder::outcome::all_read;
}

batch_builder::batch_builder() : owner_(std::make_shared<contents>()) {}

batch_builder::outcome batch_builder::add(const std::shared_ptr<const stored_batch>& batch,
                                          cursor& at, fetch_budget& budget) {
  byte_reader prefix{batch->bytes().substr(header_size)};
  const std::size_t index_size = prefix.get_big_endian<std::uint32_t>();
  const auto index_bytes = batch->bytes().substr(index_at, index_size);
  const auto payload = batch->bytes().substr(index_at + index_size);
  auto here = at.is_open ? at.next : batch->base();
  if (!at.is_open) at = {.next = at.next, .is_open = true};
  byte_reader index{index_bytes.substr(at.index_at)};
  const auto wanted = at.next;
  bool used = false;
  auto result = outcome::all_read;
  for (; here < batch->end(); ++here) {
    const auto e = read_entry(index);
    if (!index.ok() || !e.fits(payload.size() - at.payload_at)) return outcome::corrupt;
    if (here >= wanted) {
      if (!budget.take(e.size())) {
        result = outcome::limit_reached;
        break;
      }
      const auto* p = payload.data() + at.payload_at;
      auto& record = records_.emplace_back();
      if (e.key >= 0) record.key = {p, e.key_size()};
      if (e.value >= 0) record.value = {p + e.key_size(), e.value_size()};
      record.time = batch->header().appended;
      record.offset = here;
      used = true;
      if (e.headers != 0 && !add_headers({p + e.key_size() + e.value_size(), e.header_bytes()}))
        return outcome::corrupt;
    }
    at.payload_at += e.size();
    at.index_at = index_size - index.remaining();
  }
  at.next = here;
  if (used) owner_->batches.push_back(batch);
  return result;
}

bool batch_builder::add_headers(std::string_view raw) {
  const auto first = owner_->headers.size();
  byte_reader r{raw};
  while (r.ok() && r.remaining() != 0) {
    const auto name = r.get_text();
    owner_->headers.push_back({name, r.get_text()});
  }
  with_headers_.push_back({records_.size() - 1, first, owner_->headers.size() - first});
  return r.complete();
}

record_batch batch_builder::finish() && {
  for (const auto& range : with_headers_)
    records_[range.record].headers = std::span{owner_->headers}.subspan(range.first, range.count);
  return {std::move(owner_), std::move(records_)};
}

}  // namespace cloudflow::pubsub::embedded
