/// libcurl's handles with owners, and its options with types.
#pragma once

#include <curl/curl.h>

#include <concepts>
#include <memory>
#include <new>
#include <string>
#include <type_traits>

namespace cloudflow::net::detail {

struct handle_end {
  void operator()(CURL* easy) const noexcept { curl_easy_cleanup(easy); }
  void operator()(CURLU* url) const noexcept { curl_url_cleanup(url); }
  void operator()(curl_slist* list) const noexcept { curl_slist_free_all(list); }
  void operator()(char* text) const noexcept { curl_free(text); }
};
struct multi_end {  // CURL and CURLM are both void
  void operator()(CURLM* multi) const noexcept { curl_multi_cleanup(multi); }
};
using easy_handle = std::unique_ptr<CURL, handle_end>;
using multi_handle = std::unique_ptr<CURLM, multi_end>;
using url_handle = std::unique_ptr<CURLU, handle_end>;
using list_handle = std::unique_ptr<curl_slist, handle_end>;
using text_handle = std::unique_ptr<char, handle_end>;

/// @throws std::bad_alloc, the only thing that makes libcurl give none
template <class Pointer>
Pointer present(Pointer made) {
  if (made == nullptr) throw std::bad_alloc{};
  return made;
}

inline void append(list_handle& list, const std::string& line) {
  auto* grown = present(curl_slist_append(list.get(), line.c_str()));
  static_cast<void>(list.release());
  list.reset(grown);
}

/// What libcurl takes through its `...`: anything else would be read as something else.
template <class Value>
concept option_value = std::same_as<Value, long> || std::same_as<Value, curl_off_t> ||
                       std::is_pointer_v<Value> || std::is_null_pointer_v<Value>;

/// Sets options of one handle. One that the library does not have, for example because it was built
/// without TLS, is remembered: who asked for verification is not left without.
class option_setter {
public:
  explicit option_setter(CURL* easy) noexcept : easy_(easy) {}

  template <option_value Value>
  void operator()(CURLoption option, Value value) {
    const auto code = curl_easy_setopt(easy_, option, value);
    if (code == CURLE_OUT_OF_MEMORY) throw std::bad_alloc{};
    if (code != CURLE_OK && first_failure_ == CURLE_OK) first_failure_ = code;
  }
  /// The bytes live until the transfer is over.
  void blob(CURLoption option, const std::string& bytes) {
    curl_blob borrowed{.data = const_cast<char*>(bytes.data()),  // libcurl only reads it
                       .len = bytes.size(),
                       .flags = CURL_BLOB_NOCOPY};
    (*this)(option, &borrowed);
  }
  CURLcode first_failure() const noexcept { return first_failure_; }

private:
  CURL* easy_;
  CURLcode first_failure_ = CURLE_OK;
};

template <class Value>
Value info_of(CURL* easy, CURLINFO what) {
  Value value{};
  curl_easy_getinfo(easy, what, &value);
  return value;
}

}  // namespace cloudflow::net::detail
