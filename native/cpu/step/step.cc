// The kernels of step.h for the instruction set that this is compiled for.
#include "argmax.h"
#include "gated.h"
#include "many.h"
#include "norm.h"
#include "single.h"
#include "turn.h"

namespace gomlx::cpu::GOMLX_ISA {

extern const Steps steps;

namespace {

void norm(const RmsNorm& a, Span rows) {
  as(a.type, [&](auto x) { norm_rows<decltype(x)>(a, rows); });
}

void gate(const Gated& a, Span rows) {
  as(a.type, [&](auto x) {
    using T = decltype(x);
    switch (a.kind) {
      case Gate::silu: return gated_rows<T, Silu>(a, rows);
      case Gate::gelu: return gated_rows<T, Gelu>(a, rows);
      case Gate::silu_oai: return gated_rows<T, SiluOai>(a, rows);
    }
  });
}

void turn(const Turn& a, Span rows) {
  as(a.type, [&](auto x) { turn_rows<decltype(x)>(a, rows); });
}

void write(const Write& a, Span rows) {
  as(a.type, [&](auto x) {
    as(a.to.type, [&](auto y) { put_rows<decltype(x), decltype(y)>(a, rows); });
  });
}

// with calls f with a null pointer to the reader of a store's form, which keys and values share.
template <bool whole, class F> void with(const Store& s, F f) {
  as(s.type, [&](auto x) {
    using T = decltype(x);
    if (s.bits == 0)
      f((Plain<T, whole>*)nullptr);
    else
      f((Affine8<T>*)nullptr);
  });
}

void part(const Attend& a, const Part& p) {
  auto run = [&](auto* k) { single_part<std::remove_pointer_t<decltype(k)>>(a, p); };
  a.d % W == 0 && a.value_d % W == 0 ? with<true>(a.k, run) : with<false>(a.k, run);
}

void join(const Attend& a, const Joined& j) { single_join(a, j); }

void block(const Attend& a, const Block& p) {
  with<false>(a.k, [&](auto* k) { many_block<std::remove_pointer_t<decltype(k)>>(a, p); });
}

int64_t argmax(const void* x, Type type, int64_t d) {
  return as(type, [&](auto zero) { return first_greatest((const decltype(zero)*)x, d); });
}

}  // namespace

const Steps steps{W, norm, gate, turn, write, part, join, block, argmax};

}  // namespace gomlx::cpu::GOMLX_ISA
