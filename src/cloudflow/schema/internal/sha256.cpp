#include "cloudflow/schema/internal/sha256.hpp"

#include "cloudflow/base/assert.hpp"

#include <openssl/evp.h>

namespace cloudflow::schema::internal {

std::string sha256(std::string_view bytes) {
  std::string digest(32, '\0');
  const int done =
      EVP_Digest(bytes.data(), bytes.size(), reinterpret_cast<unsigned char*>(digest.data()),
                 nullptr, EVP_sha256(), nullptr);
  CLOUDFLOW_ASSERT(done == 1, "OpenSSL has no SHA-256");
  return digest;
}

}  // namespace cloudflow::schema::internal
