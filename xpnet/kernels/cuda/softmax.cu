// Softmax and its logarithm along the last axis; xpnet/ops/softmax.py is their definition.
// y may be x.

#include "softmax.cuh"

template <typename T, int TEAM, int CHUNKS>
__global__ void __launch_bounds__(block_of(TEAM), blocks_of<T>(TEAM))
    softmax(const T* x, T* y, Index rows, Index n) {
  const Index r = row_of_team<TEAM>();
  if (r >= rows) n = 0;
  x += r * n;
  y += r * n;
  Row<T, TEAM, CHUNKS> row(x, n, row.lead(x, n), static_cast<T>(-infinity<T>()));
  const Exponentials<T> sum = exponentials<true>(row);
  const Wide<T> share = 1 / sum.total;
  row.each([&](Values<T>& e, auto start) {
#pragma unroll
    for (int k = 0; k < SIZE<T>; ++k)
      e.at[k] = (row.KEPT ? e.at[k] : exp(e.at[k] - sum.most)) * share;
    store(y, start, row.n, e);
  });
}

template <typename T, int TEAM, int CHUNKS>
__global__ void __launch_bounds__(block_of(TEAM), blocks_of<T>(TEAM))
    log_softmax(const T* x, T* y, Index rows, Index n) {
  const Index r = row_of_team<TEAM>();
  if (r >= rows) n = 0;
  x += r * n;
  y += r * n;
  Row<T, TEAM, CHUNKS> row(x, n, row.lead(x, n), static_cast<T>(-infinity<T>()));
  const Exponentials<T> sum = exponentials<false>(row);
  const Wide<T> log_total = log(sum.total);
  row.each([&](Values<T>& v, auto start) {
#pragma unroll
    for (int k = 0; k < SIZE<T>; ++k) v.at[k] = v.at[k] - sum.most - log_total;
    store(y, start, row.n, v);
  });
}
