#include "engine/prepare.h"

#include <algorithm>
#include <numeric>

#include "base/error.h"
#include "base/processors.h"
#include "engine/schedule.h"
#include "swath/model.h"

namespace swath {
namespace {

/// Decoding a pixel costs about as much as this many multiply-adds (measured: 1.4 s a gigapixel on two cores
/// that do 200 G a second).
constexpr int64_t kDecodeMultiplyAdds = 270;

/// Multiply-adds of one op in one sweep over all strips and panels.
struct OpWork {
  int64_t forward = 0;
  int64_t backward = 0;                           ///< of one cotangent
  int64_t least_forward = 0, least_backward = 0;  ///< in one strip and one panel, without halos

  OpWork& operator+=(const OpWork& other) {
    forward += other.forward;
    backward += other.backward;
    least_forward += other.least_forward;
    least_backward += other.least_backward;
    return *this;
  }
};

/// By op.
using SweepWork = std::vector<OpWork>;

void Add(const SweepWork& other, SweepWork* work) {
  for (size_t i = 0; i < work->size(); ++i) (*work)[i] += other[i];
}

OpWork Sum(const SweepWork& work) {
  OpWork sum;
  for (const OpWork& op : work) sum += op;
  return sum;
}

/// The part of an op's streamed source channels that have a gradient in a sweep.
double GradientShare(const Program& program, const Sweep& sweep, const Op& op) {
  int64_t all = 0, needed = 0;
  for (const OpSource& src : op.srcs) {
    for (const SourcePart& part : src.parts) {
      const int writer = program.writer[static_cast<size_t>(part.tensor)];
      all += part.channels.size();
      needed += writer >= 0 && sweep.backward[static_cast<size_t>(writer)] ? part.channels.size() : 0;
    }
  }
  return static_cast<double>(needed) / static_cast<double>(all);
}

/// Pixels of a tensor that are computed in a sweep over all strips and panels.
int64_t PixelsOf(const Prepared& p, const Sweep& sweep, size_t tensor) {
  int64_t pixels = 0;
  for (const Panel& panel : p.panels) {
    for (const Strip& strip : sweep.StripsOf(panel.part))
      pixels += strip.rows[tensor].size() * panel.columns[tensor].size();
  }
  return pixels;
}

/// What parts there are of an image, over the whole of it.
double ShareOf(const std::vector<Part>& parts, const Shape& image) {
  int64_t pixels = 0;
  for (const Part& part : parts) pixels += part.pixels();
  return static_cast<double>(pixels) / static_cast<double>(image.height * image.width);
}

SweepWork CountWork(const Prepared& p, const Sweep& sweep) {
  SweepWork work(p.program.ops.size());
  const double share = ShareOf(p.parts, p.program.tensors[0].shape);
  for (size_t i = 0; i < p.program.ops.size(); ++i) {
    const Op& op = p.program.ops[i];
    if (!sweep.forward[i] || !op.layer) continue;
    const Shape& dst = p.program.tensors[static_cast<size_t>(op.dst)].shape;
    const double row = static_cast<double>(op.layer->MultiplyAdds(p.SourceShapes(op), dst)),
                 pixels = static_cast<double>(PixelsOf(p, sweep, static_cast<size_t>(op.dst)));
    const double all = row * pixels / static_cast<double>(dst.width),
                 least = row * static_cast<double>(dst.height) * share;
    work[i].forward = static_cast<int64_t>(all);
    work[i].least_forward = static_cast<int64_t>(least);
    if (!sweep.backward[i]) continue;
    const double parts = (op.trains && sweep.trains ? 1.0 : 0.0) + GradientShare(p.program, sweep, op);
    work[i].backward = static_cast<int64_t>(all * parts);
    work[i].least_backward = static_cast<int64_t>(least * parts);
  }
  return work;
}

/// Multiply-adds of an op for a pixel of the image. By itself, not by what the rest of the network costs: a
/// part of a network computes the same.
int64_t MultiplyAddsAPixel(const Prepared& prepared, const Op& op) {
  const Shape &dst = prepared.program.tensors[static_cast<size_t>(op.dst)].shape,
              &image = prepared.program.tensors[0].shape;
  return CeilDiv(dst.height * op.layer->MultiplyAdds(prepared.SourceShapes(op), dst),
                 image.height * image.width);
}

/// Runs the scheduler over a strip and takes the largest spans.
void DryRun(const Program& program, const Sweep& sweep, const Strip& strip,
            std::vector<TensorPlan>* tensors) {
  Schedule schedule(program, sweep, strip);
  // A row that nobody reads needs a place all the same while it is computed.
  const auto grow = [](int64_t* rows, int64_t span) { *rows = std::max({*rows, span, int64_t{1}}); };
  for (Work work = schedule.Next(); work.kind != Work::Kind::kDone; work = schedule.Next()) {
    if (work.kind == Work::Kind::kBackward) {
      const Op& op = program.ops[static_cast<size_t>(work.op)];
      for (const OpSource& src : op.srcs) {
        for (const SourcePart& part : src.parts) {
          if (!schedule.HasGradient(part.tensor)) continue;
          const Range live = schedule.LiveGradients(part.tensor);
          const Range rows = schedule.GradientRows(op, part.tensor, work.rows);
          grow(&(*tensors)[static_cast<size_t>(part.tensor)].gradient_rows,
               (rows.empty() ? live.end : std::max(live.end, rows.end)) - live.begin);
        }
      }
      // A row that nobody has added to is opened, as zeros, when its turn comes.
      if (op.layer) {
        const Range live = schedule.LiveGradients(op.dst);
        grow(&(*tensors)[static_cast<size_t>(op.dst)].gradient_rows,
             std::max(live.end, work.rows.end) - live.begin);
      }
    } else {
      const int tensor = work.kind == Work::Kind::kInput ? 0 : program.ops[static_cast<size_t>(work.op)].dst;
      grow(&(*tensors)[static_cast<size_t>(tensor)].value_rows,
           work.rows.end - schedule.LiveValues(tensor).begin);
      if (sweep.output && tensor == program.output && schedule.HasGradient(tensor)) {
        grow(&(*tensors)[static_cast<size_t>(tensor)].gradient_rows,
             work.rows.end - schedule.LiveGradients(tensor).begin);
      }
    }
    schedule.Commit(work);
  }
}

class Planner {
 public:
  Planner(const Graph& graph, const Objective& objective, int64_t width, int64_t height,
          const PlanOptions& options)
      : graph_(graph), objective_(objective) {
    p_.program = Lower(graph, width, height);
    p_.sweeps = PlanSweeps(p_.program);
    p_.plan.options = options;
    p_.plan.width = width;
    p_.plan.height = height;
    CheckObjective();
  }

