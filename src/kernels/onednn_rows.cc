#include "kernels/onednn_rows.h"

#include <omp.h>

#include <oneapi/dnnl/dnnl.hpp>
#include <unordered_map>
#include <utility>

namespace swath::onednn {
namespace {

using dnnl::memory;
using Tag = memory::format_tag;

/// Strips share the processors; a primitive stays on the thread of its strip (I5). The setting belongs to a
/// thread, and oneDNN looks at it both when a primitive is made and when it runs.
void StayOnThisThread() {
  static thread_local const bool once = [] {
    omp_set_num_threads(1);
    return true;
  }();
  static_cast<void>(once);
}

const dnnl::engine& Engine() {
  static const dnnl::engine engine = [] {
    // Kernels keep their primitives; a cache would keep them for ever.
    dnnl::set_primitive_cache_capacity(0);
    return dnnl::engine(dnnl::engine::kind::cpu, 0);
  }();
  return engine;
}

memory::desc Row(int64_t channels, int64_t width) {
  return {{1, channels, 1, width}, memory::data_type::f32, Tag::nhwc};
}

memory::desc Weights(const RowShape& s, Tag tag) {
  return {{s.coarse_channels, s.fine_channels, 1, s.kernel}, memory::data_type::f32, tag};
}

}  // namespace

struct RowPrimitive::Parts {
  Operation operation;
  RowShape shape;
  dnnl::primitive primitive;
  memory::desc coarse, fine, weights, scratch;
  dnnl::reorder pack, unpack;

  memory At(const memory::desc& desc, void* data) const { return {desc, Engine(), data}; }
};

RowPrimitive::RowPrimitive(Operation operation, const RowShape& shape) : parts_(std::make_unique<Parts>()) {
  StayOnThisThread();
  Parts& p = *parts_;
  p.operation = operation;
  p.shape = shape;
  p.coarse = Row(shape.coarse_channels, shape.coarse_width);
  p.fine = Row(shape.fine_channels, shape.fine_width());
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  const auto algorithm = dnnl::algorithm::convolution_direct;
  const memory::desc any = Weights(shape, Tag::any);
  // ONNX's dilation of 1 is oneDNN's of 0.
  const memory::dims strides = {1, shape.stride}, dilates = {0, shape.dilation - 1}, pads = {0, 0};
  const dnnl::convolution_forward::primitive_desc forward(
      {dnnl::prop_kind::forward_training, algorithm, p.fine, any, p.coarse, strides, dilates, pads, pads},
      attributes, Engine());
  const auto take = [&p](const auto& desc, const memory::desc& weights) {
    p.weights = weights;
    p.scratch = desc.scratchpad_desc();
    p.primitive = dnnl::primitive(desc.get());
  };
  switch (operation) {
    case Operation::kGather:
      take(forward, forward.weights_desc());
      break;
    case Operation::kScatter: {
      const dnnl::convolution_backward_data::primitive_desc desc(
          {algorithm, p.fine, any, p.coarse, strides, dilates, pads, pads}, attributes, Engine(), forward);
      take(desc, desc.weights_desc());
      break;
    }
    case Operation::kWeightGradient: {
      const dnnl::convolution_backward_weights::primitive_desc desc(
          {algorithm, p.fine, any, p.coarse, strides, dilates, pads, pads}, attributes, Engine(), forward);
      take(desc, desc.diff_weights_desc());
      break;
    }
  }
  const memory::desc plain = Weights(shape, Tag::oihw);
  p.pack = dnnl::reorder(dnnl::reorder::primitive_desc(Engine(), plain, Engine(), p.weights));
  p.unpack = dnnl::reorder(dnnl::reorder::primitive_desc(Engine(), p.weights, Engine(), plain));
}

RowPrimitive::~RowPrimitive() = default;
RowPrimitive::RowPrimitive(RowPrimitive&&) noexcept = default;
RowPrimitive& RowPrimitive::operator=(RowPrimitive&&) noexcept = default;

int64_t RowPrimitive::weight_size() const {
  return static_cast<int64_t>(parts_->weights.get_size() / sizeof(float));
}

int64_t RowPrimitive::scratch_bytes() const { return static_cast<int64_t>(parts_->scratch.get_size()); }

void RowPrimitive::Pack(const float* weights, float* packed) const {
  StayOnThisThread();
  dnnl::stream stream(Engine());
  memory src = parts_->At(Weights(parts_->shape, Tag::oihw), const_cast<float*>(weights));
  memory dst = parts_->At(parts_->weights, packed);
  parts_->pack.execute(stream, src, dst);
  stream.wait();
}

void RowPrimitive::Unpack(const float* packed, float* weights) const {
  StayOnThisThread();
  dnnl::stream stream(Engine());
  memory src = parts_->At(parts_->weights, const_cast<float*>(packed));
  memory dst = parts_->At(Weights(parts_->shape, Tag::oihw), weights);
  parts_->unpack.execute(stream, src, dst);
  stream.wait();
}

void RowPrimitive::Run(float* coarse, float* fine, float* packed_weights, void* scratch) const {
  StayOnThisThread();
  const Parts& p = *parts_;
  const bool gathers = p.operation == Operation::kGather, scatters = p.operation == Operation::kScatter;
  std::unordered_map<int, memory> arguments = {
      {gathers ? DNNL_ARG_DST : DNNL_ARG_DIFF_DST, p.At(p.coarse, coarse)},
      {scatters ? DNNL_ARG_DIFF_SRC : DNNL_ARG_SRC, p.At(p.fine, fine)},
      {gathers || scatters ? DNNL_ARG_WEIGHTS : DNNL_ARG_DIFF_WEIGHTS, p.At(p.weights, packed_weights)},
      {DNNL_ARG_SCRATCHPAD, p.At(p.scratch, scratch)}};
  dnnl::stream stream(Engine());
  p.primitive.execute(stream, arguments);
  stream.wait();
}

}  // namespace swath::onednn
