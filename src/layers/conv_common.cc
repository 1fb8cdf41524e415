#include "layers/conv_common.h"

#include "base/error.h"
#include "layers/window_attributes.h"

namespace swath {
namespace {

/// In the sense of kernels/correlation.h a Conv reads the fine tensor, a ConvTranspose the coarse one.
CorrelationShape MakeCorrelationShape(const ConvAttributes& conv, const KernelContext& context) {
  const bool gathers = conv.rows.kind == Window::Kind::kGather;
  const Shape &coarse = gathers ? context.dst : context.srcs[0],
              &fine = gathers ? context.srcs[0] : context.dst;
  return {.coarse_channels = coarse.channels,
          .fine_channels = fine.channels,
          .coarse_width = coarse.width,
          .fine_width = fine.width,
          .groups = conv.groups,
          .row_taps = conv.rows.kernel,
          .row_extent = conv.rows.extent(),
          .columns = conv.columns,
          .backward = context.backward};
}

template <class T>
class ConvKernel final : public RowKernel<T> {
 public:
  ConvKernel(const ConvAttributes& conv, const KernelContext& context)
      : rows_(conv.rows),
        gathers_(conv.rows.kind == Window::Kind::kGather),
        dst_(context.dst),
        correlation_(ChooseCorrelation<T>(MakeCorrelationShape(conv, context))),
        zeros_(static_cast<size_t>(context.dst.channels), 0.0f) {}

  std::string_view name() const override { return correlation_->name(); }
  int64_t margin() const override { return correlation_->margin(); }
  int64_t parameter_bytes() const override { return correlation_->parameter_bytes(); }
  int64_t workspace_bytes() const override { return correlation_->workspace_bytes(); }
  std::unique_ptr<Workspace> MakeWorkspace() const override { return correlation_->MakeWorkspace(); }

  void SetParameters(const ParameterList& parameters) override {
    correlation_->SetWeights(parameters[0]->values.data());
    bias_ = parameters.size() > 1 ? parameters[1]->values.data() : zeros_.data();
  }

  void Forward(const ForwardRow<T>& row, Workspace* workspace) const override {
    const std::vector<TapRow<T>> taps = Taps(row.y, row.srcs[0]);
    if (gathers_) {
      correlation_->Gather(taps, bias_, row.dst, Front::kForward, workspace);
    } else {
      correlation_->Scatter(taps, bias_, row.dst, workspace);
    }
  }

  void Backward(const BackwardRow<T>& row, Workspace* workspace) const override {
    // The fine row of a ConvTranspose is its gradient's: that of another cotangent must not be taken for this
    // one.
    if (!gathers_ && workspace) workspace->Reset();
    const std::vector<TapRow<T>> taps = Taps(row.y, row.srcs[0]);
    if (row.diff_parameters) AddParameterGradients(row, taps, workspace);
    for (int64_t r = row.diff_srcs[0].rows.begin; r < row.diff_srcs[0].rows.end; ++r) {
      const int64_t tap = rows_.Tap(row.y, r);
      if (tap < 0) continue;
      const TapRow<T> diff_dst{row.y, tap, row.diff_dst};
      if (gathers_) {
        correlation_->Scatter({&diff_dst, 1}, nullptr, row.diff_srcs[0].Row(r), workspace);
      } else {
        correlation_->Gather({&diff_dst, 1}, nullptr, row.diff_srcs[0].Row(r), Front::kBackward, workspace);
      }
    }
  }

 private:
  std::vector<TapRow<T>> Taps(int64_t y, const RowWindow<const T>& src) const {
    std::vector<TapRow<T>> taps;
    for (int64_t r = src.rows.begin; r < src.rows.end; ++r) {
      if (const int64_t tap = rows_.Tap(y, r); tap >= 0) taps.push_back({r, tap, src.Row(r)});
    }
    return taps;
  }

