#include "layers/conv_layer.h"

#include <algorithm>

#include "base/error.h"
#include "base/pairwise_sum.h"
#include "kernels/correlation.h"
#include "layers/window_attributes.h"

namespace swath {
namespace {

/// The columns' rule with both tensors numbered from the first column that the panel has.
Window PanelColumns(Window columns, const KernelContext& context) {
  const bool gathers = columns.kind == Window::Kind::kGather;
  const int64_t coarse = (gathers ? context.dst_columns : context.src_columns).begin,
                fine = (gathers ? context.src_columns : context.dst_columns).begin;
  columns.pad_begin += fine - coarse * columns.stride;
  return columns;
}

/// In the sense of kernels/correlation.h a Conv reads the fine tensor, a ConvTranspose the coarse one.
CorrelationShape MakeCorrelationShape(const ConvAttributes& conv, const KernelContext& context) {
  const bool gathers = conv.rows.kind == Window::Kind::kGather;
  const Shape &coarse = gathers ? context.dst : context.srcs[0],
              &fine = gathers ? context.srcs[0] : context.dst;
  CorrelationShape shape{.coarse_channels = coarse.channels,
                         .fine_channels = fine.channels,
                         .coarse_width = (gathers ? context.dst_columns : context.src_columns).size(),
                         .fine_width = (gathers ? context.src_columns : context.dst_columns).size(),
                         .groups = conv.groups,
                         .rows = conv.rows,
                         .columns = PanelColumns(conv.columns, context),
                         .backward = context.backward,
                         .pack_weights = context.pack_weights,
                         .image_channels = context.image_channels,
                         .team = context.team,
                         .bfloat16 = context.bfloat16,
                         .relu = context.relu,
                         .multiply_adds = context.multiply_adds};
  shape.rows_at_once = RowsAtOnce(shape);
  return shape;
}

template <class T>
class ConvKernel final : public RowKernel<T> {
 public:
  ConvKernel(const ConvAttributes& conv, const KernelContext& context)
      : gathers_(conv.rows.kind == Window::Kind::kGather),
        channels_(context.dst.channels),
        width_(context.width()),
        correlation_(ChooseCorrelation<T>(MakeCorrelationShape(conv, context))),
        zeros_(static_cast<size_t>(context.dst.channels), 0.0f) {}

  std::string_view name() const override { return correlation_->name(); }
  bool applies_relu() const override { return correlation_->applies_relu(); }
  bool applies_gates() const override { return correlation_->applies_gates(); }
  int64_t margin() const override { return correlation_->margin(); }
  int64_t parameter_bytes() const override { return correlation_->parameter_bytes(); }
  int64_t shared_bytes() const override { return correlation_->shared_bytes(); }
  int64_t workspace_bytes() const override { return correlation_->workspace_bytes(); }
  std::unique_ptr<Workspace> MakeWorkspace() const override { return correlation_->MakeWorkspace(); }

  void SetParameters(const ParameterList& parameters) override {
    correlation_->SetWeights(parameters[0]->values.data());
    bias_ = parameters.size() > 1 ? parameters[1]->values.data() : zeros_.data();
  }

  void Forward(const ForwardRow<T>& row, Workspace* workspace) const override {
    const RowWindow<T> dst{{row.y, row.y + row.count}, channels_, width_, row.dst};
    if (gathers_) {
      correlation_->Gather(row.srcs[0], bias_, dst, Front::kForward, workspace);
    } else {
      correlation_->Scatter(row.srcs[0], bias_, dst, workspace);
    }
    Wait(workspace);
  }

  void Backward(const BackwardRow<T>& row, Workspace* workspace) const override {
    // The fine rows of a ConvTranspose are its gradient's: those of another cotangent must not be taken for
    // these.
    if (!gathers_ && workspace) workspace->Reset();
    const RowWindow<const T> seen{{row.y - row.before, row.y + row.count}, channels_, width_, row.diff_dst},
        diff_dst{{row.y, seen.rows.end}, channels_, width_, seen.Row(row.y)};
    if (row.diff_parameters) AddParameterGradients(row, diff_dst, workspace);
    if (!row.diff_srcs[0].rows.empty()) {
      if (row.pulls) {
        correlation_->Pull(seen, row.gates, row.diff_srcs[0], workspace);
      } else if (gathers_) {
        correlation_->Scatter(diff_dst, nullptr, row.diff_srcs[0], workspace);
      } else {
        correlation_->Gather(diff_dst, nullptr, row.diff_srcs[0], Front::kBackward, workspace);
      }
    }
    Wait(workspace);
  }

