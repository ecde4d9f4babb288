// The derivatives of softmax and its logarithm; xpnet/ops/softmax.py is their definition.
// dx may be dout or y.

#include "rows.cuh"

// dx = y * (dout - sum(dout * y))
template <typename T, int TEAM, int CHUNKS>
__global__ void __launch_bounds__(block_of(TEAM), 1)
    softmax_backward(const T* dout, const T* y, T* dx, Index rows, Index n) {
  __shared__ Wide<T> sums[32];
  const Index r = row_of_team<TEAM>();
  if (r >= rows) n = 0;
  dout += r * n;
  y += r * n;
  dx += r * n;
  Row<T, TEAM, CHUNKS> upstream(dout, n, upstream.lead(dout, n), static_cast<T>(0.0f));
  Row<T, TEAM, CHUNKS> output(y, n, upstream.lead(dout, n), static_cast<T>(0.0f));
  Wide<T> inner = 0;
  both(upstream, output, [&](Values<T>& d, Values<T>& p, auto) {
#pragma unroll
    for (int k = 0; k < SIZE<T>; ++k) inner += d.at[k] * p.at[k];
  });
  inner = combined<TEAM>(inner, Sum(), sums);
  both(upstream, output, [&](Values<T>& d, Values<T>& p, auto start) {
#pragma unroll
    for (int k = 0; k < SIZE<T>; ++k) d.at[k] = p.at[k] * (d.at[k] - inner);
    store(dx, start, output.n, d);
  });
}

// dx = dout - exp(y) * sum(dout)
template <typename T, int TEAM, int CHUNKS>
__global__ void __launch_bounds__(block_of(TEAM), 1)
    log_softmax_backward(const T* dout, const T* y, T* dx, Index rows, Index n) {
  __shared__ Wide<T> sums[32];
  const Index r = row_of_team<TEAM>();
  if (r >= rows) n = 0;
  dout += r * n;
  y += r * n;
  dx += r * n;
  Row<T, TEAM, CHUNKS> upstream(dout, n, upstream.lead(dout, n), static_cast<T>(0.0f));
  Row<T, TEAM, CHUNKS> output(y, n, upstream.lead(dout, n), static_cast<T>(0.0f));
  Wide<T> total = 0;
  upstream.each([&](Values<T>& d, auto) {
#pragma unroll
    for (int k = 0; k < SIZE<T>; ++k) total += d.at[k];
  });
  total = combined<TEAM>(total, Sum(), sums);
  both(upstream, output, [&](Values<T>& d, Values<T>& v, auto start) {
#pragma unroll
    for (int k = 0; k < SIZE<T>; ++k) d.at[k] = d.at[k] - exp(v.at[k]) * total;
    store(dx, start, output.n, d);
  });
}