  template <class T>
  Prepared Run(PanelKernels<T>* first) {
    Plan& plan = p_.plan;
    ChooseParts();
    ChoosePanels();
    ChooseStrips();
    plan.in_flight = std::min(plan.options.threads, plan.options.strips);
    if (plan.options.in_flight > 0) plan.in_flight = std::min(plan.in_flight, plan.options.in_flight);
    plan.team = plan.options.threads / plan.in_flight;
    PlaceGradients();
    PlaceStates();
    ChooseSweeps();
    PlanTensors();
    ChooseCompact();
    PlanViews();
    AddBytes<T>(first);
    return std::move(p_);
  }

 private:
  const ProgramTensor& Tensor(int t) const { return p_.program.tensors[static_cast<size_t>(t)]; }
  bool trains() const { return static_cast<bool>(objective_); }

  void CheckObjective() {
    if (objective_.pixels) {
      if (p_.program.output < 0) {
        Fail(ErrorCode::kUnsupported,
             "[{}] the output is one value a slide, expected a map, as a loss over pixels needs it",
             graph_.tensors[static_cast<size_t>(graph_.output)]);
      }
      CheckOutputSize(graph_, p_.plan.width, p_.plan.height);
    }
    if (objective_.slide && p_.program.core_output < 0) {
      Fail(ErrorCode::kUnsupported,
           "[{}] the output is a map, expected values of the slide, as a loss over slides needs them",
           graph_.tensors[static_cast<size_t>(graph_.output)]);
    }
  }

