/// Which kernel computes which convolution. The one place where this is decided, by shape, when the plan is
/// made; bench/kernels.cc measures what there is to choose from.
#include "kernels/correlation.h"

namespace swath {

template <>
std::unique_ptr<Correlation<double>> ChooseCorrelation(const CorrelationShape& shape) {
  return MakeReferenceCorrelation(shape);
}

template <>
std::unique_ptr<Correlation<float>> ChooseCorrelation(const CorrelationShape& shape) {
  return MakeHighwayCorrelation(shape);
}

}  // namespace swath
