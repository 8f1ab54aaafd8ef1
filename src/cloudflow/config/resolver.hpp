/// Substitutions become values. Internal to config.
#pragma once

#include "cloudflow/config/merge.hpp"
#include "cloudflow/config/node.hpp"

#include <cstddef>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace cloudflow::config::detail {

/// Resolves one tree; used once.
///
/// *Operation.* A value is resolved where it stands: `source` has the root it sees and the
/// containers from the root down to it. A reference looks its path up in that root, resolving only
/// what lies on the path, and then resolves what it found. One layer of a merge stack sees a root
/// in which the stack ends below that layer: so a key can refer to its own earlier value. A
/// reference that meets itself again is a cycle; an optional one on the way makes that "no value".
/// What is resolved is remembered per node and per path asked for, but what was found during an
/// attempt that ended in a cycle is forgotten. The rules, and their corner cases, are those of the
/// reference implementation.
///
/// *Limits.* Depth, steps and size are bounded, each with a problem of its own; hostile documents
/// end early.
///
/// *Concurrency.* Confined to one thread; never changes the tree, so several may work on one.
class resolver {
public:
  resolver(node_ptr root, const document::resolve_options& options);

  /// The resolved tree, or null if there are problems.
  node_ptr run();

  std::vector<problem>& problems() noexcept { return problems_; }

private:
  /// Keys that are asked for; empty: all.
  using restriction = std::span<const std::string>;

  struct containers {
    node_ptr container;
    std::shared_ptr<const containers> outer;
  };
  using containers_ptr = std::shared_ptr<const containers>;

  struct source {
    node_ptr root;
    containers_ptr path;  ///< innermost first; null if the value was not reached from the root
  };

  /// A value (null: none), or the news that it depends on itself.
  struct outcome {
    node_ptr value;
    bool cycle = false;
  };

  struct lookup_result {
    node_ptr value;
    source at;
    bool cycle = false;
  };

  struct memo_key {
    const node* of;
    key_path asked;
    bool operator==(const memo_key&) const = default;
  };
  struct memo_hash {
    std::size_t operator()(const memo_key& key) const;
  };
  struct memo {
    node_ptr of;  ///< keeps the key's address taken
    node_ptr value;
  };

  outcome resolve(const node_ptr& n, const source& from, restriction asked);
  outcome resolve_anew(const node_ptr& n, const source& from, restriction asked);
  outcome resolve_object(const node_ptr& n, const source& from, restriction asked);
  outcome resolve_field(const node_ptr& n, const source& inside, restriction asked);
  outcome resolve_list(const node_ptr& n, const source& from);
  outcome resolve_concatenation(const node_ptr& n, const source& from);
  outcome resolve_stack(const node_ptr& n, const source& from, restriction asked);
  outcome resolve_reference(const node_ptr& n, const source& from, restriction asked);
  outcome follow(const reference& r, const source& from, restriction asked);

  lookup_result look_up(const reference& r, const node_ptr& root);
  lookup_result find(const node_ptr& root, std::span<const std::string> path);
  node_ptr from_environment(std::span<const std::string> path) const;

  node_ptr known(const node_ptr& n, restriction asked) const;
  node_ptr recall(const node* n, restriction asked) const;
  void remember(const node_ptr& n, restriction asked, const node_ptr& value);
  void forget_since(std::size_t mark);

  static source inside(const source& from, const node_ptr& container);
  source without_upper_layers(const source& from, const node_ptr& stack, std::size_t count);
  node_ptr with_child_replaced(const node& parent, const node_ptr& child, const node_ptr& by);

  bool spend(std::size_t steps);
  outcome give_up(const origin& where, std::string_view what);
  void report(problem p);
  void report_unresolved(const node& n, const reference& r, bool cycle);

  node_ptr root_;
  document::resolve_options options_;
  std::vector<problem> problems_;
  std::unordered_map<memo_key, memo, memo_hash> memos_;
  std::vector<memo_key> memo_log_;
  std::unordered_set<const node*> open_references_;
  allowance room_;
  std::size_t steps_left_;
  int depth_ = 0;
  bool gave_up_ = false;
};

/// The value that a resolved tree stands for; a tree that shares parts is copied out, so its size
/// is bounded. Error: too large.
result<value> to_value(const node& resolved);

}  // namespace cloudflow::config::detail
