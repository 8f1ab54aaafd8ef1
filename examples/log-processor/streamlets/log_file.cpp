#include "streamlets/log_file.hpp"

#include "streamlets/app_name.hpp"

#include <stdexcept>

namespace logproc {

namespace connect = cloudflow::connect;
using cloudflow::expansion_progress;
using cloudflow::result;

namespace {

/// One call gives out so many records: enough to make the call cheap, few enough to be a small part
/// of a commit.
constexpr int records_a_call = 500;

read_error to_read_error(const connect::object_error& e) { return {e.message, e.retriable()}; }

connect::log_layouts layouts_of(const std::string& line_pattern, const std::string& time_format) {
  auto layouts = connect::log_layouts::make({line_pattern, time_format});
  if (!layouts) throw std::invalid_argument(layouts.error().message);
  return std::move(layouts).value();
}

}  // namespace

struct log_file::settings {
  std::string bucket;
  connect::log_layouts layouts;
};

struct log_file::reader {
  std::string key, etag;
  std::unique_ptr<connect::stored_object> object;
  std::unique_ptr<connect::log_records> records;
};

log_file::log_file(std::string bucket, const std::string& line_pattern,
                   const std::string& time_format)
  : settings_(std::make_shared<const settings>(
        settings{std::move(bucket), layouts_of(line_pattern, time_format)})) {}

result<expansion_progress, read_error> log_file::advance(file_progress& progress,
                                                         const data::log_key& k,
                                                         cloudflow::expansion_output<output>& out) {
  if (reader_ == nullptr || reader_->key != k.key || progress.is_done) {
    CLOUDFLOW_TRY(open(progress, k.key));
    if (progress.is_done) return expansion_progress::done;
  }
  auto& records = *reader_->records;
  for (int n = 0; n != records_a_call; ++n) {
    const auto item = records.next();
    if (!item) {
      reader_.reset();
      return to_read_error(item.error());
    }
    if (!item->has_value()) {
      progress.is_done = true;
      break;
    }
    out.emit(to_output(**item, k));
  }
  progress.byte = static_cast<std::int64_t>(records.cursor().byte);
  progress.line = static_cast<std::int64_t>(records.cursor().line);
  if (!progress.is_done) return expansion_progress::more;
  reader_.reset();
  return expansion_progress::done;
}

/// Opens the object where `progress` stands; from its beginning if it is not the object that
/// `progress` knows.
result<void, read_error> log_file::open(file_progress& progress, const std::string& key) {
  reader_.reset();
  auto store = connect::open_directory_store(settings_->bucket);
  if (!store) return to_read_error(store.error());
  auto object = (*store)->open(key);
  if (!object) return to_read_error(object.error());
  const auto etag = (*object)->info().etag;
  if (progress.etag != etag) progress = {.etag = etag};
  if (progress.is_done) return {};
  auto opened = std::make_shared<reader>(reader{key, etag, std::move(object).value(), nullptr});
  const connect::line_position from{static_cast<std::uint64_t>(progress.byte),
                                    static_cast<std::uint64_t>(progress.line)};
  auto records = connect::log_records::open(*opened->object, settings_->layouts, from);
  if (!records) return to_read_error(records.error());
  opened->records = std::move(records).value();
  reader_ = std::move(opened);
  return {};
}

log_file::output log_file::to_output(const connect::log_item& item, const data::log_key& k) {
  const auto app = k.app.empty() ? app_name(k.key) : k.app;
  const auto line = static_cast<std::int64_t>(item.at.line);
  if (!item.is_record())
    return data::invalid_log{app, k.key, line, std::string{item.text}, std::string{item.reason}};
  return data::log_message{app,
                           item.fields.time,
                           std::string{item.fields.level},
                           std::string{item.fields.message},
                           k.key,
                           line};
}

}  // namespace logproc
