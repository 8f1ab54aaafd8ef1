#include "cloudflow/runtime/schema_reader.hpp"

#include "cloudflow/flow/boundary.hpp"
#include "cloudflow/schema/resolution.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

namespace cloudflow::runtime {

namespace {

pubsub::error unreadable(std::string message) {
  return {.code = pubsub::errc::topic_mismatch, .message = std::move(message)};
}

std::string_view schema_header_of(const record_view& r) noexcept {
  for (const auto& h : r.headers)
    if (h.name == flow::schema_header_name) return h.value;
  return {};
}

/// How records of the topic's base schema are read.
pubsub::result<schema::resolution> resolve_base(const pubsub::schema_store& schemas,
                                                const std::string& base,
                                                const schema::avro_schema& reader,
                                                bool may_be_unreadable) {
  const auto text = CLOUDFLOW_TRY(schemas.find(base));
  if (!text) return unreadable("the topic's base schema is not in the schema store");
  const auto writer = schema::parse_avro(*text, "the topic's base schema");
  if (!writer) return unreadable(writer.error().message);
  if (const auto all = schema::unreadable_parts(*writer, reader);
      !may_be_unreadable && !all.empty())
    return unreadable(fmt::format(
        "the topic holds records of {} that cannot be read as the inlet's {}:\n  {}\n  "
        "Give a new field a default, and a renamed one its old name as an alias; or let "
        "the inlet read another topic.",
        writer->name(), reader.name(), fmt::join(all, "\n  ")));
  auto compiled = schema::resolution::compile(*writer, reader);
  if (!compiled) return unreadable(compiled.error().message);
  return std::move(compiled).value();
}

}  // namespace

struct schema_reader::shared {
  pubsub::schema_store* schemas;
  schema::avro_schema reader;
  std::string own;  ///< fingerprint of `reader`
  std::optional<schema::resolution>
      base;  ///< none: the base schema is not known, records are as the reader's

  std::mutex mutex;  // guards known
  std::map<std::string, schema::resolution, std::less<>> known;

  /// How records with this schema header are read; null when their schema cannot be found. It is
  /// asked for again then: a producer stores it before its first record.
  const schema::resolution* find(std::string_view header) {
    const std::lock_guard lock{mutex};
    if (const auto found = known.find(header); found != known.end()) return &found->second;
    auto loaded = load(header);
    if (!loaded) return nullptr;
    return &known.emplace(std::string{header}, *std::move(loaded)).first->second;
  }
  /// Appends the record's value in the reader's schema; otherwise says why it cannot.
  std::string convert(const record_view& r, byte_writer& out) {
    const auto header = schema_header_of(r);
    if (header.empty() && !base) {
      out.put_raw(r.value);
      return {};
    }
    const auto* how = header.empty() ? &*base : find(header);
    if (how == nullptr) return "the schema that its header names is not in the schema store";
    const auto done = how->transcode(r.value, out);
    return done ? std::string{} : done.error().message;
  }
  std::optional<schema::resolution> load(std::string_view fingerprint) const {
    const auto text = schemas->find(fingerprint);
    if (!text || !*text) return {};
    const auto writer = schema::parse_avro(**text);
    if (!writer) return {};
    auto compiled = schema::resolution::compile(*writer, reader);
    if (!compiled) return {};
    return std::move(compiled).value();
  }
};

schema_reader::schema_reader(std::unique_ptr<shared> s) : shared_(std::move(s)) {}
schema_reader::schema_reader(schema_reader&&) noexcept = default;
schema_reader& schema_reader::operator=(schema_reader&&) noexcept = default;
schema_reader::~schema_reader() = default;

pubsub::result<schema_reader> schema_reader::open(pubsub::schema_store& schemas,
                                                  const std::string& base,
                                                  const std::string& reader_schema,
                                                  bool may_be_unreadable) {
  auto reader = schema::parse_avro(reader_schema, "the inlet's schema");
  if (!reader) return unreadable(reader.error().message);
  auto own = reader->fingerprint();
  auto s = std::make_unique<shared>(&schemas, std::move(reader).value(), std::move(own));
  if (base == s->own) {
    auto same = schema::resolution::compile(s->reader, s->reader);
    if (!same) return unreadable(same.error().message);
    s->base = std::move(same).value();
  } else if (!base.empty()) {
    s->base = CLOUDFLOW_TRY(resolve_base(schemas, base, s->reader, may_be_unreadable));
  }
  return schema_reader{std::move(s)};
}

std::span<const record_view> schema_reader::convert(std::span<const record_view> batch,
                                                    scratch& space) const {
  space.failures.clear();
  const bool has_headers = std::any_of(batch.begin(), batch.end(), [](const record_view& r) {
    return !schema_header_of(r).empty();
  });
  const bool is_base_own = !shared_->base || shared_->base->is_identity();
  if (!has_headers && is_base_own) return batch;

  space.bytes.clear();
  space.records.clear();
  std::vector<std::pair<std::size_t, std::size_t>> places;  // the buffer may move while it grows
  for (std::size_t i = 0; i != batch.size(); ++i) {
    const auto before = space.bytes.size();
    if (auto why = shared_->convert(batch[i], space.bytes); !why.empty()) {
      space.failures.emplace_back(i, std::move(why));
      continue;
    }
    space.records.push_back(batch[i]);
    places.emplace_back(before, space.bytes.size() - before);
  }
  for (std::size_t i = 0; i != places.size(); ++i)
    space.records[i].value = space.bytes.view().substr(places[i].first, places[i].second);
  return space.records;
}

}  // namespace cloudflow::runtime
