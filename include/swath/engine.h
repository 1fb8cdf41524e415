/// Forward and backward passes over an image of any height.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "swath/graph.h"
#include "swath/loss.h"
#include "swath/plan.h"
#include "swath/profile.h"
#include "swath/row_source.h"

namespace swath {

/// An image and what is known of it, of one size that the network takes as it is (see ExtendedRows). Not
/// owned.
struct Sample {
  const RowSource* image = nullptr;   ///< as many channels as the network's input
  const RowSource* labels = nullptr;  ///< for a loss over pixels; one channel: classes, or the ignored label
  std::vector<double> target = {};    ///< for a loss over slides
  uint64_t seed = 0;                  ///< of Dropout; 0 switches it off
};

struct StepResult {
  Loss::Value loss;
  /// d loss / d parameter, by parameter of the graph; empty for those that are not trainable.
  std::vector<std::vector<double>> gradients;
  /// The reference engine's only: by parameter, the largest Σ|terms| of any of its gradients. A gradient far
  /// below it is zero but for rounding.
  std::vector<double> term_sums;
  /// The reference engine's only: values that are on another side of a kink than float32's, which is taken.
  int64_t sides = 0;
  /// New values of running statistics, by parameter of the graph (of BatchNormalization with those of the
  /// image).
  std::map<int, std::vector<float>> running;
};

/// What a step on this sample holds in all: the engine's memory, and for every strip in flight a reader of
/// image and labels.
int64_t StepBytes(const Plan& plan, const Sample& sample);

/// Receives the rows of a prediction, top down, a block at a time: rows.size() · width · bytes_per_pixel
/// bytes, which it may change.
using PredictionSink = std::function<void(Range rows, uint8_t* bytes)>;

/// Turns a row of logits ([class] -> width values) into bytes; called from several threads.
using LogitsToBytes = std::function<void(const float* const* logits, int64_t width, uint8_t* bytes)>;

/// Called now and then with the number of input rows done, of how many; from any thread, one call at a time.
using Progress = std::function<void(int64_t done, int64_t total)>;

/// Two engines, one interface: the streaming one, and an in-core reference that is slow and obviously right.
class Engine {
 public:
  virtual ~Engine() = default;
  /// Loss and exact gradients of one sample, with the weights that the graph has now. Throws Error (kInput)
  /// for a sample of the wrong size, or what its sources throw.
  virtual StepResult Step(const Sample& sample, const Progress& progress = {}) = 0;
};

/// The streaming engine for images of the plan's size. The graph must outlive it; its weights may change
/// between steps. Made with an objective it steps and evaluates; made without one it predicts.
class StreamingEngine : public Engine {
 public:
  /// The loss alone, forward only; needs an engine made with an objective.
  virtual Loss::Value Evaluate(const Sample& sample, const Progress& progress = {}) = 0;
  /// The values that a network with one output a slide gives. `seed` is that of Dropout; 0 switches it off.
  virtual std::vector<double> PredictSlide(const RowSource& image, const Progress& progress = {},
                                           uint64_t seed = 0) = 0;
  /// Logits of an image, through `to_bytes` (PlanOptions::bytes_per_pixel of them), in bounded memory. Panels
  /// and wanted parts wait on disk, see LogitSpool, until all are done.
  virtual void Predict(const RowSource& image, const LogitsToBytes& to_bytes, const PredictionSink& sink,
                       const Progress& progress = {}, uint64_t seed = 0) = 0;
  virtual const Plan& plan() const = 0;
  /// Of the last call of any of these.
  virtual const Profile& profile() const = 0;
};

std::unique_ptr<StreamingEngine> MakeStreamingEngine(const Graph& graph, const Objective& objective,
                                                     int64_t width, int64_t height,
                                                     const PlanOptions& options);

/// A node whose derivative jumps, at 0 as that of Relu or at a tie as that of MaxPool. Where float32 and
/// float64 rows are on different sides of the jump, either side is right, and their gradients differ by the
/// whole of that pixel's.
struct Kink {
  int node = 0;             ///< index in the graph
  std::vector<double> src;  ///< what float32 rows have in its first source, [channel, row, column]
};

/// All such nodes, in a forward pass over an image of a size that the network takes. `seed` is that of
/// Dropout. How float32 rounds may depend on `options`: on panels, and on weights that are not packed.
std::vector<Kink> FindKinks(const Graph& graph, const RowSource& image, uint64_t seed = 0,
                            PlanOptions options = {});

/// Whole tensors, one after the other, in doubles; kFloat32 rounds every stored value to float32 but keeps
/// sums in doubles. Needs about 100 bytes a pixel and channel.
///
/// At a `kink` it goes back on float32's side of the jump, if the values differ by no more than rounding
/// (2^-17 of the tensor's largest).
std::unique_ptr<Engine> MakeReferenceEngine(const Graph& graph, const Objective& objective, Precision rows,
                                            std::vector<Kink> kinks = {});

}  // namespace swath
