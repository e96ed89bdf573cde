// The forward pass of a BERT-like encoder over unpadded pairs, up to the last layer's attention.
//
// One thread takes one group of pairs at a time and carries it through all layers, so that its
// activations stay in that core's cache and threads never wait for each other. Matrix products go
// to oneDNN's micro-kernels (AMX, AVX-512) through the function that is passed in; what lies
// between two products is done on each block of rows while it is still in cache. The residual
// stream, LayerNorm and softmax are float32 whatever the dtype of the products.
//
// The first layer's projections of a token are those of its word, its position and its type, added
// and divided by the token's standard deviation: they may come from tables, without a product.
//
// Only the first token's output is wanted. In the last layer keys and values of all tokens are
// needed, but queries of first tokens alone; what follows them (a few rows) is left to the caller.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <exception>
#include <memory>
#include <new>
#include <type_traits>
#include <vector>
#ifdef __AVX512BF16__
#include <immintrin.h>
#endif

namespace {

using std::int32_t;
using std::int64_t;
using std::uint16_t;
using std::uint32_t;

constexpr int64_t kPanel = 64;   // columns of a weight panel: 64 × K stays in the first caches
constexpr int64_t kRows = 64;    // rows of one product
constexpr int64_t kFeedForwardRows = 128;  // their inner activations fill half a second-level cache
constexpr int64_t kHeight = 4;   // row counts are rounded up to this: few product shapes
constexpr int64_t kTokens = 32;  // as are the tokens that attention sees

struct BFloat16 {
  uint16_t bits;
};

template <typename T>
using Product = void (*)(int64_t m, int64_t n, int64_t k, int64_t lda, int64_t ldb, int64_t ldc,
                         bool add, const T* a, const T* b, float* c, bool interleaved);

// How many rows of a right-hand operand lie interleaved.
template <typename T>
constexpr int64_t kInterleave = sizeof(T) == 2 ? 2 : 1;

inline int64_t round_up(int64_t n, int64_t step) { return (n + step - 1) / step * step; }

inline void store(const float* from, float* to, int64_t n) {
  std::memcpy(to, from, n * sizeof(float));
}

// Round to nearest, ties to even, as torch does; what is not a number stays none.
inline void store(const float* from, BFloat16* to, int64_t n) {
  int64_t i = 0;
#ifdef __AVX512BF16__
  for (; i + 16 <= n; i += 16) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to + i),
                        (__m256i)_mm512_cvtneps_pbh(_mm512_loadu_ps(from + i)));
  }
#endif
  for (; i < n; i++) {
    uint32_t bits;
    std::memcpy(&bits, from + i, 4);
    const auto rounded = static_cast<uint16_t>((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
    to[i].bits = from[i] == from[i] ? rounded : 0x7fc0;
  }
}

inline float value(float x) { return x; }
inline float value(BFloat16 x) {
  const uint32_t bits = static_cast<uint32_t>(x.bits) << 16;
  float found;
  std::memcpy(&found, &bits, 4);
  return found;
}

// 2^x for x <= 126 by Taylor's series of 2^f, |f| <= 1/2: relative error below 3e-7, or below 5e-5
// where the result is rounded to eight bits anyway. Below -126 it is 2^-126. NaN gives NaN: the
// comparisons are such that f keeps it, and that the integer, which could not, never sees it.
template <typename T = float>
inline float exp2_of(float x) {
  x = x < -126.0f ? -126.0f : x;
  const float whole = std::nearbyint(x >= -126.0f ? x : -126.0f), f = x - whole;
  float p = 9.61812911e-3f;
  if (sizeof(T) == 4) p += f * (1.33335581e-3f + f * 1.54035304e-4f);
  p = p * f + 5.55041087e-2f;
  p = p * f + 2.40226507e-1f;
  p = p * f + 6.93147181e-1f;
  p = p * f + 1.0f;
  const int32_t bits = (static_cast<int32_t>(whole) + 127) * (1 << 23);
  float power;
  std::memcpy(&power, &bits, 4);
  return p * power;
}

// x · Φ(x), the exact GELU; erf by Abramowitz & Stegun 7.1.26 (absolute error below 1.5e-7).
template <typename T>
inline float gelu(float x) {
  const float z = std::fabs(x) * 0.70710678118654752f;
  const float t = 1.0f / (1.0f + 0.3275911f * z);
  float p = 1.061405429f;
  p = p * t - 1.453152027f;
  p = p * t + 1.421413741f;
  p = p * t - 0.284496736f;
  p = p * t + 0.254829592f;
  const float tail = p * t * exp2_of<T>(z * z * -1.44269504088896341f);  // 1 - erf(z)
  return 0.5f * (x + std::fabs(x) * (1.0f - tail));
}

enum Activation : int32_t { kGelu = 0, kGeluTanh = 1, kRelu = 2 };

inline float gelu_tanh(float x) {
  const float u = 0.79788456080286536f * (x + 0.044715f * x * x * x);
  // 1 + tanh(u) = 2 / (1 + e^-2u)
  const float e = exp2_of(std::min(-2.88539008177792681f * u, 126.0f));
  return x / (1.0f + e);
}

struct Layer {
  const void *qkv, *out, *up, *down;  // packed panels
  const float *qkv_bias, *out_bias, *up_bias, *down_bias;
  const float *attention_norm, *attention_shift, *output_norm, *output_shift;
};

}  // namespace

