/// Normalisation by statistics of the whole image: BatchNormalization in training mode for a batch of one
/// (ONNX opset 14, 15), InstanceNormalization (opset 6, 22) and GroupNormalization (Wu & He 2018; opset 21).
/// All are gamma · (x - mean) / √(variance + epsilon) + beta, with mean and (biased) variance over the pixels
/// of a group of channels; in the first two a channel is a group.
#include <cmath>

#include "base/error.h"
#include "layers/normalization.h"
#include "layers/operators.h"
#include "layers/simple_kernel.h"
#include "layers/simple_reduction.h"

namespace swath {
namespace {

/// Means, then variances, by group. State: number of values, mean and Σ (x - mean)², by group, combined as by
/// Chan et al. 1979, so that nothing cancels.
class Statistics final : public SimpleReduction<Statistics> {
 public:
  explicit Statistics(int64_t groups) : groups_(groups) {}

  std::string_view type() const override { return "Statistics"; }
  BackwardReads backward_reads() const override { return {.src = true}; }
  Shape DstShape(const std::vector<Shape>& srcs, const ParameterList&) const override {
    ExpectSources(srcs, 1);
    return {2 * Groups(srcs[0]), 1, 1};
  }

  int64_t StateSize(const std::vector<Shape>& srcs) const override { return 3 * Groups(srcs[0]); }

  template <class T>
  void AddOneRow(const std::vector<Shape>& srcs, const ReductionRow<T>& row, double* state) const {
    const int64_t n = row.columns.size();
    for (int64_t c = 0; c < srcs[0].channels && n > 0; ++c) {
      const T* src = row.srcs[0].At(row.y, c);
      double sum = 0, squares = 0;
      for (int64_t x = 0; x < n; ++x) sum += static_cast<double>(src[x]);
      const double mean = sum / static_cast<double>(n);
      for (int64_t x = 0; x < n; ++x) {
        const double difference = static_cast<double>(src[x]) - mean;
        squares += difference * difference;
      }
      const double of_row[3] = {static_cast<double>(n), mean, squares};
      Combine(of_row, state + 3 * Group(srcs[0], c));
    }
  }

  void Merge(const std::vector<Shape>& srcs, const double* other, double* state) const override {
    for (int64_t g = 0; g < Groups(srcs[0]); ++g) Combine(other + 3 * g, state + 3 * g);
  }

  void Finish(const std::vector<Shape>& srcs, const double* state, Tensor* dst) const override {
    const int64_t groups = Groups(srcs[0]);
    for (int64_t g = 0; g < groups; ++g) {
      dst->values[static_cast<size_t>(g)] = state[3 * g + 1];
      dst->values[static_cast<size_t>(groups + g)] = state[3 * g + 2] / state[3 * g];
    }
  }

  template <class T>
  void BackwardOneRow(const std::vector<Shape>& srcs, const ReductionRow<T>& row,
                      const Result& result) const {
    const int64_t groups = Groups(srcs[0]);
    for (int64_t c = 0; c < srcs[0].channels; ++c) {
      T* diff_src = row.diff_srcs[0].At(row.y, c);
      if (!diff_src) continue;
      const T* src = row.srcs[0].At(row.y, c);
      const int64_t g = Group(srcs[0], c);
      const double n = result.state[3 * g], mean = result.state[3 * g + 1],
                   by_mean = result.diff_dst.values[static_cast<size_t>(g)] / n,
                   by_variance = 2 * result.diff_dst.values[static_cast<size_t>(groups + g)] / n;
      for (int64_t x = 0; x < row.columns.size(); ++x)
        diff_src[x] += static_cast<T>(by_mean + by_variance * (static_cast<double>(src[x]) - mean));
    }
  }

 private:
  int64_t Groups(const Shape& src) const { return groups_ > 0 ? groups_ : src.channels; }
  int64_t Group(const Shape& src, int64_t c) const { return c / (src.channels / Groups(src)); }

  static void Combine(const double* other, double* state) {
    const double n = state[0] + other[0];
    if (!(n > 0)) return;
    const double difference = other[1] - state[1];
    state[1] += difference * other[0] / n;
    state[2] += other[2] + difference * difference * state[0] * other[0] / n;
    state[0] = n;
  }

  int64_t groups_;
};

/// From a map and its statistics to the normalised map.
class Apply final : public SimpleRowLayer<Apply> {
 public:
  explicit Apply(double epsilon) : epsilon_(epsilon) {}

  std::string_view type() const override { return "Normalize"; }
  BackwardReads backward_reads() const override { return {.src = true}; }
  Shape DstShape(const std::vector<Shape>& srcs, const ParameterList&) const override { return srcs[0]; }

  /// The streaming engine's own: graphs have the whole normalisation.
  void ReferenceForward(const ReferenceArgs&, Tensor*) const override {}
  void ReferenceBackward(const ReferenceArgs&, const Tensor&, const Tensor&,
                         const ReferenceGradients&) const override {}