  /// What the image is computed for: parts of it, or all of it.
  void ChooseParts() {
    const std::vector<Part>& wanted = p_.plan.options.wanted;
    const bool all = wanted.empty() || !p_.sweeps.forward.empty();
    p_.parts = all ? std::vector{WholeImage(p_.program)} : wanted;
    p_.plan.parts = all ? 0 : static_cast<int64_t>(wanted.size());
    CheckParts();
  }

  void CheckParts() const {
    const Part whole = WholeImage(p_.program);
    for (size_t i = 0; i < p_.parts.size(); ++i) {
      const Part& part = p_.parts[i];
      bool good = part.pixels() > 0 && Overlap(part, whole) == part;
      for (size_t j = 0; j < i; ++j) good = good && Overlap(part, p_.parts[j]).pixels() == 0;
      if (good) continue;
      Fail(ErrorCode::kUsage,
           "wanted part {}, rows {} to {} and columns {} to {}, expected parts of the {} x {} px that do "
           "not overlap",
           i, part.rows.begin, part.rows.end, part.columns.begin, part.columns.end, p_.plan.width,
           p_.plan.height);
    }
  }

  /// Of a part as many as its share of the image's width asks for, so that none is wider than without parts.
  void ChoosePanels() {
    int64_t& panels = p_.plan.options.panels;
    // A prediction would have to keep its logits until the last panel is done.
    if (panels <= 0) panels = trains() ? DefaultPanels(p_.program) : 1;
    const int64_t multiple = PanelMultiple(), widest = CeilDiv(p_.plan.width, panels);
    int64_t most = 0;
    for (size_t i = 0; i < p_.parts.size(); ++i) {
      const Range columns = p_.parts[i].columns;
      std::vector<Panel> made = MakePanels(p_.program, columns, CeilDiv(columns.size(), widest), multiple);
      most = std::max(most, static_cast<int64_t>(made.size()));
      for (Panel& panel : made) {
        panel.part = i;
        if (panel.columns[0].size() > p_.plan.input_columns.size()) p_.plan.input_columns = panel.columns[0];
        p_.panels.push_back(std::move(panel));
      }
    }
    panels = most;
  }

  /// Of each part; where it is not said how many, a tall part has more than others.
  void MakeAllStrips() {
    int64_t most = 0;
    for (size_t i = 0; i < p_.parts.size(); ++i) {
      const Range rows = p_.parts[i].rows;
      const int64_t asked = p_.plan.options.strips;
      const int64_t count = asked > 0                           ? asked
                            : trains() || p_.program.output < 0 ? DefaultStrips(p_.program, Longest(), rows)
                                                                : Bands(rows);
      for (Sweep* sweep : p_.sweeps.All()) {
        for (Strip& strip : MakeStrips(p_.program, *sweep, rows, count)) {
          strip.part = i;
          sweep->strips.push_back(std::move(strip));
        }
      }
      most = std::max(most, static_cast<int64_t>(Longest().StripsOf(i).size()));
    }
    p_.plan.options.strips = most;
  }

  /// The sweep that the number of strips is chosen for.
  const Sweep& Longest() const {
    if (trains()) return p_.sweeps.backward.back();
    return p_.sweeps.output.output ? p_.sweeps.output : p_.sweeps.forward.back();
  }

  void ChooseStrips() {
    Plan& plan = p_.plan;
    if (plan.options.threads <= 0) {
      plan.options.threads = Processors();
    }
    if (!trains()) p_.sweeps.backward.clear();
    MakeAllStrips();
    const std::vector<Strip>& strips = Longest().strips;
    for (const Strip& strip : strips) plan.input_rows += strip.rows[0].size();
    plan.input_pixels = PixelsOf(p_, Longest(), 0);
    if (trains() || p_.program.output < 0) return;
    // One strip hands its rows over as they come; panels, all when the last of them is done.
    const int64_t rows = Tensor(p_.program.output).shape.height;
    plan.band_rows = p_.spools()          ? 1
                     : strips.size() == 1 ? std::min<int64_t>(rows, 64)
                                          : CeilDiv(rows, plan.options.strips);
  }

