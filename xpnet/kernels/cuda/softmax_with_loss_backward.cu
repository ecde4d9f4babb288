// The derivative of softmax_with_loss.cu. A label that is no class makes its row NaN.

#include "elementwise.cuh"

// dx = (y - onehot(t)) * dout / rows. dout is an array of one element, or a number where it is
// null. dx may be y.
template <typename T, typename Label>
__global__ void __launch_bounds__(THREADS, 1)
    softmax_with_loss_backward(const T* y, const Label* t, T* dx, const T* dout, double number,
                               Index rows, Index n) {
  const Wide<T> upstream = static_cast<Wide<T>>(dout ? static_cast<Wide<T>>(*dout) : number);
  const Wide<T> share = upstream / static_cast<Wide<T>>(rows);
  const T* const read[] = {y};
  T* const written[] = {dx};
  each_chunk(read, written, rows * n, [&](Values<T>(&v)[1], Index start) {
    each_place<T>(start, rows, n, [&](int k, Index row, Index column) {
      const Label label = *static_cast<const volatile Label*>(t + row);  // not read anew
      const Wide<T> hot = label < 0 || label >= n ? not_a_number<T>() : label == column ? 1 : 0;
      v[0].at[k] = (v[0].at[k] - hot) * share;
    });
  });
}