 private:
  static void Wait(Workspace* workspace) {
    if (workspace && workspace->team) workspace->team->Wait();
  }

  void AddParameterGradients(const BackwardRow<T>& row, const RowWindow<const T>& diff_dst,
                             Workspace* workspace) const {
    if (double* diff_weights = row.diff_parameters[0]) {
      const RowWindow<const T>&fine = gathers_ ? row.srcs[0] : diff_dst,
                            &coarse = gathers_ ? diff_dst : row.srcs[0];
      correlation_->AddWeightGradient(fine, coarse, diff_weights, workspace);
    }
    if (bias_ == zeros_.data() || !row.diff_parameters[1]) return;
    for (int64_t y = diff_dst.rows.begin; y < diff_dst.rows.end; ++y) {
      for (int64_t c = 0; c < channels_; ++c)
        row.diff_parameters[1][c] += correlation_->Sum(diff_dst.At(y, c), width_);
    }
  }

  bool gathers_;              // Conv; otherwise ConvTranspose
  int64_t channels_, width_;  // of dst
  std::unique_ptr<Correlation<T>> correlation_;
  std::vector<float> zeros_;
  const float* bias_ = nullptr;
};

/// The coarse columns [begin, end) of a row that meet the fine columns x · stride + offset of another through
/// one weight.
struct Meeting {
  int64_t coarse_channel, coarse_row, fine_channel, fine_row;
  int64_t begin, end, offset;
  size_t weight;
};

/// A convolution is a walk over the meetings of coarse and fine rows; both operators and both directions of
/// the reference are a loop over columns on top of it.
template <class F>
void ForEachMeeting(const ConvAttributes& conv, const Shape& coarse, const Shape& fine, F&& f) {
  const Window &rows = conv.rows, &columns = conv.columns;
  const int64_t fine_per_group = fine.channels / conv.groups,
                coarse_per_group = coarse.channels / conv.groups;
  for (int64_t c = 0; c < coarse.channels; ++c) {
    for (int64_t i = 0; i < fine_per_group; ++i) {
      const int64_t fc = c / coarse_per_group * fine_per_group + i;
      for (int64_t ky = 0; ky < rows.kernel; ++ky) {
        for (int64_t kx = 0; kx < columns.kernel; ++kx) {
          const int64_t weight = ((c * fine_per_group + i) * rows.kernel + ky) * columns.kernel + kx;
          // The columns whose fine column lies inside the image.
          const int64_t offset = kx * columns.dilation - columns.pad_begin;
          const int64_t begin = std::max<int64_t>(0, CeilDiv(-offset, columns.stride));
          const int64_t end = std::min(coarse.width, FloorDiv(fine.width - 1 - offset, columns.stride) + 1);
          for (int64_t y = 0; y < coarse.height; ++y) {
            const int64_t fy = y * rows.stride + ky * rows.dilation - rows.pad_begin;
            if (fy < 0 || fy >= fine.height) continue;
            f(Meeting{c, y, fc, fy, begin, end, offset, static_cast<size_t>(weight)});
          }
        }
      }
    }
  }
}

/// The two tensors of either operator, by the names of kernels/correlation.h.
template <class T>
struct Sides {
  T* coarse;
  T* fine;
};

class ConvLayer final : public RowLayer {
 public:
  explicit ConvLayer(const ConvAttributes& conv) : conv_(conv) {}

  std::string_view type() const override { return gathers() ? "Conv" : "ConvTranspose"; }
  Attributes attributes() const override {
    Attributes attributes = WriteWindows(conv_.rows, conv_.columns);
    attributes["group"] = conv_.groups;
    return attributes;
  }
  Window rows(int64_t) const override { return conv_.rows; }
  Window columns(int64_t) const override { return conv_.columns; }
  BackwardReads backward_reads() const override { return {.src = true}; }

