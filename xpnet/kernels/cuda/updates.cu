// One step of each optimizer, in place.
//
// The learning rate is a number, or an array of one element where `rate` is not null, so that a
// CUDA graph can be replayed with another one; the step of Adam likewise. State is of the dtype
// of its parameter.

#include "elementwise.cuh"

template <typename T> __device__ Wide<T> setting(const double* array, double number) {
  return static_cast<Wide<T>>(array ? *array : number);
}

// param -= lr * grad
template <typename T>
__global__ void __launch_bounds__(THREADS, 1)
    sgd(T* param, const T* grad, const double* rate, double number, Index n) {
  const Wide<T> lr = setting<T>(rate, number);
  const T* const read[] = {param, grad};
  T* const written[] = {param};
  each_chunk(read, written, n, [&](Values<T>(&v)[2], Index) {
#pragma unroll
    for (int k = 0; k < SIZE<T>; ++k) v[0].at[k] -= lr * v[1].at[k];
  });
}

// velocity = momentum * velocity - lr * grad; param += velocity
template <typename T>
__global__ void __launch_bounds__(THREADS, 1)
    momentum(T* param, const T* grad, T* velocity, const double* rate, double number,
             double decay, Index n) {
  const Wide<T> lr = setting<T>(rate, number), kept = static_cast<Wide<T>>(decay);
  const T* const read[] = {param, velocity, grad};
  T* const written[] = {param, velocity};
  each_chunk(read, written, n, [&](Values<T>(&v)[3], Index) {
#pragma unroll
    for (int k = 0; k < SIZE<T>; ++k) {
      v[1].at[k] = kept * v[1].at[k] - lr * v[2].at[k];
      v[0].at[k] += v[1].at[k];
    }
  });
}

// velocity = momentum * velocity - lr * grad; param += momentum * velocity - lr * grad
template <typename T>
__global__ void __launch_bounds__(THREADS, 1)
    nesterov(T* param, const T* grad, T* velocity, const double* rate, double number,
             double decay, Index n) {
  const Wide<T> lr = setting<T>(rate, number), kept = static_cast<Wide<T>>(decay);
  const T* const read[] = {param, velocity, grad};
  T* const written[] = {param, velocity};
  each_chunk(read, written, n, [&](Values<T>(&v)[3], Index) {
#pragma unroll
    for (int k = 0; k < SIZE<T>; ++k) {
      const Wide<T> push = lr * v[2].at[k];
      v[1].at[k] = kept * v[1].at[k] - push;
      v[0].at[k] += kept * v[1].at[k] - push;
    }
  });
}

// squares += grad * grad; param -= lr * grad / (sqrt(squares) + eps)
template <typename T>
__global__ void __launch_bounds__(THREADS, 1)
    adagrad(T* param, const T* grad, T* squares, const double* rate, double number,
            double epsilon, Index n) {
  const Wide<T> lr = setting<T>(rate, number), eps = static_cast<Wide<T>>(epsilon);
  const T* const read[] = {param, squares, grad};
  T* const written[] = {param, squares};
  each_chunk(read, written, n, [&](Values<T>(&v)[3], Index) {
#pragma unroll
    for (int k = 0; k < SIZE<T>; ++k) {
      v[1].at[k] += v[2].at[k] * v[2].at[k];
      v[0].at[k] -= lr * v[2].at[k] / (sqrt(v[1].at[k]) + eps);
    }
  });
}

// squares = decay * squares + (1 - decay) * grad * grad; param -= lr * grad / (sqrt(squares) + eps)
template <typename T>
__global__ void __launch_bounds__(THREADS, 1)
    rmsprop(T* param, const T* grad, T* squares, const double* rate, double number, double decay,
            double epsilon, Index n) {
  const Wide<T> lr = setting<T>(rate, number), eps = static_cast<Wide<T>>(epsilon);
  const Wide<T> kept = static_cast<Wide<T>>(decay), added = static_cast<Wide<T>>(1 - decay);
  const T* const read[] = {param, squares, grad};
  T* const written[] = {param, squares};
  each_chunk(read, written, n, [&](Values<T>(&v)[3], Index) {
#pragma unroll
    for (int k = 0; k < SIZE<T>; ++k) {
      v[1].at[k] = kept * v[1].at[k] + added * v[2].at[k] * v[2].at[k];
      v[0].at[k] -= lr * v[2].at[k] / (sqrt(v[1].at[k]) + eps);
    }
  });
}

// mean = beta1 * mean + (1 - beta1) * grad; square = beta2 * square + (1 - beta2) * grad * grad
// param = (1 - lr * weight_decay) * param
//         - lr * (mean / (1 - beta1**step)) / (sqrt(square / (1 - beta2**step)) + eps)
template <typename T>
__global__ void __launch_bounds__(THREADS, 1)
    adam(T* param, const T* grad, T* mean, T* square, const double* rate, double number,
         const Index* step, Index step_number, double beta1, double beta2, double epsilon,
         double weight_decay, Index n) {
  // By one thread, for few GPUs are fast at float64.
  __shared__ Wide<T> corrections[2];
  if (threadIdx.x == 0) {
    const double steps = static_cast<double>(step ? *step : step_number);
    corrections[0] = static_cast<Wide<T>>(1 - pow(beta1, steps));
    corrections[1] = static_cast<Wide<T>>(1 - pow(beta2, steps));
  }
  __syncthreads();
  const Wide<T> of_mean = corrections[0], of_square = corrections[1];
  const Wide<T> lr = setting<T>(rate, number), eps = static_cast<Wide<T>>(epsilon);
  const Wide<T> kept = static_cast<Wide<T>>(beta1), added = static_cast<Wide<T>>(1 - beta1);
  const Wide<T> kept2 = static_cast<Wide<T>>(beta2), added2 = static_cast<Wide<T>>(1 - beta2);
  const Wide<T> shrunk = 1 - lr * static_cast<Wide<T>>(weight_decay);
  const T* const read[] = {param, mean, square, grad};
  T* const written[] = {param, mean, square};
  each_chunk(read, written, n, [&](Values<T>(&v)[4], Index) {
#pragma unroll
    for (int k = 0; k < SIZE<T>; ++k) {
      const Wide<T> g = v[3].at[k];
      v[1].at[k] = kept * v[1].at[k] + added * g;
      v[2].at[k] = kept2 * v[2].at[k] + added2 * g * g;
      const Wide<T> way = v[1].at[k] / of_mean / (sqrt(v[2].at[k] / of_square) + eps);
      v[0].at[k] = shrunk * v[0].at[k] - lr * way;
    }
  });
}
