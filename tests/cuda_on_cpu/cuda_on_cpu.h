// As much of CUDA as g++ needs to compile the kernels of xpnet, and to run them on a CPU.
//
// The threads of a block are fibers, which take turns in an order that the caller chooses: they
// switch at barriers and shuffles alone, so that a missing barrier gives a wrong result in some
// order, each time. Blocks run one after another. What a CPU has not: races between blocks, a weak
// memory order, subnormals flushed to zero.
#pragma once

#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <math.h>
#include <setjmp.h>
#include <ucontext.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <numeric>
#include <random>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#undef __device__
#undef __forceinline__
#undef __global__
#undef __launch_bounds__
#undef __shared__
#define __device__
#define __forceinline__ inline
#define __global__
#define __launch_bounds__(...)
#define __shared__ static  // blocks run one after another

namespace on_cpu {

struct Triple {
  unsigned x = 1, y = 1, z = 1;
};

// Threads that wait for each other: a block at a barrier, or a warp at a shuffle.
struct Meeting {
  int expected = 0, arrived = 0;
  unsigned long held = 0;
};

constexpr size_t STACK_BYTES = 128 * 1024;

struct Thread {
  std::unique_ptr<char[]> stack{new char[STACK_BYTES]};
  jmp_buf place;
  bool is_started = false, is_done = true;
  Meeting* meeting = nullptr;  // that it waits for
  unsigned long number = 0;    // of the meeting
};

struct Warp {
  Meeting meeting;
  unsigned char sent[2][32][8];  // by the parity of the meeting: one is read, the next written
};

enum Schedule { FORWARD, REVERSE, RANDOM, WARPS_FORWARD, WARPS_REVERSE };

inline std::vector<Thread> threads;
inline std::vector<Warp> warps;
inline Meeting barrier;
inline Triple block_index, block_size, grid_size;
inline std::function<void()> kernel;
inline int current = 0, unfinished = 0;
inline jmp_buf scheduler;
inline std::mt19937 shuffler;
inline std::vector<std::pair<void*, size_t>> shared;  // the __shared__ variables of all kernels
inline std::string error;
inline const char* fault = nullptr;  // of a fiber, which cannot throw

[[noreturn]] inline void leave() { _longjmp(scheduler, 1); }

[[noreturn]] inline void fail(const char* why) {
  fault = why;
  leave();
}

// A fiber lives as long as the process, and runs one thread after another.
[[noreturn]] inline void fiber() {
  for (;;) {
    kernel();
    threads[current].is_done = true;
    --unfinished;
    if (_setjmp(threads[current].place) == 0) leave();
  }
}

inline void meet(Meeting& meeting) {
  Thread& thread = threads[current];
  thread.meeting = &meeting;
  thread.number = meeting.held;
  if (++meeting.arrived == meeting.expected) {
    meeting.arrived = 0;
    ++meeting.held;
  }
  if (_setjmp(thread.place) == 0) leave();
  thread.meeting = nullptr;
}

__attribute__((noinline)) inline void resume(int number) {
  current = number;
  Thread& thread = threads[number];
  if (_setjmp(scheduler) != 0) return;
  if (thread.is_started) _longjmp(thread.place, 1);
  thread.is_started = true;
  ucontext_t context;
  getcontext(&context);
  context.uc_stack.ss_sp = thread.stack.get();
  context.uc_stack.ss_size = STACK_BYTES;
  context.uc_link = nullptr;
  makecontext(&context, fiber, 0);
  setcontext(&context);
}

inline bool run_if_ready(int number) {
  const Thread& thread = threads[number];
  if (thread.is_done || (thread.meeting && thread.number == thread.meeting->held)) return false;
  resume(number);
  if (fault) throw std::runtime_error(std::exchange(fault, nullptr));
  return true;
}

inline void run_block(int size, int schedule) {
  for (const auto& [start, bytes] : shared) std::memset(start, 0xFF, bytes);
  std::vector<int> order(size);
  std::iota(order.begin(), order.end(), 0);
  if (schedule == REVERSE || schedule == WARPS_REVERSE) std::reverse(order.begin(), order.end());
  barrier = {size};
  for (Warp& warp : warps) warp.meeting = {32};
  for (int i = 0; i < size; ++i) threads[i].is_done = false, threads[i].meeting = nullptr;
  unfinished = size;
  // One warp runs as far as it can before the next begins, or each thread as far as it can.
  const bool by_warps = schedule == WARPS_FORWARD || schedule == WARPS_REVERSE;
  const int group = by_warps ? 32 : size;
  while (unfinished > 0) {
    if (schedule == RANDOM) std::shuffle(order.begin(), order.end(), shuffler);
    bool any = false;
    for (int start = 0; start < size; start += group) {
      bool again = true;
      while (again) {
        again = false;
        for (int i = start; i < start + group; ++i) again |= run_if_ready(order[i]);
        any |= again;
        if (!by_warps) break;
      }
    }
    if (!any) throw std::runtime_error("deadlock: some threads wait for others that never come");
  }
}

template <typename V> V exchange(unsigned mask, V value, int from) {
  static_assert(sizeof(V) <= 8);
  if (mask != 0xffffffffu) fail("a shuffle of a part of a warp, which is not run here");
  Warp& warp = warps[current / 32];
  auto& sent = warp.sent[warp.meeting.held % 2];
  std::memcpy(sent[current % 32], &value, sizeof(V));
  meet(warp.meeting);
  std::memcpy(&value, sent[from % 32], sizeof(V));
  return value;
}

// The dtype of an argument as NumPy writes it, with * for an array of it.
template <typename A> std::string dtype_of() {
  using V = std::remove_cv_t<A>;
  if constexpr (std::is_pointer_v<V>) return dtype_of<std::remove_pointer_t<V>>() + "*";
  else if constexpr (std::is_same_v<V, float>) return "float32";
  else if constexpr (std::is_same_v<V, double>) return "float64";
  else if constexpr (std::is_same_v<V, __half>) return "float16";
  else if constexpr (std::is_same_v<V, __nv_bfloat16>) return "bfloat16";
  else return (std::is_signed_v<V> ? "int" : "uint") + std::to_string(8 * sizeof(V));
}

struct Kernel {
  std::string signature;
  std::function<void(void**)> call;
};
inline std::map<std::string, Kernel> kernels;

template <typename... A, size_t... I>
void call(void (*function)(A...), void** arguments, std::index_sequence<I...>) {
  function(*static_cast<std::remove_const_t<A>*>(arguments[I])...);
}

template <typename... A> int add(const char* name, void (*function)(A...)) {
  std::string signature;
  ((signature += dtype_of<A>() + " "), ...);
  kernels[name] = {signature, [function](void** arguments) {
                     call(function, arguments, std::index_sequence_for<A...>());
                   }};
  return 0;
}

inline Triple thread_index() { return {static_cast<unsigned>(current), 0, 0}; }

}  // namespace on_cpu

