/// What the API server says of what it has not done.
#pragma once

#include "cloudflow/kube/error.hpp"
#include "cloudflow/kube/object.hpp"
#include "cloudflow/net/response.hpp"

#include <string_view>

namespace cloudflow::kube::internal {

/// Of a response whose status is no success. `what` is the call, for the message.
error error_of(const net::response& answer, std::string_view what);

/// Of an object of kind Status, with the status of HTTP that came with it.
error error_of(const object& status, int http_status, std::string_view what);

error error_of(const net::error& failure, std::string_view what);

}  // namespace cloudflow::kube::internal
