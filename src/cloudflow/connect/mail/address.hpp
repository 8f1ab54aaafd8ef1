#pragma once

#include "cloudflow/base/result.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace cloudflow::connect {

/// Somebody who sends or gets mail. Made by `parse` only, so it holds nothing that could end a
/// header. A value.
class mail_address {
public:
  /// `ops@example.org` or `Operations <ops@example.org>`; the name may be quoted. Fails with what
  /// is wrong with it: among other things a control character, a local part that is not ASCII, more
  /// than 254 bytes.
  static result<mail_address> parse(std::string_view text);
  /// Several, with commas between them; at least one.
  static result<std::vector<mail_address>> parse_list(std::string_view text);

  const std::string& name() const noexcept { return name_; }        ///< UTF-8; may be empty
  const std::string& address() const noexcept { return address_; }  ///< `local@domain`
  std::string_view domain() const noexcept;

  bool operator==(const mail_address&) const = default;

private:
  std::string name_, address_;
};

}  // namespace cloudflow::connect