  /// Prediction: strips are handed over in order, so they are kept short, but long against their halo; and of
  /// an even number, since a last one that runs alone costs the most where there are few.
  int64_t Bands(Range part) const {
    if (p_.plan.options.threads == 1) return 1;
    const int64_t rows = Tensor(p_.program.output).shape.height;
    const std::vector<Strip> strips = MakeStrips(p_.program, p_.sweeps.output, {0, p_.plan.height}, rows);
    const int64_t halo = strips[strips.size() / 2].rows[0].size();
    const int64_t of_part = rows * part.size() / p_.plan.height;
    const int64_t bands = std::max<int64_t>(1, of_part / std::max<int64_t>(256, 8 * halo));
    return bands > 1 ? bands + bands % 2 : 1;
  }

  /// What edges of panels are aligned to, so that inner ones are alike. A network whose tensors fit together
  /// at this size only has no such number.
  int64_t PanelMultiple() const {
    if (p_.plan.options.panels <= 1) return 1;
    try {
      return TotalStride(graph_);
    } catch (const Error&) {
      return 1;
    }
  }

  void PlaceGradients() {
    for (const Parameter& parameter : graph_.parameters) {
      p_.gradient_sizes.push_back(trains() && parameter.trainable ? parameter.size() : 0);
    }
  }

  void PlaceStates() {
    for (const Op& op : p_.program.ops) {
      p_.state_offsets.push_back(p_.state_size);
      if (op.reduction) p_.state_size += op.reduction->StateSize(p_.SourceShapes(op));
    }
  }

  void ChooseSweeps() {
    Plan& plan = p_.plan;
    const SweepWork none(p_.program.ops.size());
    SweepWork forward = none, back = none;
    for (const Sweep& sweep : p_.sweeps.forward) Add(CountWork(p_, sweep), &forward);
    const int64_t reductions = static_cast<int64_t>(p_.sweeps.forward.size());
    plan.forward_sweeps = reductions;
    plan.backward_sweeps = static_cast<int64_t>(p_.sweeps.backward.size());
    const SweepWork output = p_.sweeps.output.output ? CountWork(p_, p_.sweeps.output) : none;
    if (!trains()) {
      plan.sweeps = reductions + (p_.sweeps.output.output ? 1 : 0);
      Add(output, &forward);
      return PlanWork(forward, none);
    }
    for (const Sweep& sweep : p_.sweeps.backward) Add(CountWork(p_, sweep), &back);
    const int64_t m = objective_.pixels ? objective_.pixels->cotangents() : 1;
    const int64_t decode = kDecodeMultiplyAdds * plan.input_pixels;
    const OpWork sum = Sum(back);
    const int64_t one = sum.forward + m * sum.backward,
                  two = decode + Sum(output).forward + sum.forward + sum.backward;
    // Tensors in core have one gradient, not one a cotangent.
    const bool twice = m > 1 && (plan.options.loss_sweeps == LossSweeps::kTwo || reductions > 0 ||
                                 (plan.options.loss_sweeps == LossSweeps::kCheaper && two < one));
    plan.loss_sweeps = twice ? 2 : 1;
    plan.sweeps = reductions + (twice ? 1 : 0) + static_cast<int64_t>(p_.sweeps.backward.size());
    plan.cotangents = twice ? 1 : m;
    if (twice) Add(output, &forward);
    PlanWork(forward, back);
  }

  /// `forward` is the work of the sweeps that do not go back.
  void PlanWork(const SweepWork& forward, const SweepWork& back) {
    Plan& plan = p_.plan;
    for (size_t i = 0; i < p_.program.ops.size(); ++i) {
      const Op& op = p_.program.ops[i];
      plan.ops.push_back({.name = op.name,
                          .type = std::string(op.layer ? op.layer->type() : op.reduction->type()),
                          .kernel = {},
                          .forward_multiply_adds = forward[i].forward + back[i].forward,
                          .backward_multiply_adds = plan.cotangents * back[i].backward});
      plan.forward_multiply_adds += plan.ops[i].forward_multiply_adds;
      plan.backward_multiply_adds += plan.ops[i].backward_multiply_adds;
      plan.least_multiply_adds +=
          forward[i].least_forward + back[i].least_forward + plan.cotangents * back[i].least_backward;
    }
  }

