/// One strip, row by row, in the order of the schedule: the inner loop of the streaming engine.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <vector>

#include "engine/prepare.h"
#include "engine/schedule.h"
#include "swath/engine.h"
#include "swath/profile.h"
#include "swath/row_source.h"

namespace swath {

/// What sweeps over strips add up.
struct StripSums {
  explicit StripSums(const Prepared& prepared, const Objective& objective);

  const Prepared* prepared;
  std::vector<double> loss;  ///< Loss::sums() values
  /// [cotangent][parameter], Prepared::gradient_sizes values.
  std::vector<std::vector<std::vector<double>>> gradients;
  std::vector<double> states;      ///< of reductions, at Prepared::state_offsets
  std::vector<Tensor> diff_cores;  ///< by core tensor; empty where no gradient is needed

  void Clear();
  /// Adds those of the next strip.
  void Add(const StripSums& other);
};

/// What is known of the tensors in core while rows go through.
struct CoreValues {
  std::vector<Tensor> values;  ///< by core tensor
  std::vector<Tensor> diffs;
  std::vector<double> states;  ///< of reductions that have seen all rows
};

/// Rings, views, workspaces and sums for one strip at a time. One thread at a time.
template <class T>
class StripRunner {
 public:
  /// Receives row y of the output, [channel] -> values of the columns that the panel owns.
  using Sink = std::function<void(int64_t y, const T* const* logits)>;

  /// All arguments must outlive the runner. `sums` are added to.
  StripRunner(const Prepared& prepared, const PanelKernels<T>& kernels, const Objective& objective,
              StripSums* sums);

  struct Job {
    const Sweep* sweep = nullptr;
    const Strip* strip = nullptr;
    RowSource* image = nullptr;   ///< of the columns that the panel has
    RowSource* labels = nullptr;  ///< of those that it owns; null: no loss over pixels
    const CoreValues* cores = nullptr;
    const double* coefficients = nullptr;  ///< of the second of two sweeps over a loss
    uint64_t seed = 0;
    Sink sink;                                   ///< where there are no labels
    std::function<void(int64_t rows)> progress;  ///< told how many input rows were read since the last call
  };
  /// May throw what the sources throw; the runner can be used again.
  void Run(const Job& job);

  /// Where the time of all calls of Run since the last of this has gone.
  Profile TakeProfile();

 private:
  using Ring = RowRing<T>;

  /// An op's arguments, with the pointer tables behind them, kept from row to row.
  struct Arguments {
    std::vector<std::vector<const T*>> src_pointers;
    std::vector<std::vector<T*>> diff_src_pointers;
    std::vector<T*> dst_pointers;
    std::vector<const T*> gates;
    std::vector<double*> diff_parameters;
    ForwardRow<T> forward;
    BackwardRow<T> backward;
    ReductionRow<T> reduction;
    std::vector<Shape> shapes;  ///< of the sources
  };

  /// Says which tensors are gated.
  void FindGated();
  void Reset(const Strip& strip);
  /// Adds the time since the last lap to a part of the profile.
  void Lap(double* seconds);
  void ReadInput(RowSource* image, int64_t row);
  void Forward(const Job& job, const Schedule& schedule, int index, Range rows);
  void Backward(const Job& job, const Schedule& schedule, int index, Range rows);
  void Reduce(const Job& job, const Schedule& schedule, int index, int64_t row);
  void BackwardReduction(const Job& job, const Schedule& schedule, int index, int64_t row);
  void TakeOutput(const Job& job, const Schedule& schedule, int64_t row, T* const* logits);
  void Release(const Schedule& schedule, const Work& work);

  /// Fills windows with what rows of dst read; converts those of a view on the way.
  void BindSources(const Schedule& schedule, int index, Range dst, bool backward,
                   std::vector<RowWindow<const T>>* windows);
  void BindGradients(const Schedule& schedule, int index, Range dst, std::vector<Ring>* gradients,
                     std::vector<RowWindow<T>>* windows);
  /// The values of source rows whose gradients an op pulls, to be its gates; empty where they are not.
  void BindGates(int index, Range rows, std::vector<const T*>* gates);
  /// By source: its values in core, or null.
  void BindCores(const Job& job, int index, std::vector<const Tensor*>* cores) const;
  /// Rows that an op reads, converted.
  Ring& ViewRows(int op, const SourcePart& part, bool backward, Range rows);
  void Convert(const ViewUse& use, int64_t row, Ring* ring);
  /// Opens rows of an op's dst, and says where it writes them.
  void OpenWritten(int op, Range rows, std::vector<T*>* pointers);
  /// Rounds what it has written, where precision asks for it, and puts it where it is kept.
  void KeepWritten(int op, Range rows, const std::vector<T*>& pointers);
  void ReleaseValues(int tensor, int64_t begin);
  /// A row as an activation is to see it on the way back.
  const T* Activated(int tensor, int64_t row, int64_t channel);

  const Op& OpAt(int index) const { return prepared_.program.ops[static_cast<size_t>(index)]; }
  bool IsCompact(int tensor) const { return prepared_.compact[static_cast<size_t>(tensor)]; }
  Ring& Values(int tensor) { return values_[static_cast<size_t>(tensor)]; }
  RowRing<BFloat16>& Compact(int tensor) { return compact_[static_cast<size_t>(tensor)]; }
  const Range& Columns(int tensor) const { return kernels_.panel->columns[static_cast<size_t>(tensor)]; }
  const Range& SourceColumns(int op) const { return kernels_.panel->src_columns[static_cast<size_t>(op)]; }
  /// Where the columns that an op reads begin in the rows of a source.
  int64_t Offset(int index, int tensor) const { return SourceColumns(index).begin - Columns(tensor).begin; }
  double* State(int index, std::vector<double>* states) const {
    return states->data() + prepared_.state_offsets[static_cast<size_t>(index)];
  }

  const Prepared& prepared_;
  const PanelKernels<T>& kernels_;
  const Loss* loss_;
  StripSums* sums_;
  Profile profile_;
  std::chrono::steady_clock::time_point lap_;
  RowRing<uint8_t> input_;
  std::vector<Ring> values_;                            // by tensor; empty for the input and compact ones
  std::vector<RowRing<BFloat16>> compact_;              // by tensor; empty for all others
  std::vector<bool> gated_;                             // by tensor: its gradient arrives through its ReLU
  std::vector<std::vector<Ring>> gradients_;            // [cotangent][tensor]
  std::vector<Ring> views_;                             // as Prepared::views
  AlignedBuffer<T> written_;                            // rows of a compact tensor
  std::vector<std::unique_ptr<Workspace>> workspaces_;  // by op
  std::unique_ptr<Team> team_;                          // null: nobody helps
  std::vector<Arguments> arguments_;                    // by op
  std::vector<uint64_t> seeds_;                         // by op, of its name
  std::vector<T*> loss_pointers_;
  std::vector<uint8_t> labels_;
  std::vector<std::byte> loss_scratch_;
};

}  // namespace swath
