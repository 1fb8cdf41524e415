/// Reductions whose arithmetic is a plain loop, written once for both row types.
#pragma once

#include <algorithm>
#include <vector>

#include "layers/layer.h"

namespace swath {

/// Adapts `template <class T> void AddOneRow(srcs, const ReductionRow<T>&, double* state) const` and
/// `BackwardOneRow(srcs, row, result)`. The reference is the definition by way of them: a state that has seen
/// all rows. Derived may override what does not fit: a state of no pixels that is not all zeros.
template <class Derived>
class SimpleReduction : public ReductionLayer {
 public:
  void Clear(const std::vector<Shape>& srcs, double* state) const override {
    std::fill_n(state, StateSize(srcs), 0.0);
  }
  void AddRow(const std::vector<Shape>& srcs, const ReductionRow<float>& row, double* state) const final {
    self().AddOneRow(srcs, row, state);
  }
  void AddRow(const std::vector<Shape>& srcs, const ReductionRow<double>& row, double* state) const final {
    self().AddOneRow(srcs, row, state);
  }
  void Backward(const std::vector<Shape>& srcs, const ReductionRow<float>& row,
                const Result& result) const final {
    self().BackwardOneRow(srcs, row, result);
  }
  void Backward(const std::vector<Shape>& srcs, const ReductionRow<double>& row,
                const Result& result) const final {
    self().BackwardOneRow(srcs, row, result);
  }

  void ReferenceForward(const ReferenceArgs& args, Tensor* dst) const override {
    const std::vector<Shape> shapes = Shapes(args);
    std::vector<double> state = State(args, shapes);
    Finish(shapes, state.data(), dst);
  }

  void ReferenceBackward(const ReferenceArgs& args, const Tensor& dst, const Tensor& diff_dst,
                         const ReferenceGradients& gradients) const override {
    const std::vector<Shape> shapes = Shapes(args);
    std::vector<double> state = State(args, shapes);
    for (int64_t y = 0; y < shapes[0].height; ++y) {
      WithRow(args, gradients.diff_srcs, y, [&](const ReductionRow<double>& row) {
        self().BackwardOneRow(shapes, row, Result{state.data(), dst, diff_dst});
      });
    }
  }

 private:
  const Derived& self() const { return static_cast<const Derived&>(*this); }

  static std::vector<Shape> Shapes(const ReferenceArgs& args) {
    std::vector<Shape> shapes;
    for (const Tensor* src : args.srcs) shapes.push_back(src->shape);
    return shapes;
  }

  std::vector<double> State(const ReferenceArgs& args, const std::vector<Shape>& shapes) const {
    std::vector<double> state(static_cast<size_t>(StateSize(shapes)));
    Clear(shapes, state.data());
    for (int64_t y = 0; y < shapes[0].height; ++y) {
      WithRow(args, std::vector<Tensor*>(args.srcs.size(), nullptr), y,
              [&](const ReductionRow<double>& row) { self().AddOneRow(shapes, row, state.data()); });
    }
    return state;
  }

  /// Row y of all sources and of their gradients, as the streaming engine would show it.
  template <class F>
  static void WithRow(const ReferenceArgs& args, const std::vector<Tensor*>& diffs, int64_t y, F&& f) {
    ReductionRow<double> row{.y = y, .columns = {0, args.srcs[0]->shape.width}, .srcs = {}, .diff_srcs = {}};
    std::vector<std::vector<const double*>> values(args.srcs.size());
    std::vector<std::vector<double*>> gradients(args.srcs.size());
    for (size_t i = 0; i < args.srcs.size(); ++i) {
      const int64_t channels = args.srcs[i]->shape.channels;
      for (int64_t c = 0; c < channels; ++c) {
        values[i].push_back(args.srcs[i]->Row(c, y));
        gradients[i].push_back(diffs[i] ? diffs[i]->Row(c, y) : nullptr);
      }
      row.srcs.push_back({{y, y + 1}, channels, row.columns.size(), values[i].data()});
      row.diff_srcs.push_back({{y, y + 1}, channels, row.columns.size(), gradients[i].data()});
    }
    f(row);
  }
};

}  // namespace swath
