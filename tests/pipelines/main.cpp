/// Runs pipelines by seed, each run in a process of its own, so that one that crashes or does not
/// end is a failure of its pipeline and of nothing else.
#include "chain.hpp"
#include "run.hpp"

#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <map>

namespace cloudflow::pipelines {
namespace {

struct wanted {
  std::uint64_t first = 1, runs = 150;
  std::string only;  ///< a pipeline; else all in turn
  std::vector<log_kind> logs{log_kind::embedded, log_kind::kafka};
  bool is_here = false;  ///< no process of its own: for a debugger
};

constexpr const char* name_of(log_kind k) { return k == log_kind::embedded ? "embedded" : "kafka"; }

std::string attempt(const pipeline& p, const scenario& s) {
  std::string text;
  try {
    for (const auto& line : run(p, s)) text += "  " + line + "\n";
  } catch (const std::exception& e) {
    text += fmt::format("  the run throws: {}\n", e.what());
  } catch (...) {
    text += "  the run throws what is no exception\n";
  }
  return text;
}

/// What is different, or how the process ended; empty: all is right.
std::string attempt_apart(const pipeline& p, const scenario& s) {
  int ends[2];
  if (pipe(ends) != 0) throw std::runtime_error("no pipe");
  const auto child = fork();
  if (child == 0) {
    close(ends[0]);
    const rlimit seconds{20, 30};
    setrlimit(RLIMIT_CPU, &seconds);
    const rlimit bytes{4ULL << 30, 4ULL << 30};
    setrlimit(RLIMIT_AS, &bytes);
    const auto text = attempt(p, s);
    std::size_t done = 0;
    while (done < text.size()) {
      const auto n = write(ends[1], text.data() + done, text.size() - done);
      if (n <= 0) break;
      done += static_cast<std::size_t>(n);
    }
    _exit(0);
  }
  close(ends[1]);
  std::string text;
  char some[4096];
  for (ssize_t n = 0; (n = read(ends[0], some, sizeof some)) > 0;)
    text.append(some, static_cast<std::size_t>(n));
  close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  if (WIFSIGNALED(status)) {
    const bool is_endless = WTERMSIG(status) == SIGXCPU || WTERMSIG(status) == SIGKILL;
    text += is_endless ? "  the run does not end\n"
                       : fmt::format("  the process crashes: {}\n", strsignal(WTERMSIG(status)));
  }
  return text;
}

/// Every fourth is a longer chain.
pipeline pick(const std::string& name, std::uint64_t seed) {
  if (name == "chain") return draw_chain(seed);
  if (name.starts_with("chain-")) return draw_chain(std::stoull(name.substr(6)));
  const auto& all = all_pipelines();
  for (const auto& each : all)
    if (each.name == name) return each;
  if (!name.empty()) throw std::runtime_error("there is no pipeline " + name);
  if (all.empty() || seed % 4 == 0) return draw_chain(seed);
  return all[(seed - seed / 4) * 37 % all.size()];
}

int run_all(const wanted& w) {
  const auto& all = all_pipelines();
  std::map<std::string, int> failed;
  int runs = 0, failures = 0;
  for (const auto log : w.logs)
    for (auto seed = w.first; seed != w.first + w.runs; ++seed) {
      const auto it = pick(w.only, seed);
      const auto* p = &it;
      const auto s = draw(seed, *p, log);
      const auto text = w.is_here ? attempt(*p, s) : attempt_apart(*p, s);
      ++runs;
      if (text.empty()) continue;
      ++failures;
      ++failed[p->name];
      if (planted() != mistake::none) continue;
      std::cout << fmt::format("FAILED: --log {} --seed {} --pipeline {}\n  {}\n{}  {}\n",
                               name_of(log), seed, p->name, p->text, text, s.describe())
                << std::flush;
    }
  for (const auto& [name, times] : failed) std::cout << fmt::format("{:4} {}\n", times, name);
  std::cout << fmt::format("{} pipelines, {} runs, {} failures\n", all.size(), runs, failures);
  return failures == 0 ? 0 : 1;
}

int misuse() {
  std::cerr << "usage: pipelines [--seed N] [--runs N] [--pipeline NAME] [--log embedded|kafka] "
               "[--mistake NAME] [--here] [--list] [--mistakes]\n";
  return 2;
}

int start(const std::vector<std::string>& arguments) {
  wanted w;
  for (std::size_t i = 0; i != arguments.size(); ++i) {
    const auto& a = arguments[i];
    if (a == "--list") {
      for (const auto& p : all_pipelines()) std::cout << p.name << "  " << p.text << "\n";
      return 0;
    }
    if (a == "--mistakes") {
      for (const auto& name : mistake_names()) std::cout << name << "\n";
      return 0;
    }
    if (a == "--here") {
      w.is_here = true;
      continue;
    }
    if (++i == arguments.size()) return misuse();
    const auto& value = arguments[i];
    if (a == "--seed") {
      w.first = std::stoull(value);
      if (w.runs == 150) w.runs = 1;
    } else if (a == "--runs") {
      w.runs = std::stoull(value);
    } else if (a == "--pipeline") {
      w.only = value;
    } else if (a == "--mistake") {
      const auto m = mistake_of(value);
      if (!m) return misuse();
      planted() = *m;
    } else if (a == "--log") {
      w.logs = {value == "kafka" ? log_kind::kafka : log_kind::embedded};
    } else {
      return misuse();
    }
  }
  return run_all(w);
}

}  // namespace
}  // namespace cloudflow::pipelines

int main(int argc, char** argv) { return cloudflow::pipelines::start({argv + 1, argv + argc}); }