  template <class T>
  void ForwardOneRow(const ForwardRow<T>& row, const KernelContext& context, const ParameterList& p) const {
    for (int64_t c = 0; c < context.dst.channels; ++c) {
      const Normal normal = At(*row.cores[1], context, c);
      Normalise(row.srcs[0].At(row.y, c), context.width(), normal,
                static_cast<double>(p[0]->values[static_cast<size_t>(c)]),
                static_cast<double>(p[1]->values[static_cast<size_t>(c)]), row.dst[c]);
    }
  }

  template <class T>
  void BackwardOneRow(const BackwardRow<T>& row, const KernelContext& context, const ParameterList& p) const {
    const int64_t groups = context.srcs[1].channels / 2;
    for (int64_t c = 0; c < context.dst.channels; ++c) {
      const Normal normal = At(*row.cores[1], context, c);
      const double gamma = p[0]->values[static_cast<size_t>(c)];
      const T *src = row.srcs[0].At(row.y, c), *d = row.diff_dst[c];
      if (row.diff_parameters) {
        AddAffineGradient(src, d, context.width(), normal,
                          row.diff_parameters[0] ? row.diff_parameters[0] + c : nullptr,
                          row.diff_parameters[1] ? row.diff_parameters[1] + c : nullptr);
      }
      T* diff_src = row.diff_srcs[0].At(row.y, c);
      Tensor* diff = row.diff_cores[1];
      if (!diff_src && !diff) continue;
      // Statistics take back the mean of what is added here, which may be all of it. So they are told of it
      // as it is when rounded: all pixels may be rounded the same way.
      const double scale = gamma * normal.reciprocal;
      double sum = 0, product = 0;
      for (int64_t x = 0; x < context.width(); ++x) {
        const T added = static_cast<T>(static_cast<double>(d[x]) * scale);
        if (diff_src) diff_src[x] += added;
        sum += static_cast<double>(added);
        product += static_cast<double>(added) * (static_cast<double>(src[x]) - normal.mean);
      }
      if (!diff) continue;
      const int64_t g = c / (context.dst.channels / groups);
      diff->values[static_cast<size_t>(g)] -= sum;
      diff->values[static_cast<size_t>(groups + g)] -= 0.5 * normal.reciprocal * normal.reciprocal * product;
    }
  }

 private:
  Normal At(const Tensor& statistics, const KernelContext& context, int64_t c) const {
    const int64_t groups = context.srcs[1].channels / 2, g = c / (context.dst.channels / groups);
    const double variance = statistics.values[static_cast<size_t>(groups + g)];
    return {statistics.values[static_cast<size_t>(g)], 1 / std::sqrt(variance + epsilon_)};
  }

  double epsilon_;
};

class ImageNormalization final : public NormalizationLayer {
 public:
  enum class Kind { kBatch, kInstance, kGroup };

  /// `groups` is 0 where every channel is one.
  ImageNormalization(Kind kind, int64_t groups, const BatchNormalizationAttributes& attributes)
      : kind_(kind), groups_(groups), a_(attributes), statistics_(groups), apply_(attributes.epsilon) {}

  std::string_view type() const override {
    const char* const names[] = {"BatchNormalization", "InstanceNormalization", "GroupNormalization"};
    return names[static_cast<int>(kind_)];
  }
  Attributes attributes() const override {
    Attributes attributes = {{"epsilon", a_.epsilon}};
    if (kind_ == Kind::kBatch) {
      attributes = ToOnnx(a_);  // a file is for inference, by the running statistics
    }
    if (kind_ == Kind::kGroup) attributes["num_groups"] = groups_;
    return attributes;
  }
  const ReductionLayer& statistics() const override { return statistics_; }
  const RowLayer& apply() const override { return apply_; }
  bool updates_running() const override { return kind_ == Kind::kBatch; }
  double momentum() const override { return a_.momentum; }

  Shape DstShape(const std::vector<Shape>& srcs, const ParameterList& parameters) const override {
    if (kind_ == Kind::kBatch) {
      ExpectBatchNormalization(srcs, parameters);
      return srcs[0];
    }
    ExpectSources(srcs, 1);
    if (parameters.size() != 2)
      Fail(ErrorCode::kUnsupported, "expected scale and bias as constants, found {} of them",
           parameters.size());
    for (const Parameter* parameter : parameters) ExpectDims(*parameter, {srcs[0].channels}, "scale or bias");
    if (groups_ > 0 && srcs[0].channels % groups_ != 0) {
      Fail(ErrorCode::kUnsupported, "{} channels cannot be divided into {} groups", srcs[0].channels,
           groups_);
    }
    return srcs[0];
  }

