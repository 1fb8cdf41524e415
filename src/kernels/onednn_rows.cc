#include "kernels/onednn_rows.h"

#include <omp.h>

#include <new>
#include <oneapi/dnnl/dnnl.hpp>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "base/error.h"

namespace swath::onednn {
namespace {

using dnnl::memory;
using Tag = memory::format_tag;

/// Strips share the processors; a primitive stays on the thread of its strip (I5). oneDNN looks at the
/// calling thread's setting both when a primitive is made and when it runs; it is the caller's again
/// afterwards.
class OneThread {
 public:
  OneThread() { omp_set_num_threads(1); }
  ~OneThread() { omp_set_num_threads(before_); }
  OneThread(const OneThread&) = delete;
  OneThread& operator=(const OneThread&) = delete;

 private:
  int before_ = omp_get_max_threads();
};

/// Calls oneDNN on one thread, and throws what it throws as Swath's.
template <class F>
void Call(const F& f) {
  const OneThread one_thread;
  try {
    f();
  } catch (const dnnl::error& e) {
    if (e.status == dnnl_out_of_memory) throw std::bad_alloc();
    Fail(ErrorCode::kUnsupported, "oneDNN does not compute this convolution: {}", e.what());
  }
}

const dnnl::engine& Engine() {
  static const dnnl::engine engine = [] {
    // Kernels keep their primitives; a cache would keep them for ever.
    dnnl::set_primitive_cache_capacity(0);
    return dnnl::engine(dnnl::engine::kind::cpu, 0);
  }();
  return engine;
}

memory::data_type TypeOf(Factor factor) {
  return factor == Factor::kBFloat16 ? memory::data_type::bf16 : memory::data_type::f32;
}

memory::desc Row(int64_t channels, int64_t width, Factor factor) {
  return {{1, channels, 1, width}, TypeOf(factor), Tag::nhwc};
}

memory::desc Weights(const RowShape& s, Tag tag, Factor factor = Factor::kFloat32) {
  return {{s.coarse_channels, s.fine_channels, 1, s.kernel}, TypeOf(factor), tag};
}

/// One row tap among all.
memory::desc PlainGradient(const RowShape& s) {
  const int64_t pitch = s.row_taps * s.kernel;
  return {{s.coarse_channels, s.fine_channels, 1, s.kernel},
          memory::data_type::f32,
          memory::dims{s.fine_channels * pitch, pitch, s.kernel, 1}};
}

}  // namespace

bool HasBFloat16() {
  // The values of instruction sets are sets of bits, of which each holds those that it builds on.
  constexpr unsigned kNeeded = dnnl_cpu_isa_avx512_core_bf16;
  return (static_cast<unsigned>(dnnl::get_effective_cpu_isa()) & kNeeded) == kNeeded;
}

struct RowPrimitive::Parts {
  Operation operation;
  RowShape shape;
  Factor factor;
  dnnl::primitive primitive;
  memory::desc coarse, fine, weights, scratch;
  bool multiplies_matrices = false;
  bool describes_columns = false;  ///< see code_bytes
  dnnl::reorder reorder;           ///< of the weights: to oneDNN's layout or, for a gradient, back