extern "C" {

// Mirrored field by field in native_structs.py, which compares `kLayout` below with its own.
struct Encoder {
  int64_t layer_count, hidden, heads, inner, activation;
  double epsilon;
  void* product;
  void (*release)(bool);
  const float *words, *positions, *types, *norm, *shift;
  const Layer* layers;
  // The first layer's projections of each row of the three tables above, or null: 3 · hidden wide,
  // the words' in the products' dtype.
  const void* word_projections;
  const float *position_projections, *type_projections, *projection_bias;
};

struct Batch {
  int64_t group_count;
  const int64_t* groups;   // group g holds pairs groups[g] .. groups[g + 1]
  const int64_t* offsets;  // pair p holds tokens offsets[p] .. offsets[p + 1]
  const int32_t *ids, *positions, *types;
  float *contexts, *residuals;  // pairs × hidden: of each first token
  int64_t* next;                // the next group that no thread has taken
};

struct Place {
  const char* name;
  int64_t number;
};

// Of each struct its name and size, then the names of its fields and where they begin.
#define SIZE(type) {#type, sizeof(type)}
#define AT(type, field) {#field, static_cast<int64_t>(offsetof(type, field))}
extern const Place kLayout[] = {
    SIZE(Layer), AT(Layer, qkv), AT(Layer, out), AT(Layer, up), AT(Layer, down),
    AT(Layer, qkv_bias), AT(Layer, out_bias), AT(Layer, up_bias), AT(Layer, down_bias),
    AT(Layer, attention_norm), AT(Layer, attention_shift), AT(Layer, output_norm),
    AT(Layer, output_shift),
    SIZE(Encoder), AT(Encoder, layer_count), AT(Encoder, hidden), AT(Encoder, heads),
    AT(Encoder, inner), AT(Encoder, activation), AT(Encoder, epsilon), AT(Encoder, product),
    AT(Encoder, release), AT(Encoder, words), AT(Encoder, positions), AT(Encoder, types),
    AT(Encoder, norm), AT(Encoder, shift), AT(Encoder, layers), AT(Encoder, word_projections),
    AT(Encoder, position_projections), AT(Encoder, type_projections),
    AT(Encoder, projection_bias),
    SIZE(Batch), AT(Batch, group_count), AT(Batch, groups), AT(Batch, offsets), AT(Batch, ids),
    AT(Batch, positions), AT(Batch, types), AT(Batch, contexts), AT(Batch, residuals),
    AT(Batch, next),
};
#undef SIZE
#undef AT
extern const int64_t kLayoutLength = sizeof(kLayout) / sizeof(kLayout[0]);

}  // extern "C"

namespace {

// Scratch memory of one thread, as much as its largest group needs.
class Arena {
 public:
  template <typename T>
  T* take(int64_t count) {
    if (count < 0 || count > kMostBytes / static_cast<int64_t>(sizeof(T))) throw std::bad_alloc();
    const int64_t bytes = round_up(count * static_cast<int64_t>(sizeof(T)), 64);
    blocks_.emplace_back();
    auto* found = static_cast<char*>(::operator new(bytes, std::align_val_t(64)));
    blocks_.back().reset(found);
    std::memset(found, 0, bytes);
    return reinterpret_cast<T*>(found);
  }

