#include "engine/prepare.h"

#include <algorithm>
#include <thread>

#include "base/error.h"
#include "engine/schedule.h"

namespace swath {
namespace {

/// Decoding a pixel costs about as much as this many multiply-adds (measured: 1.4 s a gigapixel on two cores
/// that do 200 G a second).
constexpr int64_t kDecodeMultiplyAdds = 270;

/// Multiply-adds of one pass over the strips.
struct Work64 {
  int64_t forward = 0;
  int64_t backward = 0;  ///< of one cotangent
};

/// The part of an op's source channels that need a gradient.
double GradientShare(const Program& program, const Op& op) {
  int64_t all = 0, needed = 0;
  for (const auto& parts : op.srcs) {
    for (const SourcePart& part : parts) {
      const ProgramTensor& tensor = program.tensors[static_cast<size_t>(part.tensor)];
      all += tensor.shape.channels;
      needed += tensor.needs_gradient ? tensor.shape.channels : 0;
    }
  }
  return static_cast<double>(needed) / static_cast<double>(all);
}

std::vector<Shape> SourceShapes(const Program& program, const Op& op) {
  std::vector<Shape> shapes;
  for (const auto& parts : op.srcs) {
    Shape shape = program.tensors[static_cast<size_t>(parts[0].tensor)].shape;
    shape.channels = 0;
    for (const SourcePart& part : parts)
      shape.channels += program.tensors[static_cast<size_t>(part.tensor)].shape.channels;
    shapes.push_back(shape);
  }
  return shapes;
}

Work64 CountWork(const Program& program, const std::vector<Strip>& strips) {
  Work64 work;
  for (const Op& op : program.ops) {
    const int64_t row =
        op.layer->MultiplyAdds(SourceShapes(program, op), program.tensors[static_cast<size_t>(op.dst)].shape);
    int64_t rows = 0;
    for (const Strip& strip : strips) rows += strip.rows[static_cast<size_t>(op.dst)].size();
    work.forward += rows * row;
    work.backward += static_cast<int64_t>(static_cast<double>(rows * row) *
                                          ((op.trains ? 1.0 : 0.0) + GradientShare(program, op)));
  }
  return work;
}

/// Runs the scheduler over a strip and takes the largest spans.
void DryRun(const Program& program, const Strip& strip, Sweep sweep, std::vector<TensorPlan>* tensors) {
  Schedule schedule(program, strip, sweep);
  // A row that nobody reads needs a place all the same while it is computed.
  const auto grow = [](int64_t* rows, int64_t span) { *rows = std::max({*rows, span, int64_t{1}}); };
  for (Work work = schedule.Next(); work.kind != Work::Kind::kDone; work = schedule.Next()) {
    if (work.kind == Work::Kind::kBackward) {
      const Op& op = program.ops[static_cast<size_t>(work.op)];
      for (const auto& parts : op.srcs) {
        for (const SourcePart& part : parts) {
          if (!program.tensors[static_cast<size_t>(part.tensor)].needs_gradient) continue;
          const Range live = schedule.LiveGradients(part.tensor);
          const Range rows = schedule.SourceRows(op, part.tensor, work.row);
          grow(&(*tensors)[static_cast<size_t>(part.tensor)].gradient_rows,
               (rows.empty() ? live.end : std::max(live.end, rows.end)) - live.begin);
        }
      }
      // A row that nobody has added to is opened, as zeros, when its turn comes.
      const Range live = schedule.LiveGradients(op.dst);
      grow(&(*tensors)[static_cast<size_t>(op.dst)].gradient_rows,
           std::max(live.end, work.row + 1) - live.begin);
    } else {
      const int tensor = work.kind == Work::Kind::kInput ? 0 : program.ops[static_cast<size_t>(work.op)].dst;
      grow(&(*tensors)[static_cast<size_t>(tensor)].value_rows,
           work.row + 1 - schedule.LiveValues(tensor).begin);
      if (tensor == program.output && sweep == Sweep::kTraining &&
          program.tensors[static_cast<size_t>(tensor)].needs_gradient) {
        grow(&(*tensors)[static_cast<size_t>(tensor)].gradient_rows,
             work.row + 1 - schedule.LiveGradients(tensor).begin);
      }
    }
    schedule.Commit(work);
  }
}

template <class T>
class Planner {
 public:
  Planner(const Graph& graph, const Loss* loss, int64_t width, int64_t height, const PlanOptions& options)
      : graph_(graph), loss_(loss) {
    p_.program = Lower(graph, width, height);
    p_.plan.options = options;
    p_.plan.width = width;
    p_.plan.height = height;
  }

