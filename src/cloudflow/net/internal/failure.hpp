#pragma once

#include "cloudflow/net/internal/prepared_request.hpp"

#include <string>

namespace cloudflow::net::detail {

/// Why a transfer has ended without a response, and what is known of it beyond that.
struct ending {
  errc code = errc::failed;
  std::string detail;
};

/// What libcurl gave up with, and what it says. `was_sent`: the request had been begun.
struct given_up {
  CURLcode code = CURLE_OK;
  std::string text;
  bool was_sent = false, has_head = false;
};

ending ending_of(const given_up& how, CURL* easy, const prepared_request& request);

/// The error for the caller, with method, URL, proxy and the next step.
error error_of(const ending& why, const request& what, const chosen_proxy& proxy);

}  // namespace cloudflow::net::detail
