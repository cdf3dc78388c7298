#include <atomic>
#include <chrono>
#include <string>
#include <thread>

#include "check.h"

using namespace gomlx::cpu;
using namespace gomlx::cpu::test;

TEST(pool_runs_every_task_once) {
  for (int threads : {1, 2, 3, 8}) {
    auto p = make_pool(threads);
    CHECK(p->threads() == threads, "%d threads, want %d", p->threads(), threads);
    for (int n : {0, 1, 2, 7, 1000}) {
      std::vector<int> ran(n);
      for (int round = 1; round <= 50; round++) {
        p->each(n, [&](int i) { ran[i]++; });
        for (int i = 0; i < n; i++) CHECK(ran[i] == round, "task %d ran %d times, want %d", i, ran[i], round);
      }
    }
  }
}

TEST(pool_wakes_after_sleep) {
  auto p = make_pool(4);
  std::atomic<int> ran{0};
  for (int round = 0; round < 5; round++) {
    std::this_thread::sleep_for(std::chrono::milliseconds(3));
    p->each(64, [&](int) { ran++; });
  }
  CHECK(ran == 5 * 64, "%d tasks ran", int(ran));
}

TEST(pool_serves_callers_side_by_side) {
  auto p = make_pool(3);
  std::atomic<int> ran{0};
  std::vector<std::thread> callers;
  for (int c = 0; c < 4; c++)
    callers.emplace_back([&] {
      for (int round = 0; round < 200; round++) p->each(10, [&](int) { ran++; });
    });
  for (std::thread& t : callers) t.join();
  CHECK(ran == 4 * 200 * 10, "%d tasks ran", int(ran));
}

TEST(pool_runs_tasks_of_tasks) {
  auto p = make_pool(3);
  std::atomic<int> ran{0};
  p->each(8, [&](int) { p->each(8, [&](int) { ran++; }); });
  CHECK(ran == 64, "%d tasks ran", int(ran));
}

// A thread that waits works; the pool's own makes room for it, and comes back.
TEST(pool_borrows_a_thread) {
  auto p = make_pool(2);
  std::atomic<bool> over{false};
  std::atomic<int> ran{0}, lent{0};
  std::thread lender([&] {
    auto me = std::this_thread::get_id();
    while (!over) {
      int until = ran + 200;
      p->lend_until([&] { return over || ran >= until; });
      lent += me == std::this_thread::get_id();
    }
  });
  std::atomic<int> others{0};
  auto rounds = [&](std::thread::id not_from, int n) {
    for (int round = 0; round < n; round++) {
      p->each(8, [&](int) {
        auto end = std::chrono::steady_clock::now() + std::chrono::microseconds(20);
        while (std::chrono::steady_clock::now() < end) {}
        others += std::this_thread::get_id() == not_from;
        ran++;
      });
    }
  };
  rounds(lender.get_id(), 500);
  over = true;
  p->wake();
  auto id = lender.get_id();
  lender.join();
  CHECK(ran == 500 * 8, "%d tasks ran", int(ran));
  CHECK(lent > 0 && others > 0, "the lender came back %d times and ran %d tasks", int(lent), int(others));
  rounds(id, 50);
  CHECK(ran == 550 * 8, "%d tasks ran", int(ran));
}

// The condition holds without a task, and with callers that cannot have a place.
TEST(pool_lets_lenders_go) {
  for (int threads : {1, 2, 4}) {
    auto p = make_pool(threads);
    std::atomic<bool> over{false};
    std::vector<std::thread> lenders;
    for (int i = 0; i < 3; i++) lenders.emplace_back([&] { p->lend_until([&] { return over.load(); }); });
    std::atomic<int> ran{0};
    for (int round = 0; round < 100; round++) p->each(6, [&](int) { ran++; });
    over = true;
    p->wake();
    for (std::thread& t : lenders) t.join();
    CHECK(ran == 600, "%d tasks ran", int(ran));
  }
}

TEST(pool_size_reads_quotas) {
  struct {
    const char* text;
    int want;
  } rows[] = {{"max 100000", 0}, {"150000 100000", 1}, {"400000 100000", 4}, {"50000 100000", 1},
              {"-1 100000", 0},  {"", 0},              {"7", 0},             {"900000000000 1", 256}};
  for (auto& r : rows) CHECK(quota(r.text) == r.want, "%s: %d, want %d", r.text, quota(r.text), r.want);
}

TEST(pool_size_obeys_its_variable) {
  const char* before = std::getenv("GO_MLX_THREADS");
  std::string kept = before ? before : "";
  setenv("GO_MLX_THREADS", "3", 1);
  CHECK(thread_count() == 3, "%d threads", thread_count());
  unsetenv("GO_MLX_THREADS");
  int machine = thread_count();
  CHECK(machine >= 1, "%d threads", machine);
  for (const char* wrong : {"0", "-2", "two", "", "3x"}) {
    setenv("GO_MLX_THREADS", wrong, 1);
    CHECK(thread_count() == machine, "%s: %d threads, want %d", wrong, thread_count(), machine);
  }
  if (before) setenv("GO_MLX_THREADS", kept.c_str(), 1);
  else unsetenv("GO_MLX_THREADS");
}