  void PlanTensors() {
    Plan& plan = p_.plan;
    for (const ProgramTensor& tensor : p_.program.tensors)
      plan.tensors.push_back({.name = tensor.name, .shape = tensor.shape});
    for (const Sweep* sweep : p_.sweeps.All()) {
      for (const Strip& strip : sweep->strips) DryRun(p_.program, *sweep, strip, &plan.tensors);
    }
  }

  /// Where half of the rows that are kept is more than all that readers convert. Logits are not rounded.
  void ChooseCompact() {
    const std::vector<TensorPlan>& tensors = p_.plan.tensors;
    p_.compact.assign(tensors.size(), false);
    if (p_.plan.options.precision != Precision::kBFloat16) return;
    for (size_t t = 1; t < tensors.size(); ++t) {
      if (tensors[t].shape.channels == 0) continue;  // counts a reduction's rows, and has none
      int64_t converted = 0;
      for (const int reader : p_.program.readers[t]) {
        const Op& op = p_.program.ops[static_cast<size_t>(reader)];
        converted += (ReadsBackward(op) && !IsLast(op) ? 2 : 1) * op.rows.most_src(op.rows_at_once);
      }
      p_.compact[t] = static_cast<int>(t) != p_.program.output && tensors[t].value_rows > 2 * converted;
    }
  }

  bool ReadsBackward(const Op& op) const { return trains() && op.backward && op.reads_src_backward(); }
  bool IsLast(const Op& op) const { return op.dst == p_.program.output; }

  void PlanViews() {
    for (size_t i = 0; i < p_.program.ops.size(); ++i) {
      for (const OpSource& src : p_.program.ops[i].srcs) {
        for (const SourcePart& part : src.parts) {
          if (part.view >= 0 || p_.compact[static_cast<size_t>(part.tensor)])
            AddViewUse(static_cast<int>(i), part);
        }
      }
    }
  }

  void AddViewUse(int index, const SourcePart& part) {
    const Op& op = p_.program.ops[static_cast<size_t>(index)];
    for (const ViewUse& use : p_.views) {
      if (use.op == index && use.tensor == part.tensor && use.view == part.view) return;
    }
    const auto add = [&](bool forward, bool backward) {
      p_.views.push_back(
          {index, part.tensor, part.view, forward, backward, op.rows.most_src(op.rows_at_once)});
    };
    const bool both = ReadsBackward(op) && IsLast(op);
    add(true, both);
    if (ReadsBackward(op) && !both) add(false, true);
  }

  template <class T>
  void AddBytes(PanelKernels<T>* first) {
    Plan& plan = p_.plan;
    // Panels follow one another, and inner ones of a part are alike: the largest of a single part is one of
    // the first two or the last two.
    const size_t count = p_.panels.size();
    for (size_t i = 0; i < count; ++i) {
      if (p_.parts.size() == 1 && i >= 2 && i + 2 < count) continue;
      PanelKernels<T> kernels = AddPanel<T>(p_.panels[i]);
      if (first && i == 0) *first = std::move(kernels);
    }
    plan.weight_bytes += graph_.parameter_bytes();
    if (objective_.pixels) plan.label_bytes = plan.width + objective_.pixels->scratch_bytes(plan.width);
    plan.label_bytes *= plan.in_flight;
    // One for each strip in flight and one for their sum, which becomes the result where there is one
    // cotangent; a single strip adds to the sum itself.
    const int64_t doubles = static_cast<int64_t>(sizeof(double));
    const int64_t sums = plan.options.strips == 1 ? 1 : plan.in_flight + 1;
    plan.gradient_bytes = (sums * plan.cotangents + (plan.cotangents > 1 ? 1 : 0)) *
                          std::accumulate(p_.gradient_sizes.begin(), p_.gradient_sizes.end(), int64_t{0}) *
                          doubles;
    int64_t cores = 0;
    for (const CoreTensor& core : p_.program.cores) cores += core.shape.size();
    int64_t weights = 0;
    for (const CoreOp& op : p_.program.core_ops) {
      for (const int p : op.parameters) {
        weights += p_.gradient_sizes[static_cast<size_t>(p)];
      }
    }
    plan.core_bytes =
        ((plan.in_flight + 2) * p_.state_size + (plan.in_flight + 3) * cores + weights) * doubles;
    if (!trains() && p_.program.output >= 0) {
      const Shape& shape = Tensor(p_.program.output).shape;
      const int64_t row_bytes = shape.width * plan.options.bytes_per_pixel;
      plan.output_bytes = p_.spools()
                              ? row_bytes + shape.channels * shape.width * static_cast<int64_t>(sizeof(float))
                              : plan.in_flight * plan.band_rows * row_bytes;
    }
  }

