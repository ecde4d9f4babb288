// Bias with activation, and the derivatives of activations; xpnet/ops/affine.py, relu.py and
// sigmoid.py are their definitions.

#include "elementwise.cuh"

struct None {
  template <typename V> __device__ V operator()(V x) const { return x; }
};
struct ReLU {  // NaN stays NaN
  template <typename V> __device__ V operator()(V x) const { return x < 0 ? 0 : x; }
};
struct Sigmoid {  // 1 / (1 + exp(-x)) with no exponent that is positive
  template <typename V> __device__ V operator()(V x) const {
    const V e = exp(x < 0 ? x : -x);
    return (x < 0 ? e : V(1)) / (1 + e);
  }
};

// y = activation(y + b), with y of shape (rows, n) and b of shape (n,).
template <typename T, typename Activation>
__global__ void __launch_bounds__(THREADS, 1) bias_activation(T* y, const T* b, Index rows, Index n) {
  const T* const read[] = {y};
  T* const written[] = {y};
  each_chunk(read, written, rows * n, [&](Values<T>(&v)[1], Index start) {
    each_place<T>(start, rows, n, [&](int k, Index, Index column) {
      v[0].at[k] = Activation()(v[0].at[k] + static_cast<Wide<T>>(b[column]));
    });
  });
}

// dx = dout * sign(y); dx may be dout or y.
template <typename T>
__global__ void __launch_bounds__(THREADS, 1) relu_backward(const T* dout, const T* y, T* dx, Index n) {
  const T* const read[] = {dout, y};
  T* const written[] = {dx};
  each_chunk(read, written, n, [&](Values<T>(&v)[2], Index) {
#pragma unroll
    for (int k = 0; k < SIZE<T>; ++k) {
      const Wide<T> of_y = v[1].at[k];
      v[0].at[k] *= of_y > 0 ? 1 : of_y < 0 ? -1 : of_y;  // sign(NaN) is NaN
    }
  });
}

// dx = dout * y * (1 - y); dx may be dout or y.
template <typename T>
__global__ void __launch_bounds__(THREADS, 1)
    sigmoid_backward(const T* dout, const T* y, T* dx, Index n) {
  const T* const read[] = {dout, y};
  T* const written[] = {dx};
  each_chunk(read, written, n, [&](Values<T>(&v)[2], Index) {
#pragma unroll
    for (int k = 0; k < SIZE<T>; ++k) v[0].at[k] *= v[1].at[k] * (1 - v[1].at[k]);
  });
}