  Shape DstShape(const std::vector<Shape>& srcs, const ParameterList& parameters) const override;
  int64_t rows_at_once(const std::vector<Shape>& srcs, const Shape& dst) const override {
    return RowsAtOnce(WidthlessShape(srcs, dst));
  }

  bool pulls(const std::vector<Shape>& srcs, const Shape& dst) const override {
    return gathers() && PullsGradient(WidthlessShape(srcs, dst));
  }

  int64_t MultiplyAdds(const std::vector<Shape>& srcs, const Shape& dst) const override {
    const auto [coarse, fine] = Pick(&srcs[0], &dst);
    const int64_t coarse_row = coarse->channels * coarse->width * (fine->channels / conv_.groups) *
                               conv_.rows.kernel * conv_.columns.kernel;
    // A row of the fine tensor has its share of a row of the coarse one.
    return gathers() ? coarse_row : coarse_row / conv_.rows.stride;
  }

  void ReferenceForward(const ReferenceArgs& args, Tensor* dst) const override;
  void ReferenceBackward(const ReferenceArgs& args, const Tensor& dst, const Tensor& diff_dst,
                         const ReferenceGradients& gradients) const override;

  std::unique_ptr<RowKernel<float>> MakeKernelF32(const KernelContext& context) const override {
    return std::make_unique<ConvKernel<float>>(conv_, context);
  }
  std::unique_ptr<RowKernel<double>> MakeKernelF64(const KernelContext& context) const override {
    return std::make_unique<ConvKernel<double>>(conv_, context);
  }

 private:
  bool gathers() const { return conv_.rows.kind == Window::Kind::kGather; }
  /// Without widths, since panels have other ones.
  CorrelationShape WidthlessShape(const std::vector<Shape>& srcs, const Shape& dst) const {
    const auto [coarse, fine] = Pick(&srcs[0], &dst);
    return {.coarse_channels = coarse->channels,
            .fine_channels = fine->channels,
            .groups = conv_.groups,
            .rows = conv_.rows,
            .columns = conv_.columns};
  }
  /// Of what belongs to src and what belongs to dst.
  template <class T>
  Sides<T> Pick(T* src, T* dst) const {
    return gathers() ? Sides<T>{dst, src} : Sides<T>{src, dst};
  }

