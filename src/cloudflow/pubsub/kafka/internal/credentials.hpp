/// Who asks: passwords, tokens and certificates, and the files that they come from.
#pragma once

#include "cloudflow/base/time.hpp"
#include "cloudflow/pubsub/kafka/internal/client.hpp"

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cloudflow::pubsub::kafka {

/// A token of OAUTHBEARER, and what librdkafka wants to know of it.
struct bearer_token {
  std::string text;
  std::string principal;  ///< the claim `sub`
  timestamp expires;      ///< the claim `exp`; an hour from now where the token does not say
};

/// Takes a token apart without checking its signature: that is the broker's business.
bearer_token parse_token(std::string text, timestamp now);

/// What the files of the credentials hold now. Confined to one thread at a time.
class credentials {
public:
  struct changes {
    bool password = false, token = false, certificates = false;
  };

  /// Reads the files that the properties name. Error (`unsupported`): one cannot be read.
  static result<credentials> read(const property_map& properties);

  /// Reads them again. A file that cannot be read now, or is empty, is taken for one that is just
  /// being replaced.
  changes look_again();

  const std::optional<std::string>& password() const noexcept { return password_; }
  const std::optional<std::string>& token() const noexcept { return token_; }

private:
  std::string password_file_, token_file_;
  std::optional<std::string> password_, token_;
  std::map<std::string, std::string> certificates_;  ///< what each file holds
};

}  // namespace cloudflow::pubsub::kafka
