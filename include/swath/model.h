/// Models: built-in ones, ONNX files, and what their metadata says. docs/model-format.md has the details.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "swath/graph.h"

namespace swath {

/// Reads and validates an ONNX model. Throws Error: kInput for a file that is no valid model, kUnsupported
/// for one that Swath does not run exactly. The message begins with the path and, where a node is at fault,
/// names the node. `output` names the output of a model that has several.
Graph ImportOnnx(const std::string& path, const std::string& output = "");

/// Writes `graph` as an ONNX model, which ImportOnnx reads back as it was, weights bit for bit. Validates the
/// graph first. The file appears under its name only when it is complete. Throws Error (kOutput).
void ExportOnnx(const Graph& graph, const std::string& path);

/// What a BatchNormalization normalises by.
enum class BatchNormalizationMode {
  kFrozen,  ///< the running statistics of the file; scale and bias are trained
  kImage,   ///< mean and variance of the whole image, exactly, in more sweeps; running statistics follow them
};

/// Sets all BatchNormalizations; returns how many there are. A graph that was read from a file has them
/// frozen, whatever their training_mode. Throws Error (kUnsupported) for statistics of the image of what is
/// one value.
int64_t SetBatchNormalization(Graph* graph, BatchNormalizationMode mode);

/// Whether a BatchNormalization is set to kImage.
bool UsesImageStatistics(const Graph& graph);

/// The architectures that are built in code, without options.
const std::vector<std::string>& BuiltInModelNames();
/// Whether `name` is one of them, with or without options after a colon: "unet:depth=3,norm=batch".
bool IsBuiltInModel(std::string_view name);

/// A built-in network with initial weights that depend on `seed` alone. Two classes share one logit, more
/// have one each. Throws Error (kUsage) for an unknown name or option, or classes that are not 2 to 255
/// different ones.
Graph BuiltInModel(std::string_view name, uint64_t seed,
                   const std::vector<std::string>& classes = {"background", "tissue"});

/// A built-in network where the name is one (`seed` sets its weights; `classes`, where given, are its
/// classes), otherwise the ONNX file of that path, which has its own classes.
Graph LoadModel(const std::string& name_or_path, uint64_t seed, const std::vector<std::string>& classes = {});

/// Checks that nodes fit together at some size of image: channels, parameters, sizes of joined tensors.
/// Returns the shape of every tensor at the size that was tried. Throws what InferShapes throws.
std::vector<Shape> ValidateGraph(const Graph& graph);

/// Channels of the output; where it is no map, the number of its values.
int64_t OutputChannels(const Graph& graph);

/// Checks that a network has one logit, or one a class, for every pixel of an image of width × height
/// (extended): that its output has that size, at most 255 classes (masks are bytes, and 255 is the ignored
/// label), and does not end in probabilities. Throws Error (kUnsupported) that names the output.
void CheckPixelLogits(const Graph& graph, int64_t width, int64_t height);

/// Checks that the output of a network that gives values of the slide is a list of them, not a picture in
/// core. Throws Error (kUnsupported) that names the output.
void CheckSlideValues(const Graph& graph);

/// The size that an image of `size` pixels is extended to on either side: the next multiple of ModelMultiple.
int64_t ExtendedSize(const Graph& graph, int64_t size);

// What the metadata says, with defaults where it is silent. All throw Error (kInput) for values that are
// malformed.

/// Names of the classes, `swath.classes`: two for one output channel (absent and present), otherwise one a
/// channel.
std::vector<std::string> ModelClasses(const Graph& graph);

/// The value, 0 to 255, of pixels by which an image is extended at the right and bottom: `swath.extension`,
/// or 255.
int ModelExtension(const Graph& graph);

/// Micrometres a pixel of the slides that it was trained on, as they were read: `swath.mpp`, where it is
/// given.
std::optional<double> ModelMpp(const Graph& graph);
/// Nothing takes it away.
void SetModelMpp(std::optional<double> mpp, Graph* graph);

/// The number to whose multiples width and height are extended: `swath.multiple`, or TotalStride.
int64_t ModelMultiple(const Graph& graph);

}  // namespace swath