  ConvAttributes conv_;
};

Shape ConvLayer::DstShape(const std::vector<Shape>& srcs, const ParameterList& parameters) const {
  const Parameter& weights = *parameters.at(0);
  if (weights.dims.size() != 4)
    Fail(ErrorCode::kUnsupported, "weights '{}' are not four-dimensional", weights.name);
  ExpectDims(weights, {weights.dims[0], weights.dims[1], conv_.rows.kernel, conv_.columns.kernel}, "weights");
  const int64_t coarse_channels = weights.dims[0], fine_channels = weights.dims[1] * conv_.groups;
  const int64_t src_channels = gathers() ? fine_channels : coarse_channels,
                dst_channels = gathers() ? coarse_channels : fine_channels;
  ExpectSources(srcs, 1);
  if (srcs[0].channels != src_channels) {
    Fail(ErrorCode::kUnsupported, "the weights are for {} source channels, found {}", src_channels,
         srcs[0].channels);
  }
  if (src_channels % conv_.groups != 0 || dst_channels % conv_.groups != 0) {
    Fail(ErrorCode::kUnsupported, "{} source and {} output channels cannot be divided into {} groups",
         src_channels, dst_channels, conv_.groups);
  }
  if (parameters.size() > 1) ExpectDims(*parameters[1], {dst_channels}, "bias");
  const Shape dst{dst_channels, conv_.rows.DstSize(srcs[0].height), conv_.columns.DstSize(srcs[0].width)};
  if (dst.height <= 0 || dst.width <= 0) {
    Fail(ErrorCode::kUnsupported, "the source ({}) is too small for a kernel of {} × {}", ToString(srcs[0]),
         conv_.rows.extent(), conv_.columns.extent());
  }
  return dst;
}

void ConvLayer::ReferenceForward(const ReferenceArgs& args, Tensor* dst) const {
  const std::vector<float>& weights = args.parameters[0]->values;
  const Tensor& src = *args.srcs[0];
  const int64_t stride = conv_.columns.stride;
  for (int64_t c = 0; c < dst->shape.channels && args.parameters.size() > 1; ++c) {
    const double bias = args.parameters[1]->values[static_cast<size_t>(c)];
    std::fill(dst->Row(c, 0), dst->Row(c, 0) + dst->shape.height * dst->shape.width, bias);
  }
  const auto [coarse, fine] = Pick<const Shape>(&src.shape, &dst->shape);
  ForEachMeeting(conv_, *coarse, *fine, [&](const Meeting& m) {
    const double weight = weights[m.weight];
    if (gathers()) {
      const double* from = src.Row(m.fine_channel, m.fine_row) + m.offset;
      double* to = dst->Row(m.coarse_channel, m.coarse_row);
      for (int64_t x = m.begin; x < m.end; ++x) to[x] += weight * from[x * stride];
    } else {
      const double* from = src.Row(m.coarse_channel, m.coarse_row);
      double* to = dst->Row(m.fine_channel, m.fine_row) + m.offset;
      for (int64_t x = m.begin; x < m.end; ++x) to[x * stride] += weight * from[x];
    }
  });
}

void ConvLayer::ReferenceBackward(const ReferenceArgs& args, const Tensor& dst, const Tensor& diff_dst,
                                  const ReferenceGradients& gradients) const {
  const std::vector<float>& weights = args.parameters[0]->values;
  const Tensor& src = *args.srcs[0];
  const int64_t stride = conv_.columns.stride;
  const auto [coarse, fine] = Pick(&src.shape, &dst.shape);
  if (gradients.diff_parameters.size() > 1 && gradients.diff_parameters[1]) {
    for (int64_t c = 0; c < dst.shape.channels; ++c) {
      for (int64_t y = 0; y < dst.shape.height; ++y) {
        const double* row = diff_dst.Row(c, y);
        (*gradients.diff_parameters[1])[static_cast<size_t>(c)] +=
            PairwiseSum(0, dst.shape.width, [row](int64_t x) { return row[x]; });
      }
    }
  }
  if (std::vector<double>* diff_weights = gradients.diff_parameters[0]) {
    const auto [coarse_values, fine_values] = Pick(&src, &diff_dst);
    ForEachMeeting(conv_, *coarse, *fine, [&, &c = *coarse_values, &f = *fine_values](const Meeting& m) {
      const double* coarse_row = c.Row(m.coarse_channel, m.coarse_row);
      const double* fine_row = f.Row(m.fine_channel, m.fine_row) + m.offset;
      (*diff_weights)[m.weight] +=
          PairwiseSum(m.begin, m.end, [&](int64_t x) { return coarse_row[x] * fine_row[x * stride]; });
    });
  }
  if (Tensor* diff_src = gradients.diff_srcs[0]) {
    ForEachMeeting(conv_, *coarse, *fine, [&](const Meeting& m) {
      const double weight = weights[m.weight];
      if (gathers()) {
        const double* from = diff_dst.Row(m.coarse_channel, m.coarse_row);
        double* to = diff_src->Row(m.fine_channel, m.fine_row) + m.offset;
        for (int64_t x = m.begin; x < m.end; ++x) to[x * stride] += weight * from[x];
      } else {
        const double* from = diff_dst.Row(m.fine_channel, m.fine_row) + m.offset;
        double* to = diff_src->Row(m.coarse_channel, m.coarse_row);
        for (int64_t x = m.begin; x < m.end; ++x) to[x] += weight * from[x * stride];
      }
    });
  }
}

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

std::shared_ptr<const Layer> MakeConvLayer(const ConvAttributes& attributes) {
  return std::make_shared<ConvLayer>(attributes);
}

}  // namespace swath
