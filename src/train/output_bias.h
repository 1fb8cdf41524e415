/// The bias of the layer that writes the logits, and where it should start.
#pragma once

#include <cstdint>
#include <vector>

#include "swath/dataset.h"
#include "swath/graph.h"

namespace swath {

/// Counts the labels of the masks of a split, by class. Throws Error (kInput) that names the line of the data
/// set where a mask has a label that is neither a class nor ignored, or where all its pixels are ignored.
std::vector<int64_t> CountLabels(const Dataset& dataset, Split split, int64_t classes, uint8_t ignore_label);

/// Sets the bias so that a network whose other weights say nothing predicts the classes as often as they
/// occur, each counted by its weight (empty: all 1): the logit log(n1 / n0) of a binary network, log(n / Σn)
/// of each class otherwise. Leaves a network alone whose output has no trainable bias.
void SetPriorBias(const std::vector<int64_t>& counts, const std::vector<double>& class_weights, Graph* graph);

}  // namespace swath