  Prepared<T> Run() {
    Plan& plan = p_.plan;
    if (loss_) CheckOutputSize(graph_, plan.width, plan.height);
    ChooseStrips();
    plan.in_flight = std::min<int64_t>(plan.options.threads, static_cast<int64_t>(p_.strips.size()));
    MakeKernels();
    PlaceGradients();
    ChooseSweeps();
    PlanTensors();
    AddBytes();
    return std::move(p_);
  }

 private:
  const ProgramTensor& Tensor(int t) const { return p_.program.tensors[static_cast<size_t>(t)]; }

  void ChooseStrips() {
    Plan& plan = p_.plan;
    if (plan.options.threads <= 0) {
      plan.options.threads = std::max<int64_t>(1, static_cast<int64_t>(std::thread::hardware_concurrency()));
    }
    const int64_t rows = Tensor(p_.program.output).shape.height;
    if (plan.options.strips <= 0) plan.options.strips = loss_ ? DefaultStrips(p_.program) : Bands();
    p_.strips = MakeStrips(p_.program, plan.options.strips);
    plan.options.strips = static_cast<int64_t>(p_.strips.size());
    for (const Strip& strip : p_.strips) plan.input_rows += strip.rows[0].size();
    // One strip hands its rows over as they come.
    if (!loss_)
      plan.band_rows =
          p_.strips.size() == 1 ? std::min<int64_t>(rows, 64) : CeilDiv(rows, plan.options.strips);
  }

  /// Prediction: strips are handed over in order, so they are kept short, but long against their halo.
  int64_t Bands() const {
    if (p_.plan.options.threads == 1) return 1;
    const int64_t rows = Tensor(p_.program.output).shape.height;
    const int64_t halo = MakeStrip(p_.program, {rows / 2, rows / 2 + 1}).rows[0].size();
    return std::max<int64_t>(1, rows / std::max<int64_t>(256, 8 * halo));
  }

  void MakeKernels() {
    for (const Op& op : p_.program.ops) {
      try {
        p_.kernels.push_back(op.layer->MakeKernel<T>({.srcs = SourceShapes(p_.program, op),
                                                      .dst = Tensor(op.dst).shape,
                                                      .backward = loss_ && op.backward}));
      } catch (const Error& e) {
        Fail(e.code(), "[{} {}] {}", op.layer->type(), op.name, e.what());
      }
    }
  }

  void PlaceGradients() {
    for (const Parameter& parameter : graph_.parameters) {
      p_.gradient_offsets.push_back(loss_ && parameter.trainable ? p_.gradient_size : -1);
      if (loss_ && parameter.trainable) p_.gradient_size += parameter.size();
    }
  }

  void ChooseSweeps() {
    Plan& plan = p_.plan;
    if (!loss_) {
      plan.forward_multiply_adds = CountWork(p_.program, p_.strips).forward;
      return;
    }
    const Work64 work = CountWork(p_.program, p_.strips);
    const int64_t m = loss_->cotangents(), decode = kDecodeMultiplyAdds * plan.input_rows * plan.width;
    const int64_t one = decode + work.forward + m * work.backward,
                  two = 2 * decode + 2 * work.forward + work.backward;
    const bool twice = m > 1 && (plan.options.loss_sweeps == LossSweeps::kTwo ||
                                 (plan.options.loss_sweeps == LossSweeps::kCheaper && two < one));
    plan.sweeps = twice ? 2 : 1;
    plan.cotangents = twice ? 1 : m;
    plan.forward_multiply_adds = plan.sweeps * work.forward;
    plan.backward_multiply_adds = plan.cotangents * work.backward;
  }

  void PlanTensors() {
    Plan& plan = p_.plan;
    for (const ProgramTensor& tensor : p_.program.tensors)
      plan.tensors.push_back({.name = tensor.name, .shape = tensor.shape});
    for (const Strip& strip : p_.strips)
      DryRun(p_.program, strip, loss_ ? Sweep::kTraining : Sweep::kForward, &plan.tensors);
    for (size_t i = 0; i < p_.program.ops.size(); ++i) {
      const Op& op = p_.program.ops[i];
      const RowKernel<T>& kernel = *p_.kernels[i];
      plan.tensors[static_cast<size_t>(op.dst)].kernel = kernel.name();
      const auto widen = [&](int t) {
        plan.tensors[static_cast<size_t>(t)].margin =
            std::max(plan.tensors[static_cast<size_t>(t)].margin, kernel.margin());
      };
      widen(op.dst);
      for (const auto& parts : op.srcs) {
        for (const SourcePart& part : parts) {
          widen(part.tensor);
          if (part.view >= 0) AddViewUse(static_cast<int>(i), part.view);
        }
      }
    }
    for (int t = 0; t < static_cast<int>(plan.tensors.size()); ++t) {
      TensorPlan& tensor = plan.tensors[static_cast<size_t>(t)];
      tensor.bytes = t == 0 ? p_.InputLayout().bytes()
                            : p_.ValueLayout(t).bytes() + plan.cotangents * p_.GradientLayout(t).bytes();
    }
  }