 private:
  struct Free {
    void operator()(char* block) const { ::operator delete(block, std::align_val_t(64)); }
  };
  static constexpr int64_t kMostBytes = int64_t{1} << 46;
  std::vector<std::unique_ptr<char, Free>> blocks_;
};

// y = (x - mean) / sqrt(variance + epsilon) · norm + shift, in place and as T; returns the factor
// 1 / sqrt(…).
template <typename T>
inline float layer_norm(float* x, T* copy, const float* norm, const float* shift, int64_t n,
                       float epsilon) {
  float sum = 0, square = 0;
#pragma omp simd reduction(+ : sum)
  for (int64_t i = 0; i < n; i++) sum += x[i];
  const float mean = sum / n;
#pragma omp simd reduction(+ : square)
  for (int64_t i = 0; i < n; i++) square += (x[i] - mean) * (x[i] - mean);
  const float scale = 1.0f / std::sqrt(square / n + epsilon);
  for (int64_t i = 0; i < n; i++) x[i] = (x[i] - mean) * scale * norm[i] + shift[i];
  store(x, copy, n);
  return scale;
}

template <typename T>
class Worker {
 public:
  Worker(const Encoder& encoder, const Batch& batch, int64_t rows, int64_t longest)
      : e_(encoder), b_(batch), product_(reinterpret_cast<Product<T>>(encoder.product)) {
    const int64_t h = e_.hidden, tokens = round_up(longest, kTokens), d = h / e_.heads;
    // A pair's queries are read up to the next multiple of kHeight, which may be beyond the last row.
    rows = round_up(rows + kHeight - 1, kRows);
    x_ = arena_.take<float>(rows * h);
    in_ = arena_.take<T>(rows * h);
    qkv_ = arena_.take<T>(rows * 3 * h);
    context_ = arena_.take<T>(rows * h);
    inner_ = arena_.take<T>(kFeedForwardRows * e_.inner);
    sums_ = arena_.take<float>(kFeedForwardRows * round_up(h, kPanel));
    tile_ = arena_.take<float>(kRows * kPanel);
    keys_ = arena_.take<T>(tokens * d);
    values_ = arena_.take<T>(tokens * d);
    scores_ = arena_.take<float>(kRows * tokens);
    shares_ = arena_.take<T>(kRows * tokens);
    heads_ = arena_.take<float>(kRows * d);
  }

  void run(int64_t group) {
    first_ = b_.groups[group];
    last_ = b_.groups[group + 1];
    start_ = b_.offsets[first_];
    rows_ = b_.offsets[last_] - start_;
    const bool tables = e_.word_projections && e_.layer_count > 1;
    embed(tables);
    for (int64_t i = 0; i < e_.layer_count; i++) {
      const Layer& layer = e_.layers[i];
      const bool is_last = i + 1 == e_.layer_count;
      if (is_last) {
        const int64_t panels = e_.hidden / kPanel;
        project_first_tokens(layer, panels);
        project(layer, panels);
        attend_first_tokens();
      } else {
        if (i > 0 || !tables) project(layer, 0);
        attend();
        finish(layer);
      }
    }
  }

 private:
  void embed(bool tables) {
    const int64_t h = e_.hidden;
    for (int64_t r = 0; r < rows_; r++) {
      const int64_t id = b_.ids[start_ + r], place = b_.positions[start_ + r];
      const int64_t kind = b_.types ? b_.types[start_ + r] : 0;
      const float *word = e_.words + id * h, *position = e_.positions + place * h;
      const float* type = e_.types + kind * h;
      float* x = x_ + r * h;
      for (int64_t i = 0; i < h; i++) x[i] = word[i] + position[i] + type[i];
      const float scale = layer_norm(x, in_ + r * h, e_.norm, e_.shift, h, e_.epsilon);
      if (tables) look_up(qkv_ + r * 3 * h, id, place, kind, scale);
    }
  }

