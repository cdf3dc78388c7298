// Evaluation of graphs that lie whole on one stream of a CPU. MLX's own works too, but
// sleeps whenever it is ten tasks ahead of the stream and wakes after each: on a
// machine whose cores all compute, every time that holds up a kernel. Here the
// thread works on the pool's tasks until the stream has caught up.
#include <atomic>
#include <exception>
#include <string_view>
#include <unordered_set>

#include "mlx/backend/cpu/encoder.h"
#include "mlx/memory.h"
#include "mlx/ops.h"
#include "mlx/scheduler.h"
#include "mlx/transforms.h"
#include "pool.h"
#include "stores.h"

namespace gomlx {
namespace {

// How far the thread may be ahead: nodes, whose inputs cannot be written in place as
// long as they wait, and bytes of what they compute.
constexpr int64_t most_nodes = 64, most_bytes = 12 << 20;

// Nodes of a batch, which is one task of the stream's queue.
constexpr int64_t batch_nodes = 8, batch_bytes = 1 << 20;

// What is on its way to a stream.
struct Ahead {
  std::atomic<int64_t> nodes{0}, bytes{0};
  std::atomic<bool> awaited{false};

  template <class Reached>
  void wait(Reached reached) {
    awaited = true;
    cpu::pool().lend_until(reached);
    awaited = false;
  }

  bool within(int share) const {
    return nodes.load(std::memory_order_acquire) <= most_nodes / share &&
           bytes.load(std::memory_order_acquire) <= most_bytes / share;
  }
};

// Primitives whose graphs are MLX's: LUF and QRF of MLX 0.32.2 tell the bytes of their
// results as the number of elements, and what writes over these writes beyond them.
// MLX's order of nodes keeps that from happening.
bool factors(const mx::Primitive& p) {
  std::string_view name = p.name();
  return name == "LUF" || name == "QRF";
}

// The nodes under outputs that are to be computed, inputs before what needs them.
// None if one of them is for MLX: on another stream, traced, or a factorisation.
class Order {
 public:
  explicit Order(const std::vector<mx::array>& outputs) {
    for (auto& out : outputs) fits_ = fits_ && add(out);
  }

  bool fits() const { return fits_ && !nodes_.empty(); }
  mx::Stream stream() const { return nodes_.front().primitive().stream(); }
  std::vector<mx::array>& nodes() { return nodes_; }

 private:
  struct Visit {
    const mx::array* node;
    size_t next;
  };

  bool add(const mx::array& root) {
    if (!wanted(root)) return fits_;
    std::vector<Visit> path{{&root, 0}};
    while (!path.empty() && fits_) {
      auto& [node, next] = path.back();
      if (next == node->inputs().size()) {
        nodes_.push_back(*node);
        path.pop_back();
      } else if (const mx::array& in = node->inputs()[next++]; wanted(in)) {
        path.push_back({&in, 0});
      }
    }
    return fits_;
  }

  // Whether a node has to be computed and was not met yet.
  bool wanted(const mx::array& a) {
    if (a.status() != mx::array::Status::unscheduled) {
      if (!a.is_available()) use(a.event().stream());
      return false;
    }
    if (!met_.insert(a.id()).second) return false;
    for (auto& s : a.siblings()) met_.insert(s.id());
    if (!a.has_primitive() || a.is_tracer() || factors(a.primitive())) return fits_ = false;
    return use(a.primitive().stream());
  }

  bool use(mx::Stream s) {
    if (!stream_) stream_ = s;
    return fits_ = fits_ && s == *stream_ && s.device == mx::Device::cpu;
  }

  std::vector<mx::array> nodes_;
  std::unordered_set<std::uintptr_t> met_;
  std::optional<mx::Stream> stream_;
  bool fits_ = true;
};

using Buffers = std::vector<std::shared_ptr<mx::array::Data>>;

// Adds what a node reads and its siblings write, which must last until it has run. Its
// own memory is its reader's to keep, who may write there.
void hold(Buffers& all, const mx::array& a) {
  auto keep = [&](const mx::array& b) {
    if (b.data_shared_ptr() != a.data_shared_ptr()) all.push_back(b.data_shared_ptr());
  };
  for (auto& in : a.inputs()) keep(in);
  for (auto& s : a.siblings()) keep(s);
}

// The bytes that a node and its siblings take, but for an input's memory that is theirs now,
// as a cache's is where a token is written in place.
int64_t bytes_of(const mx::array& a) {
  auto taken = [&](const mx::array& b) {
    for (auto& in : a.inputs()) {
      if (in.data_shared_ptr() == b.data_shared_ptr()) return int64_t(0);
    }
    return int64_t(b.nbytes());
  };
  int64_t n = taken(a);
  for (auto& s : a.siblings()) n += taken(s);
  return n;
}

// Whether a primitive is of this library: all of its tasks go by dispatch.
bool ours(const mx::Primitive& p) { return std::string_view(p.name()).starts_with("CPU"); }

// Lets at what an array refers to: a weak reference to it does not count among the
// owners, who decide whether its memory is written in place.
auto& owners(const mx::array& a);
template <auto member>
struct Owners {
  friend auto& owners(const mx::array& a) { return a.*member; }
};
template struct Owners<&mx::array::array_desc_>;

// The nodes that were begun without an event. Whoever else holds one must not take it for
// computed, so all get the event of the last.
class Begun {
 public:
  void add(const mx::array& a) {
    all_.push_back(owners(a));
    for (auto& s : a.siblings()) all_.push_back(owners(s));
  }

