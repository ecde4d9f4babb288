// Numbers and how they are read and written: 16 bytes at a time wherever memory allows it.

#include <cuda_bf16.h>
#include <cuda_fp16.h>

// An array may hold more than 2**31 elements.
typedef long long Index;

// Sums and everything between a read and a write are held in Wide<T>, and rounded once.
template <typename T> struct WideOf { typedef float type; };
template <> struct WideOf<double> { typedef double type; };
template <typename T> using Wide = typename WideOf<T>::type;

template <typename T> __device__ Wide<T> infinity() { return 1 / Wide<T>(0); }
template <typename T> __device__ Wide<T> not_a_number() { return infinity<T>() - infinity<T>(); }

// As many numbers as fit into 16 bytes of memory.
template <typename T> constexpr int SIZE = 16 / sizeof(T);
template <typename T> struct alignas(16) Chunk { T at[SIZE<T>]; };
template <typename T> struct Values { Wide<T> at[SIZE<T>]; };

// How many elements before an array its first 16-byte boundary lies. Chunk i of an array holds
// the elements from i * SIZE - lead on, so that all but the first and the last are whole.
template <typename T> __device__ int lead_of(const T* array) {
  return static_cast<int>(reinterpret_cast<size_t>(array) % 16 / sizeof(T));
}

// Positions are of type Index, or int where that is enough and saves registers.
template <typename T, typename I> __device__ bool is_whole(const T* array, I first, I n) {
  return first >= 0 && first + SIZE<T> <= n && reinterpret_cast<size_t>(array + first) % 16 == 0;
}

// Reads the elements from `first` on of an array of n. In two steps, so that a thread can have the
// reads of several chunks under way at once: what is in the chunk after the first is not yet looked
// at. The second adds chunks that are not whole, with `fill` where the array has no element.
template <typename T, typename I>
__device__ void begin_load(Chunk<T>& chunk, const T* array, I first, I n) {
  if (is_whole(array, first, n))
    *reinterpret_cast<uint4*>(&chunk) = *reinterpret_cast<const uint4*>(array + first);
}
template <typename T, typename I>
__device__ Values<T> finish_load(Chunk<T> chunk, const T* array, I first, I n, T fill) {
  if (!is_whole(array, first, n)) {
    // One by one, for few chunks are not whole and none should cost registers; the elements come
    // from one line of the cache. A loop that indexed the chunk would move it to memory.
#pragma unroll 1
    for (I i = first + SIZE<T> - 1; i >= first; --i) {
#pragma unroll
      for (int k = SIZE<T> - 1; k > 0; --k) chunk.at[k] = chunk.at[k - 1];
      chunk.at[0] = 0 <= i && i < n ? array[i] : fill;
    }
  }
  Values<T> values;
#pragma unroll
  for (int k = 0; k < SIZE<T>; ++k) values.at[k] = static_cast<Wide<T>>(chunk.at[k]);
  return values;
}

// Writes those of the elements from `first` on that an array of n has. NVRTC 13.0 takes many an
// assignment of 16 bytes apart, but not __stwb, whose cache policy is the usual one.
template <typename T, typename I>
__device__ void store(T* array, I first, I n, const Values<T>& values) {
  Chunk<T> chunk;
#pragma unroll
  for (int k = 0; k < SIZE<T>; ++k) chunk.at[k] = static_cast<T>(values.at[k]);
  if (is_whole(array, first, n)) {
    __stwb(reinterpret_cast<uint4*>(array + first), *reinterpret_cast<const uint4*>(&chunk));
  } else {
#pragma unroll 1
    for (I i = first; i < first + SIZE<T>; ++i) {
      if (0 <= i && i < n) array[i] = chunk.at[0];
#pragma unroll
      for (int k = 1; k < SIZE<T>; ++k) chunk.at[k - 1] = chunk.at[k];
    }
  }
}