  // A token's projections in the first layer, from the tables.
  void look_up(T* to, int64_t id, int64_t place, int64_t kind, float scale) {
    const int64_t wide = 3 * e_.hidden;
    const T* word = static_cast<const T*>(e_.word_projections) + id * wide;
    const float* position = e_.position_projections + place * wide;
    const float* type = e_.type_projections + kind * wide;
    for (int64_t column = 0; column < wide; column += kPanel) {
      const int64_t n = std::min(kPanel, wide - column);
      for (int64_t i = 0; i < n; i++) {
        const int64_t c = column + i;
        tile_[i] = (value(word[c]) + position[c] + type[c]) * scale + e_.projection_bias[c];
      }
      store(tile_, to + column, n);
    }
  }

  // Left operand rows [begin, begin + m) times all panels of `weights`; `take` gets each tile.
  template <typename Take>
  void multiply(const T* left, int64_t m, int64_t k, const void* weights, int64_t n, Take take) {
    const T* panel = static_cast<const T*>(weights);
    for (int64_t column = 0; column < n; column += kPanel, panel += kPanel * k) {
      for (int64_t row = 0; row < m; row += kRows) {
        const int64_t height = std::min(kRows, round_up(m - row, kHeight));
        product_(height, kPanel, k, k, kPanel, kPanel, false, left + row * k, panel, tile_,
                 kInterleave<T> > 1);
        take(row, column, std::min(kRows, m - row), std::min(kPanel, n - column));
      }
    }
  }

  // Queries, keys and values of all tokens, from the column on at which panel `skipped` begins.
  void project(const Layer& layer, int64_t skipped) {
    const int64_t h = e_.hidden, start = skipped * kPanel;
    const T* weights = static_cast<const T*>(layer.qkv) + start * h;
    multiply(in_, rows_, h, weights, 3 * h - start,
             [&](int64_t row, int64_t column, int64_t m, int64_t n) {
               for (int64_t r = 0; r < m; r++) project_row(layer, row + r, r, start + column, n);
             });
  }

  // Queries of first tokens, as far as the first panels hold them.
  void project_first_tokens(const Layer& layer, int64_t panels) {
    const int64_t h = e_.hidden;
    for (int64_t pair = first_; pair < last_; pair += kRows) {
      const int64_t count = std::min(kRows, last_ - pair);
      const auto row_of = [&](int64_t i) { return b_.offsets[pair + i] - start_; };
      for (int64_t i = 0; i < count; i++) {
        std::copy_n(in_ + row_of(i) * h, h, context_ + i * h);
      }
      multiply(context_, count, h, layer.qkv, panels * kPanel,
               [&](int64_t, int64_t column, int64_t m, int64_t n) {
                 for (int64_t r = 0; r < m; r++) project_row(layer, row_of(r), r, column, n);
               });
    }
  }

  // Row r of a finished tile, with its bias, to its place among the projections.
  void project_row(const Layer& layer, int64_t row, int64_t r, int64_t column, int64_t n) {
    float* t = tile_ + r * kPanel;
    for (int64_t c = 0; c < n; c++) t[c] += layer.qkv_bias[column + c];
    store(t, qkv_ + row * 3 * e_.hidden + column, n);
  }

  // Keys transposed (head size × tokens) and values (tokens × head size), interleaved for the
  // right-hand side of a product; padding tokens are zeros.
  void gather(int64_t begin, int64_t n, int64_t padded, int64_t head) {
    const int64_t h = e_.hidden, d = h / e_.heads, v = kInterleave<T>;
    const T* from = qkv_ + begin * 3 * h + h + head * d;
    using Unit = std::conditional_t<sizeof(T) == 2, uint32_t, float>;
    auto* keys = reinterpret_cast<Unit*>(keys_);
    for (int64_t c = 0; c < d / v; c++) std::fill(keys + c * padded + n, keys + (c + 1) * padded, Unit{});
    for (int64_t t0 = 0; t0 < n; t0 += 16) {
      const int64_t t1 = std::min(n, t0 + 16);
      for (int64_t c = 0; c < d / v; c++) {
        for (int64_t t = t0; t < t1; t++) {
          std::memcpy(keys + c * padded + t, from + t * 3 * h + c * v, sizeof(Unit));
        }
      }
    }
    std::memset(static_cast<void*>(values_ + n / v * v * d), 0, (padded - n / v * v) * d * sizeof(T));
    for (int64_t t = 0; t < n; t++) {
      const T* value_row = from + h + t * 3 * h;
      T* to = values_ + t / v * v * d + t % v;
      for (int64_t c = 0; c < d; c++) to[c * v] = value_row[c];
    }
  }

