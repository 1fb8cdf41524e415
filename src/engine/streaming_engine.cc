/// Strips over threads: the engine that users run.
#include <algorithm>
#include <cassert>
#include <cmath>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <span>
#include <thread>

#include "base/aligned_buffer.h"
#include "base/node_seed.h"
#include "engine/check_source.h"
#include "engine/logit_spool.h"
#include "engine/running.h"
#include "engine/strip_runner.h"

namespace swath {
namespace {

/// Lets strips pass one after the other, in their order, whichever thread has them; this is what makes sums
/// and outputs independent of the number of threads. After a failure everybody passes, to get out.
class Turnstile {
 public:
  /// False: some strip failed, stop.
  bool Wait(int64_t strip) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return next_ == strip || failure_; });
    return !failure_;
  }
  void Pass() {
    const std::lock_guard lock(mutex_);
    ++next_;
    changed_.notify_all();
  }
  void Fail(std::exception_ptr failure) {
    const std::lock_guard lock(mutex_);
    if (!failure_) failure_ = failure;
    changed_.notify_all();
  }
  void Rethrow() const {
    if (failure_) std::rethrow_exception(failure_);
  }
  /// The next strip that nobody has taken, or -1.
  int64_t Take(int64_t count) {
    const std::lock_guard lock(mutex_);
    return failure_ || taken_ == count ? -1 : taken_++;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int64_t taken_ = 0;
  int64_t next_ = 0;
  std::exception_ptr failure_;
};

class ProgressCounter {
 public:
  ProgressCounter(const Progress& progress, int64_t total) : progress_(progress), total_(total) {}

  void Add(int64_t rows) {
    if (!progress_) return;
    const std::lock_guard lock(mutex_);
    done_ += rows;
    progress_(done_, total_);
  }

 private:
  const Progress& progress_;
  int64_t total_;
  std::mutex mutex_;
  int64_t done_ = 0;
};

/// A strip, and what the thread that has it works with.
struct Turn {
  size_t thread;
  const Panel& panel;
  const Strip& strip;
  int64_t index;  ///< of the strip in its panel
  RowSource* image;
  RowSource* labels;  ///< null where the sweep reads none
  Turnstile* turnstile;
};

template <class T>
class Streaming final : public StreamingEngine {
 public:
  Streaming(const Graph& graph, const Objective& objective, Prepared prepared, PanelKernels<T> kernels)
      : graph_(graph), objective_(objective), prepared_(std::move(prepared)), total_(prepared_, objective_) {
    // A single strip adds to the total itself.
    for (int64_t i = 0; i < prepared_.plan.in_flight && prepared_.plan.options.strips > 1; ++i)
      sums_.push_back(std::make_unique<StripSums>(prepared_, objective_));
    kernels_ = std::move(kernels);
    MakeRunners();
    for (const CoreTensor& core : prepared_.program.cores) {
      cores_.values.emplace_back(core.shape);
      cores_.diffs.emplace_back(objective_ ? Tensor(core.shape) : Tensor());
    }
    cores_.states.resize(static_cast<size_t>(prepared_.state_size));
  }

  const Plan& plan() const override { return prepared_.plan; }
  const Profile& profile() const override { return profile_; }

  StepResult Step(const Sample& sample, const Progress& progress) override {
    Begin(sample);
    const Sweeps& sweeps = prepared_.sweeps;
    ProgressCounter counter(progress, RowsOf(sweeps.forward) + RowsOf(sweeps.backward) +
                                          (prepared_.plan.loss_sweeps == 2 ? RowsOf(sweeps.output) : 0));
    RunForward(sample, &counter);
    StepResult result;
    std::vector<double> coefficients;
    if (objective_.slide) {
      result.loss = SlideValue(sample, true);
    } else if (prepared_.plan.loss_sweeps == 2) {
      RunSweep(sweeps.output, sample, nullptr, &counter);
      result.loss = objective_.pixels->Finish(total_.loss.data());
      coefficients = result.loss.coefficients;
    }
    CoreGradients core_gradients;
    for (size_t i = 0; i < sweeps.backward.size(); ++i) {
      RunCoreBackward(sweeps.backward_cores[i], sample, &core_gradients);
      RunSweep(sweeps.backward[i], sample, coefficients.empty() ? nullptr : coefficients.data(), &counter);
      for (size_t c = 0; c < cores_.diffs.size(); ++c) {
        for (size_t v = 0; v < total_.diff_cores[c].values.size(); ++v)
          cores_.diffs[c].values[v] += total_.diff_cores[c].values[v];
      }
    }
    RunCoreBackward(sweeps.backward_cores.back(), sample, &core_gradients);
    if (objective_.pixels) result.loss = objective_.pixels->Finish(total_.loss.data());
    Combine(objective_.pixels && coefficients.empty() ? result.loss.coefficients : std::vector<double>{1.0},
            core_gradients, &result);
    AddRunning(&result);
    return result;
  }