  template <class T>
  PanelKernels<T> AddPanel(const Panel& panel) {
    Plan& plan = p_.plan;
    PanelKernels<T> kernels = MakePanelKernels<T>(p_, panel, trains());
    int64_t rings = 0, views = 0, workspaces = 0, weights = 0, shared = 0;
    for (size_t i = 0; i < p_.program.ops.size(); ++i) {
      const RowKernel<T>* kernel = kernels.kernels[i].get();
      if (!kernel) continue;
      plan.tensors[static_cast<size_t>(p_.program.ops[i].dst)].kernel = kernel->name();
      plan.ops[i].kernel = kernel->name();
      workspaces += kernel->workspace_bytes();
      weights += kernel->parameter_bytes();
      shared = std::max(shared, kernel->shared_bytes());
    }
    for (int t = 0; t < static_cast<int>(plan.tensors.size()); ++t) {
      TensorPlan& tensor = plan.tensors[static_cast<size_t>(t)];
      const int64_t values = t == 0 ? kernels.InputLayout(p_).bytes()
                             : p_.compact[static_cast<size_t>(t)]
                                 ? kernels.template Layout<BFloat16>(p_, t, tensor.value_rows).bytes()
                                 : kernels.template Layout<T>(p_, t, tensor.value_rows).bytes();
      const int64_t gradients =
          t == 0 ? 0 : plan.cotangents * kernels.template Layout<T>(p_, t, tensor.gradient_rows).bytes();
      const int64_t bytes = values + gradients;
      tensor.bytes = std::max(tensor.bytes, bytes);
      tensor.margin = std::max(tensor.margin, kernels.margins[static_cast<size_t>(t)]);
      rings += bytes;
    }
    for (const ViewUse& use : p_.views)
      views += kernels.template Layout<T>(p_, use.tensor, use.capacity).bytes();
    views += kernels.WrittenValues(p_) * static_cast<int64_t>(sizeof(T));
    plan.ring_bytes = std::max(plan.ring_bytes, plan.in_flight * rings);
    plan.view_bytes = std::max(plan.view_bytes, plan.in_flight * views);
    plan.workspace_bytes = std::max(plan.workspace_bytes, plan.in_flight * workspaces);
    plan.weight_bytes = std::max(plan.weight_bytes, weights + shared);
    return kernels;
  }