  void attend() {
    const int64_t h = e_.hidden, d = h / e_.heads;
    for (int64_t pair = first_; pair < last_; pair++) {
      const int64_t begin = b_.offsets[pair] - start_, n = b_.offsets[pair + 1] - b_.offsets[pair];
      const int64_t padded = round_up(n, kTokens);
      for (int64_t head = 0; head < e_.heads; head++) {
        gather(begin, n, padded, head);
        for (int64_t row = 0; row < n; row += kRows) {
          const int64_t m = std::min(kRows, n - row), height = std::min(kRows, round_up(m, kHeight));
          const T* queries = qkv_ + (begin + row) * 3 * h + head * d;
          product_(height, padded, d, 3 * h, padded, padded, false, queries, keys_, scores_,
                   kInterleave<T> > 1);
          float inverse[kRows];
          for (int64_t r = 0; r < m; r++) inverse[r] = softmax(r, n, padded);
          product_(height, d, padded, padded, d, d, false, shares_, values_, heads_,
                   kInterleave<T> > 1);
          for (int64_t r = 0; r < m; r++) {
            for (int64_t c = 0; c < d; c++) heads_[r * d + c] *= inverse[r];
            store(heads_ + r * d, context_ + (begin + row + r) * h + head * d, d);
          }
        }
      }
    }
  }

  // One row of scores (in units of log 2) to shares that are not yet divided by their sum;
  // returns one over that sum.
  float softmax(int64_t row, int64_t n, int64_t padded) {
    float* s = scores_ + row * padded;
    float most = s[0], sum = 0;
#pragma omp simd reduction(max : most)
    for (int64_t i = 0; i < n; i++) most = s[i] > most ? s[i] : most;
    // Padding tokens come to 2^-126, and their values are zeros.
    for (int64_t i = n; i < padded; i++) s[i] = most - 127.0f;
#pragma omp simd reduction(+ : sum)
    for (int64_t i = 0; i < padded; i++) {
      s[i] = exp2_of<T>(s[i] - most);
      sum += s[i];
    }
    store(s, shares_ + row * padded, padded);
    return 1.0f / sum;
  }

  void attend_first_tokens() {
    const int64_t h = e_.hidden, d = h / e_.heads;
    for (int64_t pair = first_; pair < last_; pair++) {
      const int64_t begin = b_.offsets[pair] - start_, n = b_.offsets[pair + 1] - b_.offsets[pair];
      std::memcpy(b_.residuals + pair * h, x_ + begin * h, h * sizeof(float));
      for (int64_t head = 0; head < e_.heads; head++) {
        const T* query = qkv_ + begin * 3 * h + head * d;
        for (int64_t t = 0; t < n; t++) {
          const T* key = query + t * 3 * h + h;
          float sum = 0;
#pragma omp simd reduction(+ : sum)
          for (int64_t c = 0; c < d; c++) sum += value(query[c]) * value(key[c]);
          scores_[t] = sum;
        }
        float most = scores_[0], sum = 0;
        for (int64_t t = 0; t < n; t++) most = std::max(most, scores_[t]);
        float* context = b_.contexts + pair * h + head * d;
        std::fill(context, context + d, 0.0f);
        for (int64_t t = 0; t < n; t++) {
          const float share = exp2_of(scores_[t] - most);
          const T* from = query + t * 3 * h + 2 * h;
          for (int64_t c = 0; c < d; c++) context[c] += share * value(from[c]);
          sum += share;
        }
        for (int64_t c = 0; c < d; c++) context[c] /= sum;
      }
    }
  }

