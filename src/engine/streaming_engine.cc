/// Strips over threads: the engine that users run.
#include <algorithm>
#include <cassert>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>

#include "engine/check_source.h"
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

template <class T>
class Streaming final : public StreamingEngine {
 public:
  Streaming(const Graph& graph, const Loss* loss, Prepared<T> prepared)
      : graph_(graph), loss_(loss), prepared_(std::move(prepared)) {
    for (int64_t i = 0; i < prepared_.plan.in_flight; ++i) runners_.emplace_back(prepared_, loss_);
    if (!loss_) return;
    total_.loss.resize(static_cast<size_t>(loss_->sums()));
    for (int64_t k = 0; k < prepared_.plan.cotangents; ++k)
      total_.gradients.emplace_back(prepared_.gradient_size);
  }

  const Plan& plan() const override { return prepared_.plan; }

  StepResult Step(const Sample& sample, const Progress& progress) override {
    Begin(sample);
    ProgressCounter counter(progress, prepared_.plan.sweeps * prepared_.plan.input_rows);
    std::vector<double> coefficients;
    if (prepared_.plan.sweeps == 2) {
      SweepLoss(sample, Sweep::kForward, nullptr, &counter);
      coefficients = loss_->Finish(total_.loss.data()).coefficients;
    }
    SweepLoss(sample, Sweep::kTraining, coefficients.empty() ? nullptr : coefficients.data(), &counter);
    StepResult result{.loss = loss_->Finish(total_.loss.data()), .gradients = {}};
    Combine(coefficients.empty() ? result.loss.coefficients : std::vector<double>{1.0}, &result);
    return result;
  }

  Loss::Value Evaluate(const Sample& sample, const Progress& progress) override {
    Begin(sample);
    ProgressCounter counter(progress, prepared_.plan.input_rows);
    SweepLoss(sample, Sweep::kForward, nullptr, &counter);
    return loss_->Finish(total_.loss.data());
  }

  void Predict(const RowSource& image, const LogitsToBytes& to_bytes, const PredictionSink& sink,
               const Progress& progress) override {
    assert(!loss_);
    CheckImage(image);
    SetParameters();
    ProgressCounter counter(progress, prepared_.plan.input_rows);
    ForEachStrip([&](StripRunner<T>* runner, int64_t index, Turnstile* turnstile) {
      PredictStrip(runner, index, image, to_bytes, sink, &counter, turnstile);
    });
  }

 private:
  void CheckImage(const RowSource& image) const {
    CheckSource(image, {.what = "the network's input",
                        .width = prepared_.plan.width,
                        .height = prepared_.plan.height,
                        .channels = prepared_.program.tensors[0].shape.channels});
  }

  void Begin(const Sample& sample) {
    assert(loss_);
    CheckImage(*sample.image);
    CheckSource(
        *sample.labels,
        {.what = "labels", .width = prepared_.plan.width, .height = prepared_.plan.height, .channels = 1});
    SetParameters();
  }

  void SetParameters() {
    for (size_t i = 0; i < prepared_.kernels.size(); ++i) {
      ParameterList parameters;
      for (int p : prepared_.program.ops[i].parameters)
        parameters.push_back(&graph_.parameters[static_cast<size_t>(p)]);
      prepared_.kernels[i]->SetParameters(parameters);
    }
  }

  /// Runs work(runner, strip index, turnstile) for every strip, each runner on a thread of its own.
  template <class F>
  void ForEachStrip(F&& work) {
    Turnstile turnstile;
    const auto loop = [&](StripRunner<T>* runner) {
      try {
        const int64_t count = static_cast<int64_t>(prepared_.strips.size());
        for (int64_t i = turnstile.Take(count); i >= 0; i = turnstile.Take(count))
          work(runner, i, &turnstile);
      } catch (...) {
        turnstile.Fail(std::current_exception());
      }
    };
    {
      std::vector<std::jthread> threads;
      for (size_t i = 1; i < runners_.size(); ++i) threads.emplace_back(loop, &runners_[i]);
      loop(&runners_[0]);
    }
    turnstile.Rethrow();
  }