  Loss::Value Evaluate(const Sample& sample, const Progress& progress) override {
    Begin(sample);
    ProgressCounter counter(progress, RowsOf(prepared_.sweeps.forward) + RowsOf(prepared_.sweeps.output));
    RunForward(sample, &counter);
    if (objective_.slide) return SlideValue(sample, false);
    RunSweep(prepared_.sweeps.output, sample, nullptr, &counter);
    return objective_.pixels->Finish(total_.loss.data());
  }

  std::vector<double> PredictSlide(const RowSource& image, const Progress& progress, uint64_t seed) override {
    assert(prepared_.program.core_output >= 0);
    Begin(image);
    ProgressCounter counter(progress, RowsOf(prepared_.sweeps.forward));
    RunForward({.image = &image, .seed = seed}, &counter);
    return cores_.values[static_cast<size_t>(prepared_.program.core_output)].values;
  }

  void Predict(const RowSource& image, const LogitsToBytes& to_bytes, const PredictionSink& sink,
               const Progress& progress, uint64_t seed) override {
    assert(!objective_ && prepared_.program.output >= 0);
    Begin(image);
    ProgressCounter counter(progress, RowsOf(prepared_.sweeps.forward) + RowsOf(prepared_.sweeps.output));
    const Sample sample{.image = &image, .seed = seed};
    RunForward(sample, &counter);
    if (prepared_.spools()) return PredictPanels(sample, to_bytes, sink, &counter);
    // By thread: strips that each made their own would spend longer on clearing memory than on filling it.
    std::vector<AlignedBuffer<uint8_t>> bands(static_cast<size_t>(prepared_.plan.in_flight));
    ForEachStrip(prepared_.sweeps.output, sample, [&](const Turn& turn) {
      AlignedBuffer<uint8_t>& band = bands[turn.thread];
      if (band.size() == 0) band = AlignedBuffer<uint8_t>(prepared_.plan.band_rows * BandRowBytes());
      PredictStrip(turn, sample, to_bytes, sink, &counter, band.data());
    });
  }

 private:
  /// Of parameters of core ops, by index in the graph.
  using CoreGradients = std::map<int, std::vector<double>>;

  /// Input rows, those of each panel.
  int64_t RowsOf(const Sweep& sweep) const {
    int64_t rows = 0;
    for (const Panel& panel : prepared_.panels) {
      for (const Strip& strip : sweep.StripsOf(panel.part)) rows += strip.rows[0].size();
    }
    return rows;
  }
  int64_t RowsOf(const std::vector<Sweep>& sweeps) const {
    int64_t rows = 0;
    for (const Sweep& sweep : sweeps) rows += RowsOf(sweep);
    return rows;
  }

  void Begin(const RowSource& image) {
    profile_ = {};
    profile_.ops.resize(prepared_.program.ops.size());
    CheckSource(image, {.what = "the network's input",
                        .width = prepared_.plan.width,
                        .height = prepared_.plan.height,
                        .channels = prepared_.program.tensors[0].shape.channels,
                        .samples = prepared_.plan.options.samples});
  }

  void Begin(const Sample& sample) {
    assert(objective_);
    Begin(*sample.image);
    if (!objective_.pixels) return;
    CheckSource(
        *sample.labels,
        {.what = "labels", .width = prepared_.plan.width, .height = prepared_.plan.height, .channels = 1});
  }

  ParameterList Parameters(const std::vector<int>& indices) const {
    ParameterList parameters;
    for (int p : indices) parameters.push_back(&graph_.parameters[static_cast<size_t>(p)]);
    return parameters;
  }

  StripSums* Sums(size_t thread) { return sums_.empty() ? &total_ : sums_[thread].get(); }

  void MakeRunners() {
    for (size_t i = 0; i < static_cast<size_t>(prepared_.plan.in_flight); ++i)
      runners_.emplace_back(prepared_, kernels_, objective_, Sums(i));
  }