  void AddViewUse(int index, int view) {
    const Op& op = p_.program.ops[static_cast<size_t>(index)];
    const auto add = [&](bool backward) {
      for (const ViewUse& use : p_.views) {
        if (use.op == index && use.view == view && use.backward == backward) return;
      }
      p_.views.push_back({index, view, backward, op.rows.most_src()});
    };
    add(false);
    if (loss_ && op.backward && op.layer->backward_reads().src) add(true);
  }

  void AddBytes() {
    Plan& plan = p_.plan;
    for (const TensorPlan& tensor : plan.tensors) plan.ring_bytes += tensor.bytes;
    for (const ViewUse& use : p_.views) plan.view_bytes += p_.ViewLayout(use).bytes();
    for (const auto& kernel : p_.kernels) {
      plan.workspace_bytes += kernel->workspace_bytes();
      plan.weight_bytes += kernel->parameter_bytes();
    }
    if (loss_) plan.label_bytes = plan.width + loss_->scratch_bytes(plan.width);
    plan.ring_bytes *= plan.in_flight;
    plan.view_bytes *= plan.in_flight;
    plan.workspace_bytes *= plan.in_flight;
    plan.label_bytes *= plan.in_flight;
    // One buffer for each strip in flight, one for their sum, one for the result.
    const int64_t doubles = static_cast<int64_t>(sizeof(double));
    plan.gradient_bytes =
        ((plan.in_flight + 1) * plan.cotangents + (loss_ ? 1 : 0)) * p_.gradient_size * doubles;
    plan.output_bytes = plan.in_flight * plan.band_rows * Tensor(p_.program.output).shape.width *
                        (loss_ ? 0 : plan.options.bytes_per_pixel);
  }

  const Graph& graph_;
  const Loss* loss_;
  Prepared<T> p_;
};

}  // namespace

template <class T>
typename RowRing<T>::Layout Prepared<T>::ValueLayout(int tensor) const {
  const TensorPlan& t = plan.tensors[static_cast<size_t>(tensor)];
  return {.capacity = t.value_rows, .channels = t.shape.channels, .width = t.shape.width, .margin = t.margin};
}

template <class T>
typename RowRing<T>::Layout Prepared<T>::GradientLayout(int tensor) const {
  const TensorPlan& t = plan.tensors[static_cast<size_t>(tensor)];
  return {
      .capacity = t.gradient_rows, .channels = t.shape.channels, .width = t.shape.width, .margin = t.margin};
}

template <class T>
typename RowRing<T>::Layout Prepared<T>::ViewLayout(const ViewUse& use) const {
  const TensorPlan& input = plan.tensors[0];
  return {.capacity = use.capacity,
          .channels = input.shape.channels,
          .width = input.shape.width,
          .margin = input.margin};
}

template <class T>
RowRing<uint8_t>::Layout Prepared<T>::InputLayout() const {
  const TensorPlan& input = plan.tensors[0];
  // Rows stay as the source gives them, channels interleaved.
  return {.capacity = input.value_rows,
          .channels = 1,
          .width = input.shape.width * input.shape.channels,
          .margin = 0};
}

template <class T>
Prepared<T> Prepare(const Graph& graph, const Loss* loss, int64_t width, int64_t height,
                    const PlanOptions& options) {
  return Planner<T>(graph, loss, width, height, options).Run();
}

template struct Prepared<float>;
template struct Prepared<double>;
template Prepared<float> Prepare(const Graph&, const Loss*, int64_t, int64_t, const PlanOptions&);
template Prepared<double> Prepare(const Graph&, const Loss*, int64_t, int64_t, const PlanOptions&);

Plan MakePlan(const Graph& graph, const Loss* loss, int64_t width, int64_t height,
              const PlanOptions& options) {
  return options.precision == Precision::kFloat32 ? Prepare<float>(graph, loss, width, height, options).plan
                                                  : Prepare<double>(graph, loss, width, height, options).plan;
}

}  // namespace swath