  void Make(Operation made, const RowShape& of, Factor of_factors);
  memory At(const memory::desc& desc, void* data) const { return {desc, Engine(), data}; }
};

RowPrimitive::RowPrimitive(Operation operation, const RowShape& shape, Factor factor)
    : parts_(std::make_unique<Parts>()) {
  Call([&] { parts_->Make(operation, shape, factor); });
}

void RowPrimitive::Parts::Make(Operation made, const RowShape& of, Factor of_factors) {
  operation = made;
  shape = of;
  factor = of_factors;
  const auto unless_result = [&](Operation makes_it) {
    return operation == makes_it ? Factor::kFloat32 : factor;
  };
  coarse = Row(shape.coarse_channels, shape.coarse_width, unless_result(Operation::kGather));
  fine = Row(shape.fine_channels, shape.fine_width(), unless_result(Operation::kScatter));
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  const auto algorithm = dnnl::algorithm::convolution_direct;
  const memory::desc any = Weights(shape, Tag::any, unless_result(Operation::kWeightGradient));
  // What a backward operation is told of the forward one, whose factors the other two are.
  const memory::desc forward_weights = Weights(shape, Tag::any, factor),
                     forward_fine = Row(shape.fine_channels, shape.fine_width(), factor);
  // ONNX's dilation of 1 is oneDNN's of 0.
  const memory::dims strides = {1, shape.stride}, dilates = {0, shape.dilation - 1}, pads = {0, 0};
  const dnnl::convolution_forward::primitive_desc forward(
      {dnnl::prop_kind::forward_training, algorithm, forward_fine, forward_weights, coarse, strides, dilates,
       pads, pads},
      attributes, Engine());
  const auto take = [this](const auto& desc, const memory::desc& weights_desc) {
    weights = weights_desc;
    scratch = desc.scratchpad_desc();
    const std::string_view implementation = desc.impl_info_str();
    multiplies_matrices = implementation.find("gemm") != std::string_view::npos;
    describes_columns = implementation.starts_with("brgconv:avx512_core_amx");
    primitive = dnnl::primitive(desc.get());
  };
  switch (operation) {
    case Operation::kGather:
      take(forward, forward.weights_desc());
      break;
    case Operation::kScatter: {
      const dnnl::convolution_backward_data::primitive_desc desc(
          {algorithm, fine, any, coarse, strides, dilates, pads, pads}, attributes, Engine(), forward);
      take(desc, desc.weights_desc());
      break;
    }
    case Operation::kWeightGradient: {
      const dnnl::convolution_backward_weights::primitive_desc desc(
          {algorithm, fine, any, coarse, strides, dilates, pads, pads}, attributes, Engine(), forward);
      take(desc, desc.diff_weights_desc());
      break;
    }
  }
  const bool back = operation == Operation::kWeightGradient;
  const memory::desc plain = back ? PlainGradient(shape) : Weights(shape, Tag::oihw);
  reorder = dnnl::reorder(
      dnnl::reorder::primitive_desc(Engine(), back ? weights : plain, Engine(), back ? plain : weights));
}

RowPrimitive::~RowPrimitive() = default;
RowPrimitive::RowPrimitive(RowPrimitive&&) noexcept = default;
RowPrimitive& RowPrimitive::operator=(RowPrimitive&&) noexcept = default;

int64_t RowPrimitive::weight_bytes() const { return static_cast<int64_t>(parts_->weights.get_size()); }

int64_t RowPrimitive::scratch_bytes() const { return static_cast<int64_t>(parts_->scratch.get_size()); }

int64_t RowPrimitive::code_bytes() const {
  // The mappings that oneDNN 2.6 makes for the operation and the reordering of its weights: so many kernels
  // are generated, of bfloat16's way back one in a larger mapping.
  constexpr int64_t kMapping = int64_t{256} << 10;
  if (parts_->factor == Factor::kFloat32) return 3 * kMapping;
  switch (parts_->operation) {
    case Operation::kGather: {
      // With AMX oneDNN 2.6 keeps descriptions of a product for every number of columns up to the row's:
      // measured for rows of 100 to 3200, kernels of 1 and 3, strides of 1 and 2, and 16 to 128 channels.
      constexpr int64_t kAColumn = 1905, kBesides = 44000;
      return 4 * kMapping +
             (parts_->describes_columns ? kAColumn * parts_->shape.coarse_width + kBesides : 0);
    }
    case Operation::kScatter:
      return 5 * kMapping;
    case Operation::kWeightGradient:
      break;
  }
  return 7 * kMapping;
}

int64_t RowPrimitive::matrix_code_bytes() const { return parts_->multiplies_matrices ? kMatrixCodeBytes : 0; }

void RowPrimitive::Pack(const float* weights, void* packed) const {
  Call([&] {
    dnnl::stream stream(Engine());
    memory src = parts_->At(Weights(parts_->shape, Tag::oihw), const_cast<float*>(weights));
    memory dst = parts_->At(parts_->weights, packed);
    parts_->reorder.execute(stream, src, dst);
    stream.wait();
  });
}

void RowPrimitive::Unpack(const void* packed, float* weights) const {
  Call([&] {
    dnnl::stream stream(Engine());
    memory src = parts_->At(parts_->weights, const_cast<void*>(packed));
    memory dst = parts_->At(PlainGradient(parts_->shape), weights);
    parts_->reorder.execute(stream, src, dst);
    stream.wait();
  });
}

void RowPrimitive::Run(void* coarse, void* fine, void* packed_weights, void* scratch) const {
  Call([&] {
    const Parts& p = *parts_;
    const bool gathers = p.operation == Operation::kGather, scatters = p.operation == Operation::kScatter;
    const std::unordered_map<int, memory> arguments = {
        {gathers ? DNNL_ARG_DST : DNNL_ARG_DIFF_DST, p.At(p.coarse, coarse)},
        {scatters ? DNNL_ARG_DIFF_SRC : DNNL_ARG_SRC, p.At(p.fine, fine)},
        {gathers || scatters ? DNNL_ARG_WEIGHTS : DNNL_ARG_DIFF_WEIGHTS, p.At(p.weights, packed_weights)},
        {DNNL_ARG_SCRATCHPAD, p.At(p.scratch, scratch)}};
    dnnl::stream stream(Engine());
    p.primitive.execute(stream, arguments);
    stream.wait();
  });
}

}  // namespace swath::onednn