  void ReferenceForward(const ReferenceArgs& args, Tensor* dst) const override {
    ForEachGroup(*args.srcs[0], [&](Range channels, const Normal& normal) {
      for (int64_t c = channels.begin; c < channels.end; ++c) {
        const double gamma = Value(args, 0, c), beta = Value(args, 1, c);
        for (int64_t i = 0; i < dst->shape.height * dst->shape.width; ++i)
          dst->Row(c, 0)[i] = gamma * ((args.srcs[0]->Row(c, 0)[i] - normal.mean) * normal.reciprocal) + beta;
      }
    });
  }

  void ReferenceBackward(const ReferenceArgs& args, const Tensor& dst, const Tensor& diff_dst,
                         const ReferenceGradients& gradients) const override {
    const Tensor& src = *args.srcs[0];
    const int64_t plane = dst.shape.height * dst.shape.width;
    ForEachGroup(src, [&](Range channels, const Normal& normal) {
      const auto x_hat = [&](int64_t c, int64_t i) {
        return (src.Row(c, 0)[i] - normal.mean) * normal.reciprocal;
      };
      double sum = 0, product = 0;  // over the group, of gamma · d and of gamma · d · x̂
      for (int64_t c = channels.begin; c < channels.end; ++c) {
        double d_sum = 0, d_product = 0;
        for (int64_t i = 0; i < plane; ++i) {
          d_sum += diff_dst.Row(c, 0)[i];
          d_product += diff_dst.Row(c, 0)[i] * x_hat(c, i);
        }
        if (gradients.diff_parameters[0])
          (*gradients.diff_parameters[0])[static_cast<size_t>(c)] += d_product;
        if (gradients.diff_parameters[1]) (*gradients.diff_parameters[1])[static_cast<size_t>(c)] += d_sum;
        sum += Value(args, 0, c) * d_sum;
        product += Value(args, 0, c) * d_product;
      }
      const double n = static_cast<double>(channels.size() * plane);
      for (int64_t c = channels.begin; gradients.diff_srcs[0] && c < channels.end; ++c) {
        for (int64_t i = 0; i < plane; ++i) {
          gradients.diff_srcs[0]->Row(c, 0)[i] +=
              normal.reciprocal *
              (Value(args, 0, c) * diff_dst.Row(c, 0)[i] - sum / n - x_hat(c, i) * product / n);
        }
      }
    });
  }

 private:
  static double Value(const ReferenceArgs& args, size_t parameter, int64_t c) {
    return args.parameters[parameter]->values[static_cast<size_t>(c)];
  }

  template <class F>
  void ForEachGroup(const Tensor& src, F&& f) const {
    const int64_t groups = groups_ > 0 ? groups_ : src.shape.channels, size = src.shape.channels / groups;
    const int64_t values = size * src.shape.height * src.shape.width;
    for (int64_t g = 0; g < groups; ++g) {
      const double* x = src.Row(g * size, 0);
      double sum = 0, squares = 0;
      for (int64_t i = 0; i < values; ++i) sum += x[i];
      const double mean = sum / static_cast<double>(values);
      for (int64_t i = 0; i < values; ++i) squares += (x[i] - mean) * (x[i] - mean);
      f(Range{g * size, (g + 1) * size},
        Normal{mean, 1 / std::sqrt(squares / static_cast<double>(values) + a_.epsilon)});
    }
  }

  Kind kind_;
  int64_t groups_;
  BatchNormalizationAttributes a_;
  Statistics statistics_;
  Apply apply_;
};

}  // namespace

std::shared_ptr<const Layer> MakeImageBatchNormalization(const BatchNormalizationAttributes& attributes) {
  return std::make_shared<ImageNormalization>(ImageNormalization::Kind::kBatch, 0, attributes);
}

std::shared_ptr<const Layer> MakeInstanceNormalization(double epsilon) {
  return std::make_shared<ImageNormalization>(ImageNormalization::Kind::kInstance, 0,
                                              BatchNormalizationAttributes{.epsilon = epsilon});
}

std::shared_ptr<const Layer> MakeGroupNormalization(int64_t groups, double epsilon) {
  if (groups < 1) Fail(ErrorCode::kUnsupported, "num_groups is {}, expected at least 1", groups);
  return std::make_shared<ImageNormalization>(ImageNormalization::Kind::kGroup, groups,
                                              BatchNormalizationAttributes{.epsilon = epsilon});
}

std::shared_ptr<const Layer> InstanceNormalizationFromOnnx(const Attributes& attributes,
                                                           const ConstantInputs&) {
  AttributeReader reader(attributes);
  const double epsilon = reader.Float("epsilon", static_cast<double>(1e-5f));
  reader.Finish();
  return MakeInstanceNormalization(epsilon);
}

std::shared_ptr<const Layer> GroupNormalizationFromOnnx(const Attributes& attributes, const ConstantInputs&) {
  AttributeReader reader(attributes);
  const double epsilon = reader.Float("epsilon", static_cast<double>(1e-5f));
  const int64_t groups = reader.Int("num_groups", 0);
  reader.Int("stash_type", 1);
  reader.Finish();
  return MakeGroupNormalization(groups, epsilon);
}

}  // namespace swath