  /// Kernels and runners for a panel; where there are several, those of the one before make room.
  void EnterPanel(const Panel& panel) {
    if (kernels_.panel != &panel) {
      runners_.clear();
      kernels_ = {};
      kernels_ = MakePanelKernels<T>(prepared_, panel, static_cast<bool>(objective_));
      MakeRunners();
    }
    for (size_t i = 0; i < kernels_.kernels.size(); ++i) {
      if (kernels_.kernels[i])
        kernels_.kernels[i]->SetParameters(Parameters(prepared_.program.ops[i].parameters));
    }
  }

  /// Runs work(turn) for every strip of every panel, on as many threads as there are runners.
  template <class F>
  void ForEachStrip(const Sweep& sweep, const Sample& sample, F&& work) {
    for (const Panel& panel : prepared_.panels) {
      EnterPanel(panel);
      Turnstile turnstile;
      const std::span<const Strip> strips = sweep.StripsOf(panel.part);
      const auto loop = [&](size_t thread) {
        try {
          const auto image = sample.image->CloneColumns(panel.columns[0]);
          const auto labels =
              sample.labels && sweep.output ? sample.labels->CloneColumns(panel.owned) : nullptr;
          const int64_t count = static_cast<int64_t>(strips.size());
          for (int64_t i = turnstile.Take(count); i >= 0; i = turnstile.Take(count)) {
            const Strip& strip = strips[static_cast<size_t>(i)];
            image->ExpectRows(strip.rows[0]);
            work(Turn{thread, panel, strip, i, image.get(), labels.get(), &turnstile});
          }
        } catch (...) {
          turnstile.Fail(std::current_exception());
        }
      };
      {
        std::vector<std::jthread> threads;
        for (size_t i = 1; i < runners_.size(); ++i) threads.emplace_back(loop, i);
        loop(0);
      }
      turnstile.Rethrow();
      for (StripRunner<T>& runner : runners_) profile_.Add(runner.TakeProfile());
    }
  }

  /// Adds up in total_ what the sweep adds up.
  void RunSweep(const Sweep& sweep, const Sample& sample, const double* coefficients,
                ProgressCounter* counter) {
    total_.Clear();
    ForEachStrip(sweep, sample, [&](const Turn& turn) {
      StripSums* sums = Sums(turn.thread);
      if (sums != &total_) sums->Clear();
      runners_[turn.thread].Run({.sweep = &sweep,
                                 .strip = &turn.strip,
                                 .image = turn.image,
                                 .labels = turn.labels,
                                 .cores = &cores_,
                                 .coefficients = coefficients,
                                 .seed = sample.seed,
                                 .sink = {},
                                 .progress = [&](int64_t rows) { counter->Add(rows); }});
      if (!turn.turnstile->Wait(turn.index)) return;
      if (sums != &total_) total_.Add(*sums);
      turn.turnstile->Pass();
    });
  }

  ReferenceArgs CoreArguments(const CoreOp& op, uint64_t seed) const {
    ReferenceArgs args{
        .srcs = {}, .parameters = Parameters(op.parameters), .seed = SeedOf(seed, HashName(op.name))};
    for (const int src : op.srcs) args.srcs.push_back(&cores_.values[static_cast<size_t>(src)]);
    return args;
  }

  /// The sweeps that end in reductions, and what follows from them in core.
  void RunForward(const Sample& sample, ProgressCounter* counter) {
    for (Tensor& diff : cores_.diffs) std::fill(diff.values.begin(), diff.values.end(), 0.0);
    const Program& program = prepared_.program;
    for (size_t i = 0; i < prepared_.sweeps.forward.size(); ++i) {
      const Sweep& sweep = prepared_.sweeps.forward[i];
      RunSweep(sweep, sample, nullptr, counter);
      for (size_t o = 0; o < program.ops.size(); ++o) {
        const Op& op = program.ops[o];
        if (!op.reduction || !sweep.forward[o]) continue;
        const std::vector<Shape> shapes = prepared_.SourceShapes(op);
        const int64_t at = prepared_.state_offsets[o];
        std::copy_n(total_.states.data() + at, op.reduction->StateSize(shapes), cores_.states.data() + at);
        Tensor& dst = cores_.values[static_cast<size_t>(op.result)];
        dst = Tensor(dst.shape);
        op.reduction->Finish(shapes, cores_.states.data() + at, &dst);
      }
      for (const int core : prepared_.sweeps.forward_cores[i]) {
        const CoreOp& op = program.core_ops[static_cast<size_t>(core)];
        Tensor& dst = cores_.values[static_cast<size_t>(op.dst)];
        dst = Tensor(dst.shape);
        op.layer->ReferenceForward(CoreArguments(op, sample.seed), &dst);
      }
    }
  }

