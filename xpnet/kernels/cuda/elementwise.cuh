// Functions of the elements of contiguous arrays, each read once and written once.

#include "numbers.cuh"

constexpr int THREADS = 256;
// A thread's, all of which it begins to read at once.
template <typename T> constexpr int CHUNKS = sizeof(T) == 2 ? 1 : 2;

// Calls visit(values, start) with a chunk of each array that is read, and the position of its first
// element; values[0], values[1], ... are then written to the first, the second, ... that is
// written. The arrays have n elements each, and one may be both read and written.
template <typename T, int READ, int WRITTEN, typename Visit>
__device__ void each_chunk(const T* const (&read)[READ], T* const (&written)[WRITTEN], Index n,
                           Visit visit) {
  const Index chunk = static_cast<Index>(blockIdx.x) * (THREADS * CHUNKS<T>) + threadIdx.x;
  const Index first = chunk * SIZE<T> - lead_of(written[0]);
  Chunk<T> loaded[CHUNKS<T>][READ];
#pragma unroll
  for (int i = 0; i < CHUNKS<T>; ++i)
#pragma unroll
    for (int a = 0; a < READ; ++a)
      begin_load(loaded[i][a], read[a], first + i * THREADS * SIZE<T>, n);
#pragma unroll
  for (int i = 0; i < CHUNKS<T>; ++i) {
    const Index start = first + i * THREADS * SIZE<T>;
    if (start < n) {
      Values<T> values[READ];
#pragma unroll
      for (int a = 0; a < READ; ++a)
        values[a] = finish_load(loaded[i][a], read[a], start, n, static_cast<T>(0.0f));
      visit(values, start);
#pragma unroll
      for (int a = 0; a < WRITTEN; ++a) store(written[a], start, n, values[a]);
    }
  }
}

// Calls visit(k, row, column) for each element start + k of a chunk of an array of shape
// (rows, n), without a division for each.
template <typename T, typename Visit>
__device__ void each_place(Index start, Index rows, Index n, Visit visit) {
  const Index from = start < 0 ? 0 : start;
  // A division of 64 bits takes several times as long.
  const bool is_small = from < 0x80000000ll && n < 0x80000000ll;
  Index row = is_small ? static_cast<unsigned>(from) / static_cast<unsigned>(n) : from / n;
  Index column = from - row * n;
#pragma unroll
  for (int k = 0; k < SIZE<T>; ++k) {
    if (start + k < 0 || row >= rows) continue;
    visit(k, row, column);
    if (++column == n) {
      column = 0;
      ++row;
    }
  }
}
