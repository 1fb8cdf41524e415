/// One strip in flight: its rings, and the loop that does what the schedule says.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "engine/prepare.h"
#include "engine/schedule.h"
#include "swath/engine.h"
#include "swath/row_source.h"

namespace swath {

/// What sweeps over strips add up.
struct StripSums {
  std::vector<double> loss;                      ///< Loss::sums() values
  std::vector<AlignedBuffer<double>> gradients;  ///< by cotangent, Prepared::gradient_size values

  void Clear();
  void Add(const StripSums& other);
};

/// Rings, views, workspaces and sums for one strip at a time. One thread at a time.
template <class T>
class StripRunner {
 public:
  /// Receives row y of the output, [channel] -> values.
  using Sink = std::function<void(int64_t y, const T* const* logits)>;

  /// `prepared` and `loss` (null for prediction) must outlive the runner.
  StripRunner(const Prepared<T>& prepared, const Loss* loss);

  struct Job {
    const Strip* strip = nullptr;
    Sweep sweep = Sweep::kForward;
    RowSource* image = nullptr;
    RowSource* labels = nullptr;           ///< null: no loss, rows go to the sink
    const double* coefficients = nullptr;  ///< of the second of two sweeps over a loss
    Sink sink;
    std::function<void(int64_t rows)> progress;  ///< told how many input rows were read since the last call
  };
  /// Adds to sums(). May throw what the sources throw; the runner can be used again.
  void Run(const Job& job);

  StripSums& sums() { return sums_; }

 private:
  using Ring = RowRing<T>;

  /// An op's arguments, with the pointer tables behind them, kept from row to row.
  struct Arguments {
    std::vector<std::vector<const T*>> src_pointers;
    std::vector<std::vector<T*>> diff_src_pointers;
    std::vector<T*> dst_pointers;
    std::vector<double*> diff_parameters;
    ForwardRow<T> forward;
    BackwardRow<T> backward;
  };

  void Reset(const Strip& strip);
  void ReadInput(RowSource* image, int64_t row);
  void Forward(const Job& job, const Schedule& schedule, int index, int64_t row);
  void Backward(const Schedule& schedule, int index, int64_t row);
  void TakeLoss(const Job& job, int64_t row, T* const* logits);
  void Release(const Schedule& schedule, const Work& work);

  /// Fills windows with the source rows of row y; converts those of a view on the way.
  void BindSources(const Schedule& schedule, int index, int64_t y, bool backward,
                   std::vector<RowWindow<const T>>* windows);
  void BindGradients(const Schedule& schedule, int index, int64_t y, std::vector<Ring>* gradients);
  Ring& ViewRows(int op, int view, bool backward, Range rows);
  void Convert(const InputView& view, int64_t row, Ring* ring);

  const Op& OpAt(int index) const { return prepared_.program.ops[static_cast<size_t>(index)]; }
  Ring& Values(int tensor) { return values_[static_cast<size_t>(tensor)]; }

  const Prepared<T>& prepared_;
  const Loss* loss_;
  RowRing<uint8_t> input_;
  std::vector<Ring> values_;                            // by tensor; that of the input is empty
  std::vector<std::vector<Ring>> gradients_;            // [cotangent][tensor]
  std::vector<Ring> views_;                             // as Prepared::views
  std::vector<std::unique_ptr<Workspace>> workspaces_;  // by op
  std::vector<Arguments> arguments_;                    // by op
  std::vector<T*> loss_pointers_;
  std::vector<uint8_t> labels_;
  std::vector<std::byte> loss_scratch_;
  StripSums sums_;
};

}  // namespace swath