  void RunCoreBackward(const std::vector<int>& ops, const Sample& sample, CoreGradients* sums) {
    for (const int core : ops) {
      const CoreOp& op = prepared_.program.core_ops[static_cast<size_t>(core)];
      ReferenceGradients gradients;
      for (const int src : op.srcs) {
        const bool needed = prepared_.program.cores[static_cast<size_t>(src)].needs_gradient;
        gradients.diff_srcs.push_back(needed ? &cores_.diffs[static_cast<size_t>(src)] : nullptr);
      }
      for (const int p : op.parameters) {
        const Parameter& parameter = graph_.parameters[static_cast<size_t>(p)];
        if (parameter.trainable) (*sums)[p].resize(parameter.values.size());
        gradients.diff_parameters.push_back(parameter.trainable ? &(*sums)[p] : nullptr);
      }
      const size_t dst = static_cast<size_t>(op.dst);
      op.layer->ReferenceBackward(CoreArguments(op, sample.seed), cores_.values[dst], cores_.diffs[dst],
                                  gradients);
    }
  }

  Loss::Value SlideValue(const Sample& sample, bool backward) {
    const size_t output = static_cast<size_t>(prepared_.program.core_output);
    Loss::Value value;
    value.output = cores_.values[output].values;
    value.loss = objective_.slide->Evaluate(value.output, sample.target,
                                            backward ? &cores_.diffs[output].values : nullptr);
    return value;
  }

  /// [class, column] as [class] -> width values.
  static std::vector<const float*> ChannelRows(const std::vector<float>& values, int64_t width) {
    std::vector<const float*> rows;
    for (auto row = values.data(); row < values.data() + values.size(); row += width) rows.push_back(row);
    return rows;
  }

  /// Runs a strip of the output's sweep; take(y, [class] -> values as float32) for each of its rows.
  template <class F>
  void RunOutput(const Turn& turn, const Sample& sample, ProgressCounter* counter, F&& take) {
    const int64_t channels = prepared_.program.output_shape().channels, width = turn.panel.owned.size();
    std::vector<float> floats;  // where logits are doubles
    if (!std::is_same_v<T, float>) floats.resize(static_cast<size_t>(channels * width));
    runners_[turn.thread].Run({.sweep = &prepared_.sweeps.output,
                               .strip = &turn.strip,
                               .image = turn.image,
                               .labels = nullptr,
                               .cores = &cores_,
                               .coefficients = nullptr,
                               .seed = sample.seed,
                               .sink =
                                   [&](int64_t y, const T* const* logits) {
                                     if constexpr (std::is_same_v<T, float>) {
                                       take(y, logits);
                                     } else {
                                       for (int64_t c = 0; c < channels; ++c)
                                         std::copy_n(logits[c], width, floats.data() + c * width);
                                       take(y, ChannelRows(floats, width).data());
                                     }
                                   },
                               .progress = [&](int64_t rows) { counter->Add(rows); }});
  }

  /// Of an output row, as a prediction hands it over.
  int64_t BandRowBytes() const {
    return prepared_.program.output_shape().width * prepared_.plan.options.bytes_per_pixel;
  }

  /// Rows are whole when the last panel has come by; 0 where none does.
  void PredictPanels(const Sample& sample, const LogitsToBytes& to_bytes, const PredictionSink& sink,
                     ProgressCounter* counter) {
    const Shape& shape = prepared_.program.output_shape();
    LogitSpool spool(shape, sample.image->name());
    ForEachStrip(prepared_.sweeps.output, sample, [&](const Turn& turn) {
      RunOutput(turn, sample, counter,
                [&](int64_t y, const float* const* logits) { spool.Write(y, turn.panel.owned, logits); });
    });
    std::vector<float> logits(static_cast<size_t>(shape.channels * shape.width));
    const std::vector<const float*> rows = ChannelRows(logits, shape.width);
    std::vector<uint8_t> bytes(static_cast<size_t>(BandRowBytes()));
    std::vector<Part> written;  // of the output, by panel
    for (const Panel& panel : prepared_.panels) {
      const std::span<const Strip> strips = prepared_.sweeps.output.StripsOf(panel.part);
      written.push_back({{strips.front().owned.begin, strips.back().owned.end}, panel.owned});
    }
    for (int64_t y = 0; y < shape.height; ++y) {
      std::fill(logits.begin(), logits.end(), 0.0f);
      for (const Part& part : written) {
        if (part.rows.contains(y)) spool.Read(y, part.columns, logits.data());
      }
      to_bytes(rows.data(), shape.width, bytes.data());
      sink({y, y + 1}, bytes.data());
    }
  }

