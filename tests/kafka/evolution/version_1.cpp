// The first version: an order has a note.
#include "cloudflow/sandbox/application.hpp"
#include "cloudflow/streamlet/streamlet.hpp"
#include "orders_1_schemas/orders.hpp"

using orders::bill, orders::order, orders::request;

struct booking {
  cloudflow::inlet<request> in{"requests"};
  cloudflow::outlet<order> out{"orders", cloudflow::key(&order::id)};

  auto logic(const cloudflow::context&) const {
    return from(in)
        .map([](const request::view& r) {
          return order{std::string{r.id}, r.amount, "by version 1"};
        })
        .to(out);
  }
};

struct billing {
  cloudflow::inlet<order> in{"orders"};
  cloudflow::outlet<bill> out{"bills", cloudflow::key(&bill::id)};

  auto logic(const cloudflow::context&) const {
    return from(in)
        .map([](const order::view& o) {
          return bill{std::string{o.id}, o.amount, std::string{o.note}};
        })
        .to(out);
  }
};

int main(int argc, char** argv) { return cloudflow::application<booking, billing>(argc, argv); }
