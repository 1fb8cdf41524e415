/// What a step will need, known before a pixel is read: a dry run of the engine's own scheduler.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "swath/graph.h"
#include "swath/loss.h"
#include "swath/part.h"
#include "swath/range.h"
#include "swath/row_source.h"

namespace swath {

enum class Precision {
  kFloat32,   ///< rows and products; sums of many terms in doubles
  kFloat64,   ///< everything: to judge the others by
  kBFloat16,  ///< values of tensors, and factors of products where the processor has them; all sums,
              ///< gradients of tensors and weights as with kFloat32
};
/// "fp32", "fp64" or "bf16".
std::string ToString(Precision precision);

/// How a loss that is a ratio of sums gets its gradient.
enum class LossSweeps {
  kCheaper,  ///< whichever costs less
  kOne,      ///< all cotangents in one sweep
  kTwo,      ///< the sums first, then one cotangent
};

struct PlanOptions {
  int64_t threads = 0;       ///< 0: one for each processor
  int64_t strips = 0;        ///< of the image, or of each wanted part; 0: DefaultStrips, by size and network
  int64_t in_flight = 0;     ///< the most strips that are computed at once, 0: as many as there are threads
  int64_t panels = 0;        ///< strips in columns, one after the other; 0: DefaultPanels, in training
  bool pack_weights = true;  ///< false: kernels of wide layers do without a second copy, and are slower
  Precision precision = Precision::kFloat32;
  LossSweeps loss_sweeps = LossSweeps::kCheaper;
  SampleType samples = SampleType::kUint8;  ///< of the image
  int64_t bytes_per_pixel = 1;              ///< prediction: of what is made of the logits
  /// Parts of the image that do not overlap; only what these need is read and computed. With a loss over
  /// pixels, all labels outside of them are the ignored one; in a prediction, logits outside of them are 0.
  /// Empty: all of the image is wanted. A network with a reduction reads the whole image all the same, and
  /// predicts all of it.
  std::vector<Part> wanted = {};
};

/// Rows of one tensor that are ever alive in a strip.
struct TensorPlan {
  std::string name;
  Shape shape;
  std::string kernel;  ///< of the op that writes it: "highway", "reference"; empty for the input
  int64_t value_rows = 0;
  int64_t gradient_rows = 0;  ///< 0 where no gradient is needed
  int64_t bytes = 0;          ///< of one strip in flight: values and all cotangents
  int64_t margin = 0;         ///< zeros kept left and right of every row
};

/// What an op on rows computes in one step, all sweeps and halos included.
struct OpPlan {
  std::string name;
  std::string type;    ///< ONNX's, of the layer
  std::string kernel;  ///< "highway", "reference"; empty for a reduction
  int64_t forward_multiply_adds = 0;
  int64_t backward_multiply_adds = 0;
};

struct Plan {
  PlanOptions options;  ///< threads and strips filled in
  int64_t width = 0;
  int64_t height = 0;
  std::vector<TensorPlan> tensors;
  std::vector<OpPlan> ops;      ///< in the order of their forward passes
  int64_t in_flight = 0;        ///< strips computed at once
  int64_t team = 1;             ///< threads that share the work of each
  int64_t sweeps = 1;           ///< over the image, in all
  int64_t forward_sweeps = 0;   ///< those that end in reductions
  int64_t loss_sweeps = 1;      ///< 2: one more is for the loss's sums alone
  int64_t backward_sweeps = 0;  ///< those that go back: all but the last of them part of the way
  int64_t cotangents = 0;       ///< carried by the backward sweep; 0 for prediction
  int64_t input_rows = 0;       ///< read in one sweep, halos included; height where nothing is repeated
  int64_t input_pixels = 0;     ///< the same, of the columns of all panels
  Range input_columns;          ///< of the widest panel, halo included
  int64_t parts = 0;            ///< of PlanOptions::wanted, where they are made use of
  int64_t band_rows = 0;        ///< prediction: output rows that a strip collects before it hands them over

  // Bytes, over all strips in flight.
  int64_t ring_bytes = 0;       ///< value and gradient rows
  int64_t view_bytes = 0;       ///< rows that ops read, converted from bytes or bfloat16
  int64_t workspace_bytes = 0;  ///< kernels' scratch memory
  int64_t label_bytes = 0;      ///< labels and the loss's scratch memory
  int64_t gradient_bytes = 0;   ///< sums of weight gradients
  int64_t weight_bytes = 0;     ///< the network's weights and the packed ones
  int64_t output_bytes = 0;     ///< prediction: rows waiting for their turn
  int64_t core_bytes = 0;       ///< tensors in core and what reductions add up
  int64_t engine_bytes() const {
    return ring_bytes + view_bytes + workspace_bytes + label_bytes + gradient_bytes + weight_bytes +
           output_bytes + core_bytes;
  }

  // Multiply-adds of one step, all sweeps and halos included.
  int64_t forward_multiply_adds = 0;
  int64_t backward_multiply_adds = 0;
  int64_t multiply_adds() const { return forward_multiply_adds + backward_multiply_adds; }
  /// Those that the same sweeps would cost in one strip and one panel, where nothing is computed twice.
  int64_t least_multiply_adds = 0;
};

/// A plan for training (or, with no objective, for prediction). Throws as InferShapes does.
Plan MakePlan(const Graph& graph, const Objective& objective, int64_t width, int64_t height,
              const PlanOptions& options);

/// The options of a plan of the whole image, for parts of it: what was chosen for the whole fits them as
/// well, but they have strips of their own, as many as `strips` asks for (see PlanOptions). `fitted` as it is
/// where there are no parts.
PlanOptions ForParts(PlanOptions fitted, int64_t strips, std::vector<Part> wanted);

/// Rows or columns of an image of this size, whichever are more, that a pixel of the output in its middle
/// needs beside its own. Throws as InferShapes does.
int64_t Halo(const Graph& graph, int64_t width, int64_t height);

/// A limit for the whole process: what the plan does not know of is added by `total`.
struct MemoryLimit {
  int64_t bytes = 0;
  std::function<int64_t(const Plan&)> total;  ///< of the process, with this plan's engine
};

/// Bytes that the process holds now, but for `known` ones that are counted elsewhere: code, libraries,
/// buffers. Rounded up to 16 MiB, so that what is chosen by it is the same from run to run.
int64_t ProcessBytes(int64_t known);

/// The cheapest of the plans that keep the limit: chooses panels, whether weights are packed, how many strips
/// are computed at once (at most options.threads), and, unless options.strips says, strips. Throws kUsage,
/// with the least that would do, where there is none; and as MakePlan does.
Plan FitPlan(const Graph& graph, const Objective& objective, int64_t width, int64_t height,
             const PlanOptions& options, const MemoryLimit& limit);

}  // namespace swath
