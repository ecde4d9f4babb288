// The sum of exponentials of a row, as softmax and its logarithm need it.

#include "rows.cuh"

template <typename T> struct Exponentials {
  Wide<T> most;   // the largest element of the row
  Wide<T> total;  // the sum of exp(x - most)
};

// A NaN among the elements makes the total NaN, and so does an infinite `most`. With REPLACE a row
// that is kept then holds exp(x - most) in place of x.
template <bool REPLACE, typename T, int TEAM, int CHUNKS>
__device__ Exponentials<T> exponentials(Row<T, TEAM, CHUNKS>& row) {
  __shared__ Wide<T> maxima[32], sums[32];
  Wide<T> most = -infinity<T>(), total = 0;
  if constexpr (CHUNKS > 0) {
    row.each([&](Values<T>& x, auto) {
#pragma unroll
      for (int k = 0; k < SIZE<T>; ++k) most = Max()(most, x.at[k]);
    });
    most = combined<TEAM>(most, Max(), maxima);
    row.each([&](Values<T>& x, auto) {
#pragma unroll
      for (int k = 0; k < SIZE<T>; ++k) {
        const Wide<T> e = exp(x.at[k] - most);
        total += e;
        if constexpr (REPLACE) x.at[k] = e;
      }
    });
  } else {  // in one reading: the sum is scaled anew whenever the maximum grows
    row.each([&](Values<T>& x, auto) {
      const Wide<T> before = most;
#pragma unroll
      for (int k = 0; k < SIZE<T>; ++k) most = Max()(most, x.at[k]);
      if (most > before) total *= exp(before - most);
      if (most > -infinity<T>())
#pragma unroll
        for (int k = 0; k < SIZE<T>; ++k) total += exp(x.at[k] - most);
      else
#pragma unroll
        for (int k = 0; k < SIZE<T>; ++k) total += x.at[k] == most ? 0 : x.at[k];  // -inf or NaN
    });
    const Wide<T> own = most;
    most = combined<TEAM>(most, Max(), maxima);
    if (own < most) total *= exp(own - most);
  }
  return {most, combined<TEAM>(total, Sum(), sums)};
}
