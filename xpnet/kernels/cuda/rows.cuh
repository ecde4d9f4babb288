// Rows, and the teams of threads that work on them.
//
// A team has TEAM threads, a power of two: a part of a warp, a warp, or a whole block. Chunk i of a
// row falls to thread i % TEAM. A row is kept in registers, CHUNKS chunks a thread, so that it is
// read from memory once; with CHUNKS = 0 it is streamed: read anew each time it is asked for.

#include "numbers.cuh"

// The threads of a block: of one large team, or of several small ones.
constexpr int block_of(int team) { return team < 128 ? 128 : team; }

// The blocks that must fit into an SM at once, which limits a thread to 64 registers. float64 is
// left to the compiler, whose functions need more.
template <typename T> constexpr int blocks_of(int team) {
  return sizeof(T) == 8 ? 1 : 1024 / block_of(team);
}

struct Max {
  template <typename V> __device__ V operator()(V a, V b) const { return a < b ? b : a; }
};
struct Sum {
  template <typename V> __device__ V operator()(V a, V b) const { return a + b; }
};

// Combines a value of each thread of a team; all get the same bits. A team of more than a warp
// passes the values of its warps through `scratch`, which no other call may use in this launch.
template <int TEAM, typename V, typename Combine>
__device__ V combined(V v, Combine combine, V (&scratch)[32]) {
  constexpr int LANES = TEAM < 32 ? TEAM : 32;
#pragma unroll
  for (int distance = LANES / 2; distance > 0; distance /= 2)
    v = combine(v, __shfl_xor_sync(0xffffffffu, v, distance));
  if constexpr (TEAM > 32) {
    constexpr int WARPS = TEAM / 32;
    const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
    if (lane == 0) scratch[warp] = v;
    __syncthreads();
    v = scratch[lane % WARPS];
#pragma unroll
    for (int distance = WARPS / 2; distance > 0; distance /= 2)
      v = combine(v, __shfl_xor_sync(0xffffffffu, v, distance));
  }
  return v;
}

// The row of this thread's team. In the last block some teams may have none: row >= rows.
template <int TEAM> __device__ Index row_of_team() {
  return static_cast<Index>(blockIdx.x) * (blockDim.x / TEAM) + threadIdx.x / TEAM;
}

// A row that is kept is short.
template <bool KEPT> struct PositionOf { typedef int type; };
template <> struct PositionOf<false> { typedef Index type; };

// What one thread has of a row. An empty row (n = 0) is never read or written.
template <typename T, int TEAM, int CHUNKS> struct Row {
  static constexpr bool KEPT = CHUNKS > 0;
  typedef typename PositionOf<KEPT>::type Position;

  const T* array;
  Position n;
  Position first;
  T fill;
  Values<T> chunks[KEPT ? CHUNKS : 1];

  // Rows whose length is a multiple of SIZE are taken as aligned, which arrays almost always are;
  // then the chunks that a row needs depend on its length alone. Rows that are read or written
  // together must have the lead of one of them.
  static __device__ int lead(const T* array, Index n) {
    return n % SIZE<T> == 0 ? 0 : lead_of(array);
  }

  __device__ Row(const T* array, Index n, int lead, T fill)
      : array(array), n(static_cast<Position>(n)),
        first(static_cast<Position>(threadIdx.x % TEAM) * SIZE<T> - lead), fill(fill) {
    if constexpr (KEPT) {
      Chunk<T> loaded[CHUNKS];
#pragma unroll
      for (int i = 0; i < CHUNKS; ++i) begin_load(loaded[i], array, start(i), this->n);
#pragma unroll
      for (int i = 0; i < CHUNKS; ++i)
        if (start(i) < this->n)
          chunks[i] = finish_load(loaded[i], array, start(i), this->n, fill);
    }
  }

  // The position of the first element of this thread's chunk i.
  __device__ Position start(int i) const { return first + i * TEAM * SIZE<T>; }

  __device__ Values<T> load(Position start) const {
    Chunk<T> loaded;
    begin_load(loaded, array, start, n);
    return finish_load(loaded, array, start, n, fill);
  }

  // Calls visit(values, start) with each chunk and the position of its first element. What is
  // written to the values of a kept row stays.
  template <typename Visit> __device__ void each(Visit visit) {
    if constexpr (KEPT) {
#pragma unroll
      for (int i = 0; i < CHUNKS; ++i) {
        const Position start = this->start(i);
        if (start < n) visit(chunks[i], start);
      }
    } else {
      for (Position start = this->start(0); start < n; start += TEAM * SIZE<T>) {
        chunks[0] = load(start);
        visit(chunks[0], start);
      }
    }
  }
};

// As Row::each, over two rows of one length and lead.
template <typename T, int TEAM, int CHUNKS, typename Visit>
__device__ void both(Row<T, TEAM, CHUNKS>& a, Row<T, TEAM, CHUNKS>& b, Visit visit) {
  if constexpr (CHUNKS > 0) {
#pragma unroll
    for (int i = 0; i < CHUNKS; ++i) {
      const auto start = a.start(i);
      if (start < a.n) visit(a.chunks[i], b.chunks[i], start);
    }
  } else {
    for (auto start = a.start(0); start < a.n; start += TEAM * SIZE<T>) {
      a.chunks[0] = a.load(start);
      b.chunks[0] = b.load(start);
      visit(a.chunks[0], b.chunks[0], start);
    }
  }
}