  void AddParameterGradients(const BackwardRow<T>& row, const std::vector<TapRow<T>>& taps,
                             Workspace* workspace) const {
    if (double* diff_weights = row.diff_parameters[0]) {
      if (gathers_) {
        correlation_->AddWeightGradient(taps, {row.y, 0, row.diff_dst}, diff_weights, workspace);
      } else {
        for (const TapRow<T>& src : taps) {
          const TapRow<T> diff_dst{row.y, src.tap, row.diff_dst};
          correlation_->AddWeightGradient({&diff_dst, 1}, src, diff_weights, workspace);
        }
      }
    }
    if (bias_ != zeros_.data() && row.diff_parameters[1]) {
      for (int64_t c = 0; c < dst_.channels; ++c) {
        row.diff_parameters[1][c] += correlation_->Sum(row.diff_dst[c], dst_.width);
      }
    }
  }

  Window rows_;
  bool gathers_;  // Conv; otherwise ConvTranspose
  Shape dst_;
  std::unique_ptr<Correlation<T>> correlation_;
  std::vector<float> zeros_;
  const float* bias_ = nullptr;
};

}  // namespace

ConvAttributes ConvAttributesFromOnnx(const Attributes& attributes, const ConstantInputs& inputs,
                                      Window::Kind kind) {
  if (inputs.size() < 2 || !inputs[1])
    Fail(ErrorCode::kUnsupported, "weights are computed, expected an initialiser");
  if (inputs[0]) Fail(ErrorCode::kUnsupported, "the source is a constant, expected a computed tensor");
  const std::vector<int64_t>& dims = inputs[1]->dims;
  if (dims.size() != 4) {
    Fail(ErrorCode::kUnsupported,
         "weights have {} dimensions, expected 4: only two-dimensional images are supported", dims.size());
  }
  AttributeReader reader(attributes);
  const WindowPair windows = ReadWindows(&reader, kind, {dims[2], dims[3]});
  const ConvAttributes conv{windows.rows, windows.columns, reader.Int("group", 1)};
  reader.Finish();
  if (conv.groups < 1) Fail(ErrorCode::kUnsupported, "group is {}, expected at least 1", conv.groups);
  return conv;
}

Attributes ConvAttributesToOnnx(const ConvAttributes& conv) {
  Attributes out = WriteWindows(conv.rows, conv.columns);
  out["group"] = conv.groups;
  return out;
}

Shape ConvShape(const ConvAttributes& conv, const std::vector<Shape>& srcs, const ParameterList& parameters,
                int64_t src_channels, int64_t dst_channels) {
  ExpectSources(srcs, 1);
  if (srcs[0].channels != src_channels) {
    Fail(ErrorCode::kUnsupported, "the weights are for {} source channels, found {}", src_channels,
         srcs[0].channels);
  }
  if (src_channels % conv.groups != 0 || dst_channels % conv.groups != 0) {
    Fail(ErrorCode::kUnsupported, "{} source and {} output channels cannot be divided into {} groups",
         src_channels, dst_channels, conv.groups);
  }
  if (parameters.size() > 1) ExpectDims(*parameters[1], {dst_channels}, "bias");
  const Shape dst{dst_channels, conv.rows.DstSize(srcs[0].height), conv.columns.DstSize(srcs[0].width)};
  if (dst.height <= 0 || dst.width <= 0) {
    Fail(ErrorCode::kUnsupported, "the source ({}) is too small for a kernel of {} × {}", ToString(srcs[0]),
         conv.rows.extent(), conv.columns.extent());
  }
  return dst;
}

template <class T>
std::unique_ptr<RowKernel<T>> MakeConvKernel(const ConvAttributes& conv, const KernelContext& context) {
  return std::make_unique<ConvKernel<T>>(conv, context);
}
template std::unique_ptr<RowKernel<float>> MakeConvKernel(const ConvAttributes&, const KernelContext&);
template std::unique_ptr<RowKernel<double>> MakeConvKernel(const ConvAttributes&, const KernelContext&);

void ReferenceBiasGradient(const Tensor& diff_dst, const ReferenceGradients& gradients) {
  if (gradients.diff_parameters.size() < 2 || !gradients.diff_parameters[1]) return;
  const int64_t area = diff_dst.shape.height * diff_dst.shape.width;
  for (int64_t c = 0; c < diff_dst.shape.channels; ++c) {
    for (int64_t i = 0; i < area; ++i)
      (*gradients.diff_parameters[1])[static_cast<size_t>(c)] += diff_dst.Row(c, 0)[i];
  }
}

}  // namespace swath