  void SweepLoss(const Sample& sample, Sweep sweep, const double* coefficients, ProgressCounter* counter) {
    total_.Clear();
    ForEachStrip([&](StripRunner<T>* runner, int64_t index, Turnstile* turnstile) {
      const auto image = sample.image->Clone();
      const auto labels = sample.labels->Clone();
      runner->sums().Clear();
      runner->Run({.strip = &prepared_.strips[static_cast<size_t>(index)],
                   .sweep = sweep,
                   .image = image.get(),
                   .labels = labels.get(),
                   .coefficients = coefficients,
                   .sink = {},
                   .progress = [&](int64_t rows) { counter->Add(rows); }});
      if (!turnstile->Wait(index)) return;
      total_.Add(runner->sums());
      turnstile->Pass();
    });
  }

  void PredictStrip(StripRunner<T>* runner, int64_t index, const RowSource& image,
                    const LogitsToBytes& to_bytes, const PredictionSink& sink, ProgressCounter* counter,
                    Turnstile* turnstile) {
    const Strip& strip = prepared_.strips[static_cast<size_t>(index)];
    const Shape& shape = prepared_.program.tensors[static_cast<size_t>(prepared_.program.output)].shape;
    const int64_t row_bytes = shape.width * prepared_.plan.options.bytes_per_pixel;
    std::vector<uint8_t> band(static_cast<size_t>(prepared_.plan.band_rows * row_bytes));
    Range filled{strip.owned.begin, strip.owned.begin};
    bool stop = false;
    const auto flush = [&] {
      stop = stop || !turnstile->Wait(index);
      if (!stop) sink(filled, band.data());
      filled.begin = filled.end;
    };
    std::vector<float> floats(std::is_same_v<T, float> ? 0
                                                       : static_cast<size_t>(shape.channels * shape.width));
    const auto clone = image.Clone();
    runner->Run({.strip = &strip,
                 .sweep = Sweep::kForward,
                 .image = clone.get(),
                 .labels = nullptr,
                 .coefficients = nullptr,
                 .sink =
                     [&](int64_t, const T* const* logits) {
                       uint8_t* out = band.data() + filled.size() * row_bytes;
                       if constexpr (std::is_same_v<T, float>) {
                         to_bytes(logits, shape.width, out);
                       } else {
                         std::vector<const float*> rows;
                         for (int64_t c = 0; c < shape.channels; ++c) {
                           std::copy_n(logits[c], shape.width, floats.data() + c * shape.width);
                           rows.push_back(floats.data() + c * shape.width);
                         }
                         to_bytes(rows.data(), shape.width, out);
                       }
                       if (++filled.end - filled.begin == prepared_.plan.band_rows) flush();
                     },
                 .progress = [&](int64_t rows) { counter->Add(rows); }});
    if (!filled.empty()) flush();
    if (!stop && turnstile->Wait(index)) turnstile->Pass();
  }

  /// The gradient, from those of the cotangents.
  void Combine(const std::vector<double>& coefficients, StepResult* result) const {
    for (size_t p = 0; p < graph_.parameters.size(); ++p) {
      std::vector<double>& gradient = result->gradients.emplace_back();
      if (prepared_.gradient_offsets[p] < 0) continue;
      gradient.resize(graph_.parameters[p].values.size());
      for (size_t k = 0; k < total_.gradients.size(); ++k) {
        const double* part = total_.gradients[k].data() + prepared_.gradient_offsets[p];
        for (size_t i = 0; i < gradient.size(); ++i) gradient[i] += coefficients[k] * part[i];
      }
    }
  }

  const Graph& graph_;
  const Loss* loss_;
  Prepared<T> prepared_;
  std::vector<StripRunner<T>> runners_;
  StripSums total_;
};

}  // namespace

int64_t StepBytes(const Plan& plan, const Sample& sample) {
  // A strip reads a clone; what the source holds for all of its clones is there once.
  const auto readers = [&](const RowSource& source) {
    const int64_t own = source.Clone()->buffer_bytes();
    return plan.in_flight * own + std::max<int64_t>(0, source.buffer_bytes() - own);
  };
  return plan.engine_bytes() + readers(*sample.image) + readers(*sample.labels);
}

std::unique_ptr<StreamingEngine> MakeStreamingEngine(const Graph& graph, const Loss* loss, int64_t width,
                                                     int64_t height, const PlanOptions& options) {
  if (options.precision == Precision::kFloat32) {
    return std::make_unique<Streaming<float>>(graph, loss,
                                              Prepare<float>(graph, loss, width, height, options));
  }
  return std::make_unique<Streaming<double>>(graph, loss,
                                             Prepare<double>(graph, loss, width, height, options));
}

}  // namespace swath