#define threadIdx (on_cpu::thread_index())
#define blockIdx (on_cpu::block_index)
#define blockDim (on_cpu::block_size)
#define gridDim (on_cpu::grid_size)

template <typename V> void __stwb(V* place, V value) {
  if (reinterpret_cast<size_t>(place) % sizeof(V) != 0) on_cpu::fail("a misaligned address");
  *place = value;
}
inline void __syncthreads() { on_cpu::meet(on_cpu::barrier); }
template <typename V> V __shfl_xor_sync(unsigned mask, V value, int distance) {
  return on_cpu::exchange(mask, value, on_cpu::current % 32 ^ distance);
}

extern "C" const char* signature_of(const char* name) {
  return on_cpu::kernels.at(name).signature.c_str();
}

// Tells of a __shared__ variable, so that no block finds in it what another has left.
extern "C" void add_shared(void* start, size_t bytes) { on_cpu::shared.push_back({start, bytes}); }

// Runs the blocks from first_block on of a grid; returns null, or what went wrong.
extern "C" const char* launch(const char* name, unsigned first_block, unsigned blocks,
                              unsigned grid, unsigned size, void** arguments, int schedule,
                              unsigned seed) {
  using namespace on_cpu;
  if (size == 0 || size > 1024 || size % 32) return "a block must have 32, 64, ... or 1024 threads";
  if (threads.size() < size) threads.resize(size);
  warps.resize(size / 32);
  block_size = {size}, grid_size = {grid};
  shuffler.seed(seed);
  kernel = [=] { kernels.at(name).call(arguments); };
  try {
    for (unsigned i = 0; i < blocks; ++i) {
      block_index = {first_block + i, 0, 0};
      run_block(static_cast<int>(size), schedule);
    }
  } catch (const std::exception& problem) {
    // Fibers that were left in the middle of a kernel begin anew.
    for (Thread& thread : threads) thread.is_started = false;
    error = problem.what();
    return error.c_str();
  }
  return nullptr;
}
