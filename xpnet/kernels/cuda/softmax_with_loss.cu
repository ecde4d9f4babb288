// Softmax with cross entropy for class indices; xpnet/ops/cross_entropy.py is its definition.
// A label that is no class makes its loss and its gradient NaN, and is never used as an index.

#include "softmax.cuh"

template <typename Label> __device__ bool is_class(Label label, Index n) {
  return 0 <= label && label < n;
}

// y = softmax(x), and losses[r] = log(sum(exp(x - most))) - (x[t] - most) of each row r.
// y may be x.
template <typename T, typename Label, int TEAM, int CHUNKS>
__global__ void __launch_bounds__(block_of(TEAM), blocks_of<T>(TEAM))
    softmax_with_losses(const T* x, const Label* t, Wide<T>* losses, T* y, Index rows, Index n) {
  const Index r = row_of_team<TEAM>();
  const bool tells = r < rows && threadIdx.x % TEAM == 0;
  if (r >= rows) n = 0;
  x += r * n;
  y += r * n;
  Wide<T> target = not_a_number<T>();  // read before y, which may be x, is written
  if (tells) {
    // Volatile, and so read once: another stream may write there between the check and the use.
    const Label label = *static_cast<const volatile Label*>(t + r);
    if (is_class(label, n)) target = static_cast<Wide<T>>(x[label]);
  }

  Row<T, TEAM, CHUNKS> row(x, n, row.lead(x, n), static_cast<T>(-infinity<T>()));
  const Exponentials<T> sum = exponentials<true>(row);
  if (tells) losses[r] = log(sum.total) - (target - sum.most);
  const Wide<T> share = 1 / sum.total;
  row.each([&](Values<T>& e, auto start) {
#pragma unroll
    for (int k = 0; k < SIZE<T>; ++k)
      e.at[k] = (row.KEPT ? e.at[k] : exp(e.at[k] - sum.most)) * share;
    store(y, start, row.n, e);
  });
}

// loss = sum(losses) / max(rows, 1), by one block, so that the order of the sum never changes.
template <typename T, int TEAM>
__global__ void __launch_bounds__(TEAM, 1)
    mean_of_losses(const Wide<T>* losses, T* loss, Index rows) {
  __shared__ Wide<T> sums[32];
  Wide<T> total = 0;
  for (Index r = threadIdx.x; r < rows; r += TEAM) total += losses[r];
  total = combined<TEAM>(total, Sum(), sums);
  if (threadIdx.x == 0) *loss = static_cast<T>(total / (rows > 1 ? rows : 1));
}
