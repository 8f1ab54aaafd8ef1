// The application of the exactly-once tests: it filters, keeps state by key and splits, and every
// record that it writes says what it has seen before, so that nothing can be lost, repeated or
// reordered without showing.
#include "cloudflow/sandbox/application.hpp"
#include "cloudflow/streamlet/streamlet.hpp"
#include "ledger_schemas/ledger.hpp"

#include <variant>

using ledger::credit, ledger::debit, ledger::event;

struct account {
  std::int64_t events = 0, balance = 0, last_event = 0, last_amount = 0;
};

struct ledger_streamlet {
  static constexpr std::string_view class_name = "ledger";

  cloudflow::inlet<event> in{"events", cloudflow::keyed_by(&event::account)};
  cloudflow::outlet<credit> credits{"credits", cloudflow::key(&credit::account)};
  cloudflow::outlet<debit> debits{"debits", cloudflow::key(&debit::account)};
  cloudflow::state<account> accounts{"accounts"};

  auto logic(const cloudflow::context&) const {
    return from(in)
        .filter([](const event::view& e) { return e.amount != 0; })
        .key_by(&event::account)
        .fold(accounts,
              [](account& a, const event::view& e) {
                ++a.events;
                a.balance += e.amount;
                a.last_event = e.id;
                a.last_amount = e.amount;
              })
        .map([](const cloudflow::keyed<std::string, account>& k) -> std::variant<credit, debit> {
          const auto& a = k.value;
          if (a.last_amount > 0) return credit{a.last_event, k.key, a.events, a.balance};
          return debit{a.last_event, k.key, a.events, a.balance};
        })
        .split(credits, debits);
  }
};

int main(int argc, char** argv) { return cloudflow::application<ledger_streamlet>(argc, argv); }