  const Graph& graph_;
  Objective objective_;
  Prepared p_;
};

}  // namespace

std::string ToString(Precision precision) {
  switch (precision) {
    case Precision::kFloat64:
      return "fp64";
    case Precision::kBFloat16:
      return "bf16";
    case Precision::kFloat32:
      break;
  }
  return "fp32";
}

std::vector<Shape> Prepared::SourceShapes(const Op& op) const {
  std::vector<Shape> shapes;
  for (const OpSource& src : op.srcs) {
    if (!src.streamed()) {
      shapes.push_back(program.cores[static_cast<size_t>(src.core)].shape);
      continue;
    }
    Shape shape = program.tensors[static_cast<size_t>(src.parts[0].tensor)].shape;
    shape.channels = 0;
    for (const SourcePart& part : src.parts) shape.channels += part.channels.size();
    shapes.push_back(shape);
  }
  return shapes;
}

template <class T>
PanelKernels<T> MakePanelKernels(const Prepared& prepared, const Panel& panel, bool backward) {
  const Program& program = prepared.program;
  PanelKernels<T> made{
      .panel = &panel, .kernels = {}, .margins = std::vector<int64_t>(program.tensors.size(), 0)};
  for (size_t i = 0; i < program.ops.size(); ++i) {
    const Op& op = program.ops[i];
    std::unique_ptr<RowKernel<T>>& kernel = made.kernels.emplace_back();
    if (op.reduction) continue;
    KernelContext context{.srcs = prepared.SourceShapes(op),
                          .dst = program.tensors[static_cast<size_t>(op.dst)].shape,
                          .in_core = {},
                          .src_columns = panel.src_columns[i],
                          .dst_columns = panel.columns[static_cast<size_t>(op.dst)],
                          .backward = backward && op.backward,
                          .pack_weights = prepared.plan.options.pack_weights,
                          .team = prepared.plan.team,
                          .relu = op.activation && op.activation->type() == "Relu",
                          .bfloat16 = prepared.plan.options.precision == Precision::kBFloat16,
                          .multiply_adds = MultiplyAddsAPixel(prepared, op)};
    for (const OpSource& src : op.srcs) context.in_core.push_back(!src.streamed());
    for (const SourcePart& part : op.srcs[0].parts) {
      const size_t before = context.image_channels.size();
      context.image_channels.resize(before + static_cast<size_t>(part.channels.size()), part.view >= 0);
    }
    try {
      kernel = op.layer->MakeKernel<T>(context);
    } catch (const Error& e) {
      Fail(e.code(), "[{} {}] {}", op.layer->type(), op.name, e.what());
    }
    const auto widen = [&](int t) {
      int64_t& margin = made.margins[static_cast<size_t>(t)];
      margin = std::max(margin, kernel->margin());
    };
    widen(op.dst);
    for (const OpSource& src : op.srcs) {
      for (const SourcePart& part : src.parts) widen(part.tensor);
    }
  }
  return made;
}

template <class T>
RowRing<uint8_t>::Layout PanelKernels<T>::InputLayout(const Prepared& prepared) const {
  const TensorPlan& input = prepared.plan.tensors[0];
  // Rows stay as the source gives them, channels interleaved.
  return {
      .capacity = input.value_rows,
      .channels = 1,
      .width = panel->columns[0].size() * input.shape.channels * SampleBytes(prepared.plan.options.samples),
      .margin = 0};
}

template <class T>
int64_t PanelKernels<T>::WrittenValues(const Prepared& prepared) const {
  int64_t most = 0;
  for (const Op& op : prepared.program.ops) {
    if (!prepared.compact[static_cast<size_t>(op.dst)]) continue;
    const auto layout = Layout<T>(prepared, op.dst, op.rows_at_once);
    most = std::max(most, layout.capacity * layout.channels * layout.pitch());
  }
  return most;
}

template <class T>
Prepared Prepare(const Graph& graph, const Objective& objective, int64_t width, int64_t height,
                 const PlanOptions& options, PanelKernels<T>* first) {
  return Planner(graph, objective, width, height, options).Run<T>(first);
}

template struct PanelKernels<float>;
template struct PanelKernels<double>;
template PanelKernels<float> MakePanelKernels(const Prepared&, const Panel&, bool);
template PanelKernels<double> MakePanelKernels(const Prepared&, const Panel&, bool);

template Prepared Prepare(const Graph&, const Objective&, int64_t, int64_t, const PlanOptions&,
                          PanelKernels<float>*);
template Prepared Prepare(const Graph&, const Objective&, int64_t, int64_t, const PlanOptions&,
                          PanelKernels<double>*);

PlanOptions ForParts(PlanOptions fitted, int64_t strips, std::vector<Part> wanted) {
  if (wanted.empty()) return fitted;
  // A single strip may have been chosen for its memory.
  if (fitted.strips != 1) fitted.strips = strips;
  fitted.wanted = std::move(wanted);
  return fitted;
}

int64_t Halo(const Graph& graph, int64_t width, int64_t height) {
  const Program program = Lower(graph, width, height);
  const Sweep sweep = PlanSweeps(program).output;
  const Strip strip = MakeStrip(program, sweep, {height / 2, height / 2 + 1}, height);
  const Panel panel = MakePanels(program, {width / 2, width / 2 + 1}, 1, 1).front();
  return std::max(strip.rows[0].size(), panel.columns[0].size()) - 1;
}

Plan MakePlan(const Graph& graph, const Objective& objective, int64_t width, int64_t height,
              const PlanOptions& options) {
  return options.precision == Precision::kFloat64
             ? Prepare<double>(graph, objective, width, height, options).plan
             : Prepare<float>(graph, objective, width, height, options).plan;
}

}  // namespace swath
