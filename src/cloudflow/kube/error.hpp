#pragma once

#include "cloudflow/base/result.hpp"
#include "cloudflow/base/time.hpp"
#include "cloudflow/net/error.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace cloudflow::kube {

/// Why a call has not done what it was to do. Those up to `unavailable` are the API server's, by
/// the reason that it gives, else by the status; the others come from the way to it.
enum class errc {
  bad_request,
  unauthorized,    ///< it does not know who asks
  forbidden,       ///< it knows, and refuses
  not_found,       ///< the object, or its kind
  already_exists,  ///< of create
  conflict,        ///< another version than the one that was meant; read again, then repeat
  expired,         ///< a version or a list's continuation that is too old: list from the beginning
  invalid,         ///< the object; `causes` says which fields
  too_large,
  too_many_requests,
  unsupported,  ///< method, media type or patch that this resource does not have
  timeout,      ///< the server's own: it may have done it
  internal_error,
  unavailable,
  unreachable,       ///< nobody there; the request has not arrived
  interrupted,       ///< it may have arrived: of a change nobody knows whether it was made
  untrusted,         ///< TLS: the server cannot be verified, or does not accept this client
  no_credentials,    ///< what identifies this client cannot be had: a file, a plugin
  invalid_settings,  ///< a kubeconfig, a pod's environment, or what a call was given
  malformed_response,
  cancelled,  ///< by the stop token
};

/// Whether the same call may succeed later, unchanged.
constexpr bool is_retriable(errc code) noexcept {
  switch (code) {
    case errc::bad_request:
    case errc::unauthorized:
    case errc::forbidden:
    case errc::not_found:
    case errc::already_exists:
    case errc::conflict:
    case errc::expired:
    case errc::invalid:
    case errc::too_large:
    case errc::unsupported:
    case errc::untrusted:
    case errc::invalid_settings:
    case errc::malformed_response:
    case errc::cancelled: return false;
    case errc::too_many_requests:
    case errc::timeout:
    case errc::internal_error:
    case errc::unavailable:
    case errc::unreachable:
    case errc::interrupted:
    case errc::no_credentials: return true;
  }
  return false;  // no code of ours
}

/// One of several things that are wrong with an object.
struct error_cause {
  std::string field;  ///< `spec.replicas`; may be empty
  std::string message;
  bool operator==(const error_cause&) const = default;
};

/// The code alone decides what is done about it. The message names the request and has the server's
/// sentence.
struct error {
  errc code = errc::malformed_response;
  std::string message;
  std::vector<error_cause> causes{};
  std::optional<std::chrono::seconds>
      retry_after{};  ///< how long the server wants to be left alone

  bool is_retriable() const noexcept { return kube::is_retriable(code); }
};

/// For callers that only say it, or try again.
inline cloudflow::error plain(error e) {
  return {.message = std::move(e.message), .is_retriable = e.is_retriable()};
}

template <class T>
using result = cloudflow::result<T, error>;

}  // namespace cloudflow::kube
