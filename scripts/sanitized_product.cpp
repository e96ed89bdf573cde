// Plain matrix products in place of torch's micro-kernels, for the sanitizers: each operand is looked
// at row by row, exactly where the encoder says that it lies, before it is multiplied.
//
// Appended to native_encoder.cpp, from which its types come.

#include <sanitizer/asan_interface.h>

namespace {

// Ends the process with a report where any of these elements is nobody's memory.
template <typename T>
void watch(const T* matrix, int64_t rows, int64_t width, int64_t distance) {
  for (int64_t row = 0; row < rows; row++) {
    auto* begin = const_cast<T*>(matrix + row * distance);
    if (void* bad = __asan_region_is_poisoned(begin, width * sizeof(T))) {
      *static_cast<volatile char*>(bad);
    }
  }
}

// Without the sanitizers, which have looked already.
template <typename T>
__attribute__((no_sanitize("address"), no_sanitize("undefined"), optimize("O3")))
void multiply(int64_t m, int64_t n, int64_t k, int64_t lda, int64_t ldb, int64_t ldc, const T* a,
              const T* b, float* c) {
  constexpr int64_t v = kInterleave<T>;  // so many rows of b lie interleaved
  for (int64_t row = 0; row < m; row++) {
    float* to = c + row * ldc;
    for (int64_t i = 0; i < k; i++) {
      const float left = value(a[row * lda + i]);
      const T* from = b + i / v * v * ldb + i % v;
      for (int64_t column = 0; column < n; column++) to[column] += left * value(from[v * column]);
    }
  }
}

template <typename T>
void product(int64_t m, int64_t n, int64_t k, int64_t lda, int64_t ldb, int64_t ldc, bool add,
             const T* a, const T* b, float* c) {
  constexpr int64_t v = kInterleave<T>;
  watch(a, m, k, lda);
  watch(b, k / v, n * v, ldb * v);
  watch(c, m, n, ldc);
  for (int64_t row = 0; row < m && !add; row++) std::fill_n(c + row * ldc, n, 0.0f);
  multiply(m, n, k, lda, ldb, ldc, a, b, c);
}

}  // namespace

extern "C" {

void product_float32(int64_t m, int64_t n, int64_t k, int64_t lda, int64_t ldb, int64_t ldc,
                     bool add, const float* a, const float* b, float* c, bool) {
  product(m, n, k, lda, ldb, ldc, add, a, b, c);
}

void product_bfloat16(int64_t m, int64_t n, int64_t k, int64_t lda, int64_t ldb, int64_t ldc,
                      bool add, const BFloat16* a, const BFloat16* b, float* c, bool) {
  product(m, n, k, lda, ldb, ldc, add, a, b, c);
}

void product_release(bool) {}

}  // extern "C"