  void attach(const mx::Event& e) {
    for (auto& weak : all_) {
      if (auto node = weak.lock()) node->event = e;
    }
  }

 private:
  using Node = std::remove_cvref_t<decltype(*owners(std::declval<mx::array&>()))>;
  std::vector<std::weak_ptr<Node>> all_;
};

// Begins nodes one after the other. The tasks of several go to the stream at once, with
// the memory that they need.
class Run {
 public:
  explicit Run(mx::Stream s) : stream_(s) {}

  void add(mx::array a) {
    if (!ours(a.primitive())) send();  // MLX's tasks go straight to the queue
    begun_.add(a);
    {
      auto outputs = a.outputs();
      a.primitive().eval_cpu(a.inputs(), outputs);
    }
    hold(buffers_, a);
    nodes_++, bytes_ += bytes_of(a);
    a.set_status(mx::array::Status::evaluated);
    for (auto& sibling : a.siblings()) sibling.set_status(mx::array::Status::evaluated);
    a.detach();
    if (nodes_ >= batch_nodes || bytes_ >= batch_bytes || ahead_->nodes < batch_nodes) send();
    if (!ahead_->within(1)) ahead_->wait([this] { return ahead_->within(2); });
    if (mx::get_active_memory() > mx::get_memory_limit()) catch_up();
  }

  // Hands everything over, and keeps the memory of outputs until all has run. The last
  // node is MLX's, who gives it an event.
  void finish(const mx::array& last, const std::vector<mx::array>& outputs) {
    send();
    aside_.reset();
    mx::async_eval({last});
    begun_.attach(last.event());
    Buffers kept;
    for (auto& out : outputs) kept.push_back(out.data_shared_ptr());
    mx::scheduler::enqueue(stream_, [kept = std::move(kept)]() mutable {
      kept.clear();
      cpu::pool().wake();
    });
  }

  // After an error: what was begun gets an event, and has run when this returns, for
  // the memory that it reads and writes may be freed now.
  void abandon() {
    send();
    aside_.reset();
    mx::array end = mx::ones({1}, mx::bool_, stream_);
    mx::async_eval({end});
    begun_.attach(end.event());
    try {
      end.wait();
    } catch (const std::exception&) {  // of a task: the first error is told
    }
  }

 private:
  void catch_up() {
    send();
    ahead_->wait([this] { return ahead_->nodes == 0; });
  }

  void send() {
    auto tasks = aside_ ? aside_->take() : std::vector<std::function<void()>>();
    auto& temporaries = mx::cpu::get_command_encoder(stream_).temporaries();
    if (nodes_ == 0 && tasks.empty() && temporaries.empty()) return;
    ahead_->nodes.fetch_add(nodes_, std::memory_order_relaxed), ahead_->bytes.fetch_add(bytes_, std::memory_order_relaxed);
    mx::scheduler::enqueue(stream_, [tasks = std::move(tasks), buffers = std::exchange(buffers_, {}),
                                     temporaries = std::exchange(temporaries, {}), ahead = ahead_, nodes = nodes_,
                                     bytes = bytes_]() mutable {
      Done done{*ahead, nodes, bytes};
      for (auto& task : tasks) task();
      tasks.clear(), buffers.clear(), temporaries.clear();
    });
    nodes_ = bytes_ = 0;
  }

  // Says so at the end, also of a task that failed.
  struct Done {
    Ahead& ahead;
    int64_t nodes, bytes;
    ~Done() {
      ahead.bytes.fetch_sub(bytes), ahead.nodes.fetch_sub(nodes);
      if (ahead.awaited) cpu::pool().wake();
    }
  };

  mx::Stream stream_;
  std::shared_ptr<Ahead> ahead_ = std::make_shared<Ahead>();
  std::optional<Aside> aside_{std::in_place};
  Begun begun_;
  Buffers buffers_;
  int64_t nodes_ = 0, bytes_ = 0;
};

// Starts what is in order.
void start(Order& order, const std::vector<mx::array>& outputs) {
  mx::Stream s = order.stream();
  Run run(s);
  mx::array last = std::move(order.nodes().back());
  order.nodes().pop_back();
  try {
    for (auto& node : order.nodes()) run.add(std::move(node));
    run.finish(last, outputs);
  } catch (...) {
    run.abandon();
    throw;
  }
}

void wait(mx::array a) {
  std::exception_ptr failed;
  auto there = [&] {
    try {
      return a.is_available();
    } catch (...) {
      failed = std::current_exception();
      return true;
    }
  };
  if (a.status() == mx::array::Status::evaluated && a.event().valid() && a.event().stream().device == mx::Device::cpu) {
    cpu::pool().lend_until(there);
  }
  if (failed) std::rethrow_exception(failed);
  a.wait();
}

void evaluate(const std::vector<mx::array>& outputs, bool async) {
  Order order(outputs);
  if (!order.fits()) {
    async ? mx::async_eval(outputs) : mx::eval(outputs);
    return;
  }
  start(order, async ? outputs : std::vector<mx::array>());
  if (async) return;
  for (auto& out : outputs) wait(out);
}

}  // namespace
}  // namespace gomlx

extern "C" int gomlx_cpu_eval(const mlx_vector_array outputs, bool async) {
  using namespace gomlx;
  return guarded([&] { evaluate(arrays_of(outputs), async); });
}

extern "C" int gomlx_cpu_wait(const mlx_array arr) {
  using namespace gomlx;
  return guarded([&] {
    const mx::array& a = array_of(arr);
    a.status() == mx::array::Status::unscheduled ? evaluate({a}, false) : wait(a);
  });
}
