// Two servers of one streamlet
#include "cloudflow/connect/http/receive.hpp"
#include "faults_schemas/item.hpp"
#include "programs/rows.hpp"

namespace faults {

struct wrong {
  cloudflow::outlet<item> out{"out"};
  cloudflow::server_port first{}, second{};
  auto logic(const cloudflow::context& ctx) const {
    return std::tuple{cloudflow::http::receive<item>(ctx, first).to(out),
                      cloudflow::http::receive<item>(ctx, second).to(out)};
  }
};
const bool is_added = add_row<wrong>("case", one_source("wrong"));

}  // namespace faults