  void PredictStrip(const Turn& turn, const Sample& sample, const LogitsToBytes& to_bytes,
                    const PredictionSink& sink, ProgressCounter* counter, uint8_t* band) {
    const int64_t width = prepared_.program.output_shape().width, row_bytes = BandRowBytes();
    Range filled{turn.strip.owned.begin, turn.strip.owned.begin};
    bool stop = false;
    RunOutput(turn, sample, counter, [&](int64_t, const float* const* logits) {
      to_bytes(logits, width, band + filled.size() * row_bytes);
      ++filled.end;
      if (filled.size() < prepared_.plan.band_rows && filled.end < turn.strip.owned.end) return;
      stop = stop || !turn.turnstile->Wait(turn.index);
      if (!stop) sink(filled, band);
      filled.begin = filled.end;
    });
    if (!stop && turn.turnstile->Wait(turn.index)) turn.turnstile->Pass();
  }

  /// The gradient, from those of the cotangents; that of parameters in core has no others.
  void Combine(const std::vector<double>& coefficients, const CoreGradients& core_gradients,
               StepResult* result) {
    // The first cotangent's sums become the result, so that there is no other copy.
    result->gradients = std::move(total_.gradients[0]);
    for (size_t p = 0; p < result->gradients.size(); ++p) {
      std::vector<double>& gradient = result->gradients[p];
      const auto in_core = core_gradients.find(static_cast<int>(p));
      for (size_t i = 0; i < gradient.size(); ++i) {
        if (in_core != core_gradients.end()) gradient[i] += in_core->second[i];
        gradient[i] *= coefficients[0];
        for (size_t k = 1; k < total_.gradients.size(); ++k)
          gradient[i] += coefficients[k] * total_.gradients[k][p][i];
      }
    }
  }

  /// Running statistics move towards those of the image.
  void AddRunning(StepResult* result) const {
    for (const Node& node : graph_.nodes) {
      if (node.layer->kind() != LayerKind::kNormalization) continue;
      const auto& layer = static_cast<const NormalizationLayer&>(*node.layer);
      if (!layer.updates_running()) continue;
      for (const Op& op : prepared_.program.ops) {
        if (op.reduction != &layer.statistics() || op.name != node.name) continue;
        UpdateRunning(layer, prepared_.SourceShapes(op)[0], cores_.values[static_cast<size_t>(op.result)],
                      node, graph_, &result->running);
      }
    }
  }

  const Graph& graph_;
  Objective objective_;
  Prepared prepared_;
  PanelKernels<T> kernels_;
  std::vector<std::unique_ptr<StripSums>> sums_;  // by thread; empty where there is one strip
  std::vector<StripRunner<T>> runners_;           // by thread
  StripSums total_;
  CoreValues cores_;
  Profile profile_;
};

}  // namespace

int64_t StepBytes(const Plan& plan, const Sample& sample) {
  // A strip reads a clone, of its panel's columns; what the source holds for all of its clones is there once.
  const auto readers = [&](const RowSource& source) {
    const auto clone = source.Clone();
    const int64_t whole = clone->buffer_bytes();
    const bool has_panels = plan.input_columns.size() < source.width();
    const int64_t own = has_panels ? clone->CloneColumns(plan.input_columns)->buffer_bytes() : whole;
    return plan.in_flight * own + std::max<int64_t>(0, source.buffer_bytes() - whole);
  };
  return plan.engine_bytes() + readers(*sample.image) + (sample.labels ? readers(*sample.labels) : 0);
}

std::unique_ptr<StreamingEngine> MakeStreamingEngine(const Graph& graph, const Objective& objective,
                                                     int64_t width, int64_t height,
                                                     const PlanOptions& options) {
  const auto make = [&]<class T>(PanelKernels<T> kernels) -> std::unique_ptr<StreamingEngine> {
    Prepared prepared = Prepare<T>(graph, objective, width, height, options, &kernels);
    return std::make_unique<Streaming<T>>(graph, objective, std::move(prepared), std::move(kernels));
  };
  if (options.precision == Precision::kFloat64) return make(PanelKernels<double>());
  return make(PanelKernels<float>());
}

}  // namespace swath