  // What follows attention, on blocks of rows: its output layer and the feed-forward layers.
  void finish(const Layer& layer) {
    const int64_t h = e_.hidden;
    for (int64_t row = 0; row < rows_; row += kFeedForwardRows) {
      const int64_t m = std::min(kFeedForwardRows, rows_ - row);
      add_and_norm(context_ + row * h, row, m, h, layer.out, layer.out_bias, layer.attention_norm,
                   layer.attention_shift);
      multiply(in_ + row * h, m, h, layer.up, e_.inner,
               [&](int64_t r0, int64_t column, int64_t height, int64_t n) {
                 activate(layer.up_bias + column, height, n);
                 for (int64_t r = 0; r < height; r++) {
                   store(tile_ + r * kPanel, inner_ + (r0 + r) * e_.inner + column, n);
                 }
               });
      add_and_norm(inner_, row, m, e_.inner, layer.down, layer.down_bias, layer.output_norm,
                   layer.output_shift);
    }
  }

  void activate(const float* bias, int64_t m, int64_t n) {
    for (int64_t r = 0; r < m; r++) {
      float* t = tile_ + r * kPanel;
      switch (e_.activation) {
        case kGelu:
          for (int64_t c = 0; c < n; c++) t[c] = gelu<T>(t[c] + bias[c]);
          break;
        case kGeluTanh:
          for (int64_t c = 0; c < n; c++) t[c] = gelu_tanh(t[c] + bias[c]);
          break;
        default:
          for (int64_t c = 0; c < n; c++) t[c] = std::max(t[c] + bias[c], 0.0f);
      }
    }
  }

  // x = LayerNorm(x + left · weights + bias) for m rows of x from `row` on.
  void add_and_norm(const T* left, int64_t row, int64_t m, int64_t k, const void* weights,
                    const float* bias, const float* norm, const float* shift) {
    const int64_t h = e_.hidden, wide = round_up(h, kPanel);
    const T* panel = static_cast<const T*>(weights);
    for (int64_t column = 0; column < h; column += kPanel, panel += kPanel * k) {
      for (int64_t r = 0; r < m; r += kRows) {
        product_(std::min(kRows, round_up(m - r, kHeight)), kPanel, k, k, kPanel, wide, false,
                 left + r * k, panel, sums_ + r * wide + column, kInterleave<T> > 1);
      }
    }
    for (int64_t r = 0; r < m; r++) {
      float* x = x_ + (row + r) * h;
      const float* sum = sums_ + r * wide;
      for (int64_t i = 0; i < h; i++) x[i] += sum[i] + bias[i];
      layer_norm(x, in_ + (row + r) * h, norm, shift, h, e_.epsilon);
    }
  }

  const Encoder& e_;
  const Batch& b_;
  Product<T> product_;
  Arena arena_;
  float *x_, *sums_, *tile_, *scores_, *heads_;
  T *in_, *qkv_, *context_, *inner_, *keys_, *values_, *shares_;
  int64_t first_ = 0, last_ = 0, start_ = 0, rows_ = 0;
};

template <typename T>
int work(const Encoder& encoder, const Batch& batch) {
  try {
    int64_t rows = 0, longest = 0;
    for (int64_t g = 0; g < batch.group_count; g++) {
      const int64_t first = batch.groups[g], last = batch.groups[g + 1];
      rows = std::max(rows, batch.offsets[last] - batch.offsets[first]);
      for (int64_t p = first; p < last; p++) {
        longest = std::max(longest, batch.offsets[p + 1] - batch.offsets[p]);
      }
    }
    Worker<T> worker(encoder, batch, rows, longest);
    for (;;) {
      const int64_t group = __atomic_fetch_add(batch.next, 1, __ATOMIC_RELAXED);
      if (group >= batch.group_count) break;
      worker.run(group);
    }
    encoder.release(true);
    return 0;
  } catch (const std::bad_alloc&) {
    return 1;
  } catch (const std::exception&) {
    return 2;
  }
}

}  // namespace

extern "C" {

// Take groups until none is left; called by every thread at once. 0: done, 1: out of memory,
// 2: the product failed.
int encode_float32(const Encoder* encoder, const Batch* batch) { return work<float>(*encoder, *batch); }
int encode_bfloat16(const Encoder* encoder, const Batch* batch) {
  return work<BFloat16>(*encoder, *batch);
}

}  // extern "C"
