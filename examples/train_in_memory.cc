// One exact training step over an image that is never held in memory as a whole, nor are its activations.
//
//   train_in_memory [HEIGHT]
//
// Builds `unet-4492`, draws a synthetic slide 2048 px wide, and asks the streaming engine for the loss and
// all gradients. Try larger heights: what the plan says, and what the process takes, stay the same.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>

#include "swath/engine.h"
#include "swath/loss.h"
#include "swath/model.h"
#include "swath/synth.h"

namespace {

void Run(int64_t height) {
  swath::Graph network = swath::BuiltInModel("unet-4492", /*seed=*/1);

  // Image and labels are sources of rows: nothing is drawn until the engine asks. Sides that the network's
  // total stride of 64 does not divide would go through swath::ExtendedRows first.
  const swath::SynthSlide slide({.width = 2048, .height = height, .seed = 7});
  const std::unique_ptr<swath::RowSource> image = slide.Image(), labels = slide.Mask();

  const std::unique_ptr<swath::Loss> loss = swath::MakeLoss({.kind = swath::LossKind::kBce});
  const auto engine =
      swath::MakeStreamingEngine(network, loss.get(), image->width(), image->height(), {.strips = 2});
  const swath::Plan& plan = engine->plan();
  std::printf("plan      %.1f MiB for %lld x %lld pixels, %.1f GFLOP\n",
              static_cast<double>(plan.engine_bytes()) / (1 << 20), static_cast<long long>(plan.width),
              static_cast<long long>(plan.height),
              2e-9 * static_cast<double>(plan.forward_multiply_adds + plan.backward_multiply_adds));

  const swath::StepResult result = engine->Step({image.get(), labels.get()});
  std::printf("loss      %.6f over %lld pixels\n", result.loss.loss,
              static_cast<long long>(result.loss.valid_pixels));

  // Plain gradient descent; the engine reads the new weights at its next step.
  double largest = 0;
  const char* where = "";
  for (size_t i = 0; i < network.parameters.size(); ++i) {
    swath::Parameter& parameter = network.parameters[i];
    for (size_t k = 0; k < result.gradients[i].size(); ++k) {
      const double gradient = result.gradients[i][k];
      if (std::abs(gradient) > largest) where = parameter.name.c_str();
      largest = std::max(largest, std::abs(gradient));
      parameter.values[k] -= static_cast<float>(0.01 * gradient);
    }
  }
  std::printf("gradient  %.6f at most, in %s\n", largest, where);
  std::printf("loss      %.6f after the update\n", engine->Step({image.get(), labels.get()}).loss.loss);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    Run(argc > 1 ? std::atoll(argv[1]) : 1024);
  } catch (const std::exception& e) {  // swath::Error has a code, too
    std::fprintf(stderr, "train_in_memory: %s\n", e.what());
    return 1;
  }
  return 0;
}
