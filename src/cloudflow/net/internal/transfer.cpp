#include "cloudflow/net/internal/transfer.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace cloudflow::net::detail {

namespace {

/// So that a clock that jumps, or an overflow, costs no more than this.
constexpr std::chrono::milliseconds longest_wait{60'000};

std::string_view trimmed(std::string_view text) noexcept {
  constexpr std::string_view space = " \t\r\n";
  const auto begin = text.find_first_not_of(space);
  if (begin == text.npos) return {};
  return text.substr(begin, text.find_last_not_of(space) - begin + 1);
}

/// A handle that is part of a multi handle while this lives.
class enlisted {
public:
  explicit enlisted(lane& on) : on_(on) {
    if (curl_multi_add_handle(on_.multi.get(), on_.easy.get()) != CURLM_OK) throw std::bad_alloc{};
  }
  ~enlisted() { curl_multi_remove_handle(on_.multi.get(), on_.easy.get()); }
  enlisted(const enlisted&) = delete;
  enlisted& operator=(const enlisted&) = delete;

private:
  lane& on_;
};

}  // namespace

result<response> transfer::run() {
  curl_easy_reset(on_.easy.get());  // the connections stay
  CLOUDFLOW_TRY(request_.apply_to(on_.easy.get()));
  set_callbacks();
  auto code = CURLE_OK;
  {
    const std::stop_callback wake{stop_, [this] { curl_multi_wakeup(on_.multi.get()); }};
    const enlisted in{on_};
    code = perform();
  }
  if (thrown_) std::rethrow_exception(thrown_);
  return outcome(code);
}

void transfer::set_callbacks() {
  option_setter set{on_.easy.get()};
  set(CURLOPT_ERRORBUFFER, words_.data());
  set(CURLOPT_HEADERFUNCTION, &transfer::on_header);
  set(CURLOPT_HEADERDATA, this);
  set(CURLOPT_WRITEFUNCTION, &transfer::on_body);
  set(CURLOPT_WRITEDATA, this);
  set(CURLOPT_PREREQFUNCTION, &transfer::on_begin);
  set(CURLOPT_PREREQDATA, this);
}

/// What libcurl ended it with; `ended_` says more where that was us.
CURLcode transfer::perform() {
  for (int running = 1;;) {
    if (curl_multi_perform(on_.multi.get(), &running) != CURLM_OK) return CURLE_FAILED_INIT;
    if (running == 0) break;
    if (must_end()) return CURLE_ABORTED_BY_CALLBACK;
    auto wait = longest_wait;
    if (const auto until = deadline())
      wait = std::clamp(std::chrono::ceil<std::chrono::milliseconds>(*until - steady_clock::now()),
                        std::chrono::milliseconds{0}, longest_wait);
    curl_multi_poll(on_.multi.get(), nullptr, 0, static_cast<int>(wait.count()), nullptr);
  }
  int left = 0;
  const auto* said = curl_multi_info_read(on_.multi.get(), &left);
  return said == nullptr ? CURLE_FAILED_INIT : said->data.result;
}

std::optional<transfer::steady_clock::time_point> transfer::deadline() const {
  const auto& bounds = request_.what().timeouts;
  auto first = steady_clock::time_point::max();
  if (bounds.total) first = begun_ + *bounds.total;
  if (bounds.idle && was_sent_) first = std::min(first, moved_at_ + *bounds.idle);
  if (first == steady_clock::time_point::max()) return std::nullopt;
  return first;
}

bool transfer::must_end() {
  const auto now = steady_clock::now();
  const auto moved = received_ + info_of<curl_off_t>(on_.easy.get(), CURLINFO_SIZE_UPLOAD_T);
  if (std::exchange(moved_, moved) != moved) moved_at_ = now;
  const auto& bounds = request_.what().timeouts;
  if (stop_.stop_requested()) {
    end(errc::cancelled, {});
  } else if (bounds.total && now >= begun_ + *bounds.total) {
    end(errc::total_timeout, fmt::format("it was not complete after {}", *bounds.total));
  } else if (bounds.idle && was_sent_ && now >= moved_at_ + *bounds.idle) {
    end(errc::idle_timeout, fmt::format("no byte for {}", *bounds.idle));
  }
  return ended_.has_value();
}

/// Before the request is sent, over a connection that is there. A second time without any response
/// in between: the server had closed the connection that was to be used again, after the request
/// perhaps.
int transfer::on_begin(void* self, char*, char*, int, int) noexcept {
  auto& me = *static_cast<transfer*>(self);
  const bool is_repeated = me.was_sent_ && me.received_ == me.received_before_;
  if (is_repeated && !me.request_.is_idempotent()) {
    me.ended_ = ending{errc::connection_broken,
                       "the server has closed it, and may have acted on the request"};
    return CURL_PREREQFUNC_ABORT;
  }
  me.was_sent_ = true;
  me.received_before_ = me.received_;
  me.moved_at_ = steady_clock::now();
  return CURL_PREREQFUNC_OK;
}

std::size_t transfer::on_header(char* line, std::size_t one, std::size_t size,
                                void* self) noexcept {
  auto& me = *static_cast<transfer*>(self);
  try {
    return me.take_header({line, one * size}) ? one * size : 0;
  } catch (...) {
    me.thrown_ = std::current_exception();
    return 0;
  }
}

std::size_t transfer::on_body(char* bytes, std::size_t one, std::size_t size, void* self) noexcept {
  auto& me = *static_cast<transfer*>(self);
  try {
    return me.take_body({bytes, one * size}) ? one * size : CURL_WRITEFUNC_ERROR;
  } catch (...) {
    me.thrown_ = std::current_exception();
    return CURL_WRITEFUNC_ERROR;
  }
}

bool transfer::take_header(std::string_view line) {
  received_ += static_cast<curl_off_t>(line.size());
  header_bytes_ += line.size();
  if (const auto most = request_.what().limits.header_bytes; header_bytes_ > most) {
    end(errc::response_too_large, fmt::format("expected at most {} bytes of headers", most));
    return false;
  }
  if (line.starts_with("HTTP/")) {  // the response, or one behind a redirect or a 100
    answer_ = {};
    has_head_ = false;
    return true;
  }
  if (has_head_) return true;  // a trailer
  return trimmed(line).empty() ? take_head() : take_field(line);
}

bool transfer::take_field(std::string_view line) {
  const auto colon = line.find(':');
  if ((line.front() == ' ' || line.front() == '\t') && !answer_.headers.empty()) {
    answer_.headers.back().value += fmt::format(" {}", trimmed(line));  // folded
  } else if (colon != line.npos) {
    answer_.headers.push_back({std::string{trimmed(line.substr(0, colon))},
                               std::string{trimmed(line.substr(colon + 1))}});
  }
  return true;
}

bool transfer::take_head() {
  answer_.status = static_cast<int>(info_of<long>(on_.easy.get(), CURLINFO_RESPONSE_CODE));
  if (answer_.status / 100 == 1) return true;
  has_head_ = true;
  return receive_ == nullptr || answer_.status / 100 != 2 || hand_on({});
}

bool transfer::take_body(std::string_view piece) {
  received_ += static_cast<curl_off_t>(piece.size());
  if (receive_ != nullptr && answer_.status / 100 == 2) return hand_on(piece);
  if (const auto most = request_.what().limits.body_bytes;
      answer_.body.size() + piece.size() > most) {
    end(errc::response_too_large, fmt::format("expected at most {} bytes", most));
    return false;
  }
  answer_.body += piece;
  return true;
}

bool transfer::hand_on(std::string_view piece) {
  if (stop_.stop_requested()) {
    end(errc::cancelled, {});
    return false;
  }
  answer_.is_complete = (*receive_)(answer_, piece) == after_piece::go_on;
  return answer_.is_complete;
}

result<response> transfer::outcome(CURLcode code) {
  constexpr int proxy_credentials_wanted = 407;
  if (!ended_ && !answer_.is_complete) return std::move(answer_);
  // An end in the middle of the head is a success to libcurl.
  if (!ended_ && code == CURLE_OK && !has_head_) end(errc::connection_broken, "in its head");
  if (!ended_ && code != CURLE_OK) {
    given_up how{.code = code, .text = words_.data(), .was_sent = was_sent_, .has_head = has_head_};
    if (how.text.empty()) how.text = curl_easy_strerror(code);
    ended_ = ending_of(how, on_.easy.get(), request_);
  }
  if (!ended_ && answer_.status == proxy_credentials_wanted && !request_.proxy().url.empty())
    end(errc::proxy_refused, "it answers 407, it wants (other) credentials");
  if (!ended_) return std::move(answer_);
  return error_of(*ended_, request_.what(), request_.proxy());
}

}  // namespace cloudflow::net::detail
