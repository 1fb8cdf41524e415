/// What a data set's column `target` says of a slide, as the numbers that a loss takes.
#pragma once

#include <string>
#include <vector>

#include "swath/loss.h"

namespace swath {

/// Cross-entropy: the name of a class, or its index. BCE of one value: the name of one of the two classes, or
/// 0 or 1. BCE of several: the names of those that are present, joined by ";", or a 0, 1 or ? (unknown) for
/// each, not all unknown. MSE: a number for each value, joined by ";". Throws Error (kInput) that says what
/// was expected and found.
std::vector<double> ParseTarget(const std::string& text, SlideLossKind kind,
                                const std::vector<std::string>& classes, int64_t values);

}  // namespace swath
