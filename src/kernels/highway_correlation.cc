/// Row kernel for narrow layers, in float32: finds which rows see each other, and hands lists of them to
/// kernels/tiles.h. Where a layer has few channels, neighbouring rows of its result are computed together, as
/// if they were channels: a value that is loaded enters into the sums of them all.
#include <algorithm>
#include <type_traits>
#include <utility>
#include <vector>

#include "kernels/correlation.h"
#include "kernels/exactness.h"
#include "kernels/repeats.h"
#include "kernels/rows.h"
#include "kernels/share_columns.h"
#include "kernels/tiles.h"

namespace swath {
namespace {

/// A channel of a row.
struct RowOf {
  int64_t row, channel;
};

/// Rows of the result that are written together.
struct Outputs {
  std::vector<RowOf> of;
  std::vector<float*> values;
  std::vector<float> bias;
  std::vector<const float*> gates;

  void Clear() {
    of.clear();
    values.clear();
    bias.clear();
    gates.clear();
  }
  void Add(const RowOf& row, float* to, float from, const float* gate = nullptr) {
    of.push_back(row);
    values.push_back(to);
    bias.push_back(from);
    gates.push_back(gate);
  }
  void Reserve(int64_t n) {
    of.reserve(static_cast<size_t>(n));
    values.reserve(static_cast<size_t>(n));
    bias.reserve(static_cast<size_t>(n));
    gates.reserve(static_cast<size_t>(n));
  }
  int64_t size() const { return static_cast<int64_t>(of.size()); }
  static constexpr int64_t kBytes = sizeof(RowOf) + 2 * sizeof(float*) + sizeof(float);
};

/// Groups of a pass, and their weights.
template <class Weight>
struct Pass {
  std::vector<tiles::Group<Weight>> groups;
  std::vector<Weight> weights;

  void Clear() {
    groups.clear();
    weights.clear();
  }
};

struct HighwayWorkspace final : Workspace {
  explicit HighwayWorkspace(Repeats blocks) : repeats(std::move(blocks)) {}
  void Reset() override {}

  template <class Weight>
  Pass<Weight>& Of() {
    if constexpr (std::is_same_v<Weight, float>) {
      return floats;
    } else {
      return doubles;
    }
  }

  Repeats repeats;
  Outputs outputs;
  std::vector<RowOf> sources;
  std::vector<const float*> values;  ///< of the sources
  std::vector<const float*> coarse;  ///< of a gradient of weights
  Pass<float> floats;
  Pass<double> doubles;
  std::vector<double> sums, repeated;
  std::vector<float> block;  ///< a block that repeats, of every output
};

class HighwayCorrelation final : public Correlation<float> {
 public:
  explicit HighwayCorrelation(const CorrelationShape& shape)
      : s_(shape),
        exact_(IsExact(shape)),
        stride_(shape.columns.stride),
        shifts_(CeilDiv(shape.columns.kernel, stride_)),
        step_(stride_ == 1 ? shape.columns.dilation : 1),
        first_(FloorDiv(shape.columns.pad_begin, stride_)),
        phase_(shape.columns.pad_begin - first_ * stride_),
        phase_columns_(FloorDiv(shape.fine_width - 1 + shape.columns.pad_begin, stride_) - first_ + 1) {
    const int64_t pad = s_.columns.pad_begin, reach = (shifts_ - 1) * step_;
    margin_ = std::max({int64_t{0}, pad, (s_.coarse_width + reach) * stride_ - pad - s_.fine_width,
                        reach - first_, first_ + phase_columns_ - s_.coarse_width}) +
              tiles::kReadBeyond;
    exact_image_ = !exact_ && IsExactOfImage(shape) && !ByShift();
    gathered_ = {-pad, s_.columns.extent() - 1 - pad, stride_};
    scattered_ = {first_ - reach, first_, 1};
  }

  std::string_view name() const override { return "highway"; }
  bool applies_relu() const override { return s_.relu; }
  bool applies_gates() const override { return true; }
  int64_t margin() const override { return margin_; }
  int64_t parameter_bytes() const override { return 2 * PatternsSize() * int64_t{sizeof(float)}; }
  int64_t workspace_bytes() const override {
    return tiles::kMostOutputs * (Outputs::kBytes + int64_t{sizeof(float*)}) +
           MostSources() * int64_t{sizeof(RowOf) + sizeof(float*)} + PassBytes<float>() +
           PassBytes<double>() + 2 * MostSums() * int64_t{sizeof(double)} +
           BlockSize() * int64_t{sizeof(float)} + Repeats::Bytes(MostColumns(), Block());
  }
  std::unique_ptr<Workspace> MakeWorkspace() const override {
    auto w = std::make_unique<HighwayWorkspace>(Repeats(MostColumns(), Block()));
    w->outputs.Reserve(tiles::kMostOutputs);
    w->coarse.reserve(static_cast<size_t>(tiles::kMostOutputs));
    w->sources.reserve(static_cast<size_t>(MostSources()));
    w->values.reserve(static_cast<size_t>(MostSources()));
    Reserve(&w->floats);
    Reserve(&w->doubles);
    w->sums.reserve(static_cast<size_t>(MostSums()));
    w->repeated.reserve(static_cast<size_t>(MostSums()));
    w->block.resize(static_cast<size_t>(BlockSize()));
    return w;
  }

  void SetWeights(const float* weights) override;
  void Gather(const RowWindow<const float>& fine, const float* bias, const RowWindow<float>& coarse,
              Front front, Workspace* workspace) const override;
  void Scatter(const RowWindow<const float>& coarse, const float* bias, const RowWindow<float>& fine,
               Workspace* workspace) const override;
  void Pull(const RowWindow<const float>& coarse, const float* const* gates, const RowWindow<float>& fine,
            Workspace* workspace) const override;
  void AddWeightGradient(const RowWindow<const float>& fine, const RowWindow<const float>& coarse,
                         double* diff_weights, Workspace* workspace) const override;
  double Sum(const float* row, int64_t n) const override { return rows::Sum(row, n); }

 private:
  static constexpr int64_t kPattern = tiles::kPattern<float>;
  /// One in so many columns has to repeat for it to be faster to leave them out than to take the faster way
  /// for all of them.
  static constexpr int64_t kWorthSkipping = 3;
  /// Channels that would not make enough of a value that is loaded.
  static constexpr int64_t kFewOutputs = 4;

  /// Fine columns from one shift to the next.
  int64_t GatherStep() const { return stride_ == 1 ? step_ : stride_; }
  static std::span<const float* const> Pointers(const RowWindow<const float>& window) {
    return {window.pointers, static_cast<size_t>(window.rows.size() * window.channels)};
  }
  /// Coarse columns that may repeat.
  int64_t Block() const { return kRepeatedColumns / stride_; }
  int64_t BlockSize() const { return tiles::kMostOutputs * kRepeatedColumns; }
  int64_t MostColumns() const { return std::max({s_.fine_width, s_.coarse_width, phase_columns_}); }
  int64_t MostRows() const { return s_.rows.most_src(s_.rows_at_once) + s_.rows_at_once; }
  /// For the gradients of weights shifts are sources of their own.
  int64_t MostSources() const {
    return MostRows() * std::max(s_.coarse_per_group(), s_.fine_per_group()) * shifts_;
  }
  int64_t MostSums() const { return MostSources() * tiles::kMostOutputs * kPattern; }
  /// Where all rows are groups of their own, each of every other output.
  int64_t MostGroups() const { return MostRows() * tiles::kMostOutputs; }
  int64_t PatternsSize() const {
    return s_.coarse_channels * s_.fine_per_group() * s_.row_taps() * shifts_ * kPattern;
  }
  template <class Weight>
  int64_t WeightsSize() const {
    return MostSources() * tiles::kMostOutputs * tiles::kPattern<Weight>;
  }
  template <class Weight>
  int64_t PassBytes() const {
    return WeightsSize<Weight>() * int64_t{sizeof(Weight)} +
           MostGroups() * int64_t{sizeof(tiles::Group<Weight>)};
  }
  template <class Weight>
  void Reserve(Pass<Weight>* pass) const {
    pass->weights.reserve(static_cast<size_t>(WeightsSize<Weight>()));
    pass->groups.reserve(static_cast<size_t>(MostGroups()));
  }
  int64_t WeightIndex(int64_t coarse, int64_t fine, int64_t row_tap) const {
    return (coarse * s_.fine_per_group() + fine % s_.fine_per_group()) * s_.row_taps() + row_tap;
  }

  /// Of what a pass reads.
  enum class Channels { kAll, kImage, kOthers };
  /// Makes a list of sources: those rows of a window, of some channels, from a column on.
  template <class F>
  void ListSources(const RowWindow<const float>& window, Range channels, Channels which, int64_t column,
                   HighwayWorkspace* w, F&& takes_row) const;
  /// Adds a group for sources [begin, end), and its weights from gather_ or scatter_.
  template <class Weight>
  void AddGroup(bool gathers, int64_t begin, int64_t end, int64_t first_output, int64_t outputs,
                HighwayWorkspace* w) const;
  /// Lists what the outputs gather of the sources. Rows that the same outputs see are a group.
  template <class Weight>
  void GroupSources(HighwayWorkspace* w) const;
  /// The same by outputs, for sums by shifts.
  template <class Weight>
  void GroupOutputs(HighwayWorkspace* w) const;
  /// Whether sums are kept by shifts.
  bool ByShift() const {
    return stride_ == 1 && shifts_ > 1 && s_.coarse_per_group() <= kFewOutputs && s_.rows.dilation == 1 &&
           (shifts_ - 1) * step_ <= tiles::kMostReach;
  }
  /// The outputs' sums over all sources: pass(Weight(), channels, bias or null, whether it ends in a ReLU,
  /// whether for the stretches that repeat).
  template <class F>
  void ForPasses(std::span<const Stretch> stretches, bool forward, const float* bias, F&& pass) const;
  void GatherOutputs(const RowWindow<const float>& fine, Range channels, bool forward,
                     HighwayWorkspace* w) const;
  /// What Scatter and Pull share. Forward there is a bias.
  void ScatterRows(const RowWindow<const float>& coarse, const float* bias, const float* const* gates,
                   const RowWindow<float>& fine, rows::Store store, HighwayWorkspace* w) const;
  void ScatterOutputs(const RowWindow<const float>& coarse, Range channels, bool forward, rows::Store store,
                      HighwayWorkspace* w) const;
  /// Lists the coarse rows of `seeing` that a fine row meets, of a group of channels; add() for every `most`.
  template <class F>
  void ForCoarseRows(const RowWindow<const float>& coarse, Range seeing, int64_t fine, int64_t g,
                     int64_t most, HighwayWorkspace* w, F&& add) const;
  /// diff_weights of fine rows that the same coarse ones see, of a group of channels.
  void AddRowsGradient(const RowWindow<const float>& fine, Range rows, const RowWindow<const float>& coarse,
                       Range seeing, int64_t g, std::span<const Stretch> stretches, double* diff_weights,
                       HighwayWorkspace* w) const;
  /// The same where no columns, or few, could be left out, with a stride of 1: of all of them.
  void AddShiftedGradient(const RowWindow<const float>& fine, Range rows,
                          const RowWindow<const float>& coarse, Range seeing, int64_t g, double* diff_weights,
                          HighwayWorkspace* w) const;
  /// And of all listed sources and some coarse rows.
  void AddDots(std::span<const Stretch> stretches, double* diff_weights, HighwayWorkspace* w) const;
  /// The coarse rows of a window that meet a fine one.
  Range CoarseRows(int64_t fine, Range window) const;

  CorrelationShape s_;
  bool exact_;                ///< all sums over taps are in doubles
  bool exact_image_ = false;  ///< forward, those over the image's channels are
  int64_t stride_;
  int64_t shifts_;         ///< see kernels/tiles.h
  int64_t step_;           ///< coarse columns from one shift to the next
  int64_t first_, phase_;  ///< fine column 0 is of coarse column first_
  int64_t phase_columns_;  ///< coarse columns that fine ones are of
  int64_t margin_ = 0;
  Repeats::Reach gathered_;     ///< what a coarse column reads of fine ones
  Repeats::Reach scattered_;    ///< and fine ones, as a coarse column, of coarse ones
  std::vector<float> gather_;   ///< [coarse channel][fine channel of its group][row tap][shift][kPattern]
  std::vector<float> scatter_;  ///< the same, from the phase of fine column 0 on
};

void HighwayCorrelation::SetWeights(const float* weights) {
  gather_.clear();
  scatter_.clear();
  const int64_t kernel = s_.columns.kernel, rows = PatternsSize() / (shifts_ * kPattern);
  for (int64_t row = 0; row < rows; ++row, weights += kernel) {
    for (int64_t j = 0; j < shifts_; ++j) {
      const auto weight = [&](int64_t lane) {
        const int64_t k = j * stride_ + lane % stride_;
        return k < kernel ? weights[k] : 0.0f;
      };
      for (int64_t lane = 0; lane < kPattern; ++lane) {
        gather_.push_back(weight(lane));
        scatter_.push_back(weight(lane + phase_));
      }
    }
  }
}

template <class F>
void HighwayCorrelation::ListSources(const RowWindow<const float>& window, Range channels, Channels which,
                                     int64_t column, HighwayWorkspace* w, F&& takes_row) const {
  w->sources.clear();
  w->values.clear();
  for (int64_t r = window.rows.begin; r < window.rows.end; ++r) {
    if (!takes_row(r)) continue;
    for (int64_t c = channels.begin; c < channels.end; ++c) {
      if (which != Channels::kAll && s_.image_channels[static_cast<size_t>(c)] != (which == Channels::kImage))
        continue;
      w->sources.push_back({r, c});
      w->values.push_back(window.At(r, c) + column);
    }
  }
}

template <class Weight>
void HighwayCorrelation::AddGroup(bool gathers, int64_t begin, int64_t end, int64_t first_output,
                                  int64_t outputs, HighwayWorkspace* w) const {
  constexpr int64_t kCopies = tiles::kPattern<Weight>;
  Pass<Weight>& pass = w->Of<Weight>();
  const size_t before = pass.weights.size();
  pass.weights.resize(before + static_cast<size_t>((end - begin) * shifts_ * outputs * kCopies));
  Weight* to = pass.weights.data() + before;
  pass.groups.push_back(
      {std::span(w->values).subspan(static_cast<size_t>(begin), static_cast<size_t>(end - begin)),
       first_output, outputs, to});
  for (int64_t i = begin; i < end; ++i, to += shifts_ * outputs * kCopies) {
    const RowOf& source = w->sources[static_cast<size_t>(i)];
    for (int64_t o = 0; o < outputs; ++o) {
      const RowOf& output = w->outputs.of[static_cast<size_t>(first_output + o)];
      const RowOf &coarse = gathers ? output : source, &fine = gathers ? source : output;
      const float* from =
          (gathers ? gather_ : scatter_).data() +
          WeightIndex(coarse.channel, fine.channel, s_.Tap(coarse.row, fine.row)) * shifts_ * kPattern;
      for (int64_t j = 0; j < shifts_; ++j) {
        for (int64_t l = 0; l < kCopies; ++l)
          to[(j * outputs + o) * kCopies + l] = Weight{from[j * kPattern + l % kPattern]};
      }
    }
  }
}

template <class Weight>
void HighwayCorrelation::GroupSources(HighwayWorkspace* w) const {
  w->Of<Weight>().Clear();
  const int64_t sources = static_cast<int64_t>(w->sources.size()), outputs = w->outputs.size();
  const auto seeing = [&](int64_t row) {  // a bit for each output
    uint32_t bits = 0;
    for (int64_t o = 0; o < outputs; ++o) {
      if (s_.Tap(w->outputs.of[static_cast<size_t>(o)].row, row) >= 0) bits |= uint32_t{1} << o;
    }
    return bits;
  };
  int64_t begin = 0;
  uint32_t bits = 0;
  const auto add = [&](int64_t end) {
    for (int64_t o = 0; o < outputs; ++o) {
      int64_t last = o;
      while (bits >> last & 1) ++last;
      while (o < last) {
        const int64_t n = tiles::OutputsOfGroup(last - o);
        AddGroup<Weight>(true, begin, end, o, n, w);
        o += n;
      }
    }
    begin = end;
  };
  for (int64_t i = 0; i < sources; ++i) {
    const int64_t row = w->sources[static_cast<size_t>(i)].row;
    if (i > 0 && row == w->sources[static_cast<size_t>(i - 1)].row) continue;
    const uint32_t now = seeing(row);
    if (now != bits) add(i);
    bits = now;
  }
  add(sources);
}

template <class Weight>
void HighwayCorrelation::GroupOutputs(HighwayWorkspace* w) const {
  w->Of<Weight>().Clear();
  const std::vector<RowOf>&outputs = w->outputs.of, &sources = w->sources;
  for (size_t o = 0; o < outputs.size(); ++o) {
    const auto sees = [&](const RowOf& source) { return s_.Tap(outputs[o].row, source.row) >= 0; };
    const auto begin = std::find_if(sources.begin(), sources.end(), sees),
               end = std::find_if_not(begin, sources.end(), sees);
    AddGroup<Weight>(true, begin - sources.begin(), end - sources.begin(), static_cast<int64_t>(o), 1, w);
  }
}

template <class F>
void HighwayCorrelation::ForPasses(std::span<const Stretch> stretches, bool forward, const float* bias,
                                   F&& pass) const {
  const auto repeats = [](const Stretch& stretch) { return stretch.repeats > 0; };
  const bool relu = forward && s_.relu;
  if (std::any_of(stretches.begin(), stretches.end(), repeats))
    pass(double{}, Channels::kAll, bias, relu, true);
  if (std::all_of(stretches.begin(), stretches.end(), repeats)) return;
  if (exact_) {
    pass(double{}, Channels::kAll, bias, relu, false);
  } else if (forward && exact_image_) {
    pass(double{}, Channels::kImage, bias, false, false);
    pass(float{}, Channels::kOthers, nullptr, relu, false);
  } else {
    pass(float{}, Channels::kAll, bias, relu, false);
  }
}

void HighwayCorrelation::Gather(const RowWindow<const float>& fine, const float* bias,
                                const RowWindow<float>& coarse, Front, Workspace* workspace) const {
  auto* w = static_cast<HighwayWorkspace*>(workspace);
  w->repeats.Begin(s_.coarse_width, Block());
  w->repeats.Read(Pointers(fine), s_.fine_width, gathered_);
  for (int64_t g = 0; g < s_.groups; ++g) {
    const Range fine_channels{g * s_.fine_per_group(), (g + 1) * s_.fine_per_group()};
    const auto compute = [&] {
      if (w->outputs.size() > 0) GatherOutputs(fine, fine_channels, bias != nullptr, w);
      w->outputs.Clear();
    };
    w->outputs.Clear();
    for (int64_t y = coarse.rows.begin; y < coarse.rows.end; ++y) {
      for (int64_t c = g * s_.coarse_per_group(); c < (g + 1) * s_.coarse_per_group(); ++c) {
        if (float* values = coarse.At(y, c)) w->outputs.Add({y, c}, values, bias ? bias[c] : 0);
        if (w->outputs.size() == tiles::kMostOutputs) compute();
      }
    }
    compute();
  }
}

void HighwayCorrelation::GatherOutputs(const RowWindow<const float>& fine, Range channels, bool forward,
                                       HighwayWorkspace* w) const {
  const Outputs& outputs = w->outputs;
  std::span<const float* const> added_to;
  if (!forward) added_to = outputs.values;
  const std::span<const Stretch> stretches = w->repeats.Stretches(added_to);
  const int64_t count = outputs.size();
  const auto pass = [&](auto weight, Channels which, const float* bias, bool relu, bool of_repeats) {
    using Weight = decltype(weight);
    ListSources(fine, channels, which, -s_.columns.pad_begin, w, [](int64_t) { return true; });
    if (ByShift()) {
      GroupOutputs<Weight>(w);
    } else {
      GroupSources<Weight>(w);
    }
    const std::vector<tiles::Group<Weight>>& groups = w->Of<Weight>().groups;
    if (groups.empty() && !bias && !relu) return;
    int64_t terms = 0;  // of a coarse column
    for (const auto& group : groups)
      terms += static_cast<int64_t>(group.sources.size()) * group.outputs * s_.columns.kernel;
    const tiles::Columns columns{stride_, GatherStep(), shifts_, ByShift()};
    for (const Stretch& stretch : stretches) {
      if ((stretch.repeats > 0) != of_repeats) continue;
      ShareColumns(w->team, stretch.columns, terms, [&](Range piece) {
        tiles::Gather(columns, groups, count, bias, relu, outputs.values.data(), piece);
      });
      const int64_t n = stretch.columns.size();
      for (float* values : outputs.values) {
        const float* block = values + stretch.columns.begin;
        for (int64_t i = 1; i <= stretch.repeats; ++i)
          std::copy_n(block, n, values + stretch.columns.begin + i * n);
      }
      w->skipped += terms * stretch.repeats * n;
    }
  };
  ForPasses(stretches, forward, forward ? outputs.bias.data() : nullptr, pass);
}

Range HighwayCorrelation::CoarseRows(int64_t fine, Range window) const {
  Range met{0, 0};
  for (int64_t r = window.begin; r < window.end; ++r) {
    if (s_.Tap(r, fine) < 0) continue;
    if (met.empty()) met.begin = r;
    met.end = r + 1;
  }
  return met;
}

void HighwayCorrelation::Scatter(const RowWindow<const float>& coarse, const float* bias,
                                 const RowWindow<float>& fine, Workspace* workspace) const {
  ScatterRows(coarse, bias, nullptr, fine, bias ? rows::Store::kSet : rows::Store::kAdd,
              static_cast<HighwayWorkspace*>(workspace));
}

void HighwayCorrelation::Pull(const RowWindow<const float>& coarse, const float* const* gates,
                              const RowWindow<float>& fine, Workspace* workspace) const {
  ScatterRows(coarse, nullptr, gates, fine, rows::Store::kSet, static_cast<HighwayWorkspace*>(workspace));
}

void HighwayCorrelation::ScatterRows(const RowWindow<const float>& coarse, const float* bias,
                                     const float* const* gates, const RowWindow<float>& fine,
                                     rows::Store store, HighwayWorkspace* w) const {
  w->repeats.Begin(phase_columns_, Block());
  w->repeats.Read(Pointers(coarse), s_.coarse_width, scattered_);
  for (int64_t g = 0; g < s_.groups; ++g) {
    const Range coarse_channels{g * s_.coarse_per_group(), (g + 1) * s_.coarse_per_group()};
    Range seen{0, 0};  // by the outputs so far
    const auto compute = [&] {
      if (w->outputs.size() > 0) ScatterOutputs(coarse, coarse_channels, bias != nullptr, store, w);
      w->outputs.Clear();
    };
    w->outputs.Clear();
    for (int64_t y = fine.rows.begin; y < fine.rows.end; ++y) {
      const Range rows = CoarseRows(y, coarse.rows);
      if (rows != seen) compute();
      seen = rows;
      for (int64_t c = g * s_.fine_per_group(); c < (g + 1) * s_.fine_per_group(); ++c) {
        const float* gate = gates ? gates[(y - fine.rows.begin) * fine.channels + c] : nullptr;
        if (float* values = fine.At(y, c)) w->outputs.Add({y, c}, values, bias ? bias[c] : 0, gate);
        if (w->outputs.size() == tiles::kMostOutputs) compute();
      }
    }
    compute();
  }
}

void HighwayCorrelation::ScatterOutputs(const RowWindow<const float>& coarse, Range channels, bool forward,
                                        rows::Store store, HighwayWorkspace* w) const {
  const Outputs& outputs = w->outputs;
  const float* const* gates = outputs.gates[0] ? outputs.gates.data() : nullptr;  // all have one, or none
  const std::span<const Stretch> stretches = w->repeats.Stretches();
  const tiles::Columns columns{stride_, step_, shifts_};
  const auto pass = [&](auto weight, Channels which, const float* bias, bool relu, bool of_repeats) {
    using Weight = decltype(weight);
    ListSources(coarse, channels, which, first_, w,
                [&](int64_t r) { return s_.Tap(r, outputs.of.front().row) >= 0; });
    Pass<Weight>& groups = w->Of<Weight>();
    groups.Clear();
    const int64_t sources = static_cast<int64_t>(w->sources.size());
    if (sources == 0 && !bias && !relu) return;
    for (int64_t o = 0; o < outputs.size(); o += groups.groups.back().outputs)
      AddGroup<Weight>(false, 0, sources, o, tiles::OutputsOfGroup(outputs.size() - o), w);
    const auto scatter = [&](const float* from, const float* const* gate, float* const* dst, Range fine) {
      for (const auto& group : groups.groups) {
        const int64_t o = group.first_output;
        tiles::Scatter(columns, phase_, group, from ? from + o : nullptr, relu, gate ? gate + o : nullptr,
                       dst + o, fine);
      }
    };
    const int64_t terms = sources * outputs.size() * s_.columns.kernel;  // of a coarse column
    for (const Stretch& stretch : stretches) {
      if ((stretch.repeats > 0) != of_repeats) continue;
      const Range fine{stretch.columns.begin * stride_ - phase_, stretch.columns.end * stride_ - phase_},
          image{0, s_.fine_width};
      if (!of_repeats) {
        ShareColumns(w->team, Intersect(fine, image), terms / stride_,
                     [&](Range piece) { scatter(bias, gates, outputs.values.data(), piece); });
        continue;
      }
      constexpr float kNothing[tiles::kMostOutputs] = {};
      float* block[tiles::kMostOutputs];
      for (int64_t o = 0; o < outputs.size(); ++o)
        block[o] = w->block.data() + o * kRepeatedColumns - fine.begin;
      scatter(bias ? bias : kNothing, nullptr, block, fine);
      for (int64_t o = 0; o < outputs.size(); ++o) {
        for (int64_t i = 0; i <= stretch.repeats; ++i) {
          const int64_t shift = i * fine.size();
          float* to = outputs.values[static_cast<size_t>(o)] + shift;
          const float* gate = gates ? gates[o] + shift : nullptr;
          const Range inside = Intersect(fine, {image.begin - shift, image.end - shift});
          const float* from = block[o];
          if (!bias) {
            for (int64_t x = inside.begin; x < inside.end; ++x) to[x] += from[x];
          } else if (gate) {
            for (int64_t x = inside.begin; x < inside.end; ++x) to[x] = gate[x] > 0 ? from[x] : 0;
          } else {
            std::copy(from + inside.begin, from + inside.end, to + inside.begin);
          }
        }
      }
      w->skipped += terms * stretch.repeats * stretch.columns.size();
    }
  };
  ForPasses(stretches, forward, store == rows::Store::kSet ? outputs.bias.data() : nullptr, pass);
}

void HighwayCorrelation::AddWeightGradient(const RowWindow<const float>& fine,
                                           const RowWindow<const float>& coarse, double* diff_weights,
                                           Workspace* workspace) const {
  auto* w = static_cast<HighwayWorkspace*>(workspace);
  w->repeats.Begin(s_.coarse_width, Block());
  w->repeats.Read(Pointers(fine), s_.fine_width, gathered_);
  w->repeats.Read(Pointers(coarse), s_.coarse_width, {});
  const std::span<const Stretch> stretches = w->repeats.Stretches();
  int64_t repeated = 0;  // columns
  for (const Stretch& stretch : stretches) repeated += stretch.repeats * stretch.columns.size();
  const bool shifted = stride_ == 1 && repeated * kWorthSkipping < s_.coarse_width;
  for (int64_t g = 0; g < s_.groups; ++g) {
    for (Range rows{fine.rows.begin, fine.rows.begin}; rows.begin < fine.rows.end; rows.begin = rows.end) {
      const Range seeing = CoarseRows(rows.begin, coarse.rows);
      do {
        ++rows.end;
      } while (rows.end < fine.rows.end && CoarseRows(rows.end, coarse.rows) == seeing);
      if (shifted) {
        AddShiftedGradient(fine, rows, coarse, seeing, g, diff_weights, w);
      } else {
        AddRowsGradient(fine, rows, coarse, seeing, g, stretches, diff_weights, w);
      }
    }
  }
}

template <class F>
void HighwayCorrelation::ForCoarseRows(const RowWindow<const float>& coarse, Range seeing, int64_t fine,
                                       int64_t g, int64_t most, HighwayWorkspace* w, F&& add) const {
  const auto take = [&] {
    if (!w->coarse.empty()) add();
    w->outputs.Clear();
    w->coarse.clear();
  };
  w->outputs.Clear();
  w->coarse.clear();
  for (int64_t y = seeing.begin; y < seeing.end; ++y) {
    if (s_.Tap(y, fine) < 0) continue;
    for (int64_t c = g * s_.coarse_per_group(); c < (g + 1) * s_.coarse_per_group(); ++c) {
      w->outputs.of.push_back({y, c});
      w->coarse.push_back(coarse.At(y, c));
      if (static_cast<int64_t>(w->coarse.size()) == most) take();
    }
  }
  take();
}

void HighwayCorrelation::AddRowsGradient(const RowWindow<const float>& fine, Range rows,
                                         const RowWindow<const float>& coarse, Range seeing, int64_t g,
                                         std::span<const Stretch> stretches, double* diff_weights,
                                         HighwayWorkspace* w) const {
  w->sources.clear();
  w->values.clear();
  for (int64_t r = rows.begin; r < rows.end; ++r) {
    for (int64_t c = g * s_.fine_per_group(); c < (g + 1) * s_.fine_per_group(); ++c) {
      for (int64_t j = 0; j < shifts_; ++j) {
        w->sources.push_back({r, c});
        w->values.push_back(fine.At(r, c) + j * GatherStep() - s_.columns.pad_begin);
      }
    }
  }
  ForCoarseRows(coarse, seeing, rows.begin, g, stride_ == 1 ? rows::kMostOutputs : tiles::kMostOutputs, w,
                [&] { AddDots(stretches, diff_weights, w); });
}

void HighwayCorrelation::AddShiftedGradient(const RowWindow<const float>& fine, Range rows,
                                            const RowWindow<const float>& coarse, Range seeing, int64_t g,
                                            double* diff_weights, HighwayWorkspace* w) const {
  w->values.clear();
  for (int64_t r = rows.begin; r < rows.end; ++r) {
    for (int64_t f = 0; f < s_.fine_per_group(); ++f)
      w->values.push_back(fine.At(r, g * s_.fine_per_group() + f));
  }
  const tiles::Columns columns{1, step_, shifts_};
  const Range all{0, s_.fine_width};
  const auto add = [&] {
    for (const float*& row : w->coarse) row += s_.columns.pad_begin;
    w->sums.assign(w->coarse.size() * w->values.size() * static_cast<size_t>(shifts_), 0.0);
    if (IsExactGradient(s_)) {
      tiles::DotShifts<double>(columns, w->values, w->coarse, all, w->sums.data());
    } else {
      tiles::DotShifts<float>(columns, w->values, w->coarse, all, w->sums.data());
    }
    const double* sum = w->sums.data();
    for (const RowOf& output : w->outputs.of) {
      for (int64_t r = rows.begin; r < rows.end; ++r) {
        for (int64_t f = 0; f < s_.fine_per_group(); ++f) {
          double* to = diff_weights + WeightIndex(output.channel, f, s_.Tap(output.row, r)) * shifts_;
          for (int64_t j = 0; j < shifts_; ++j) to[j] += *sum++;
        }
      }
    }
  };
  ForCoarseRows(coarse, seeing, rows.begin, g, tiles::kMostOutputs, w, add);
}

void HighwayCorrelation::AddDots(std::span<const Stretch> stretches, double* diff_weights,
                                 HighwayWorkspace* w) const {
  // Each sum has as many parts.
  const int64_t parts = stride_ == 1 ? 1 : kPattern, coarse = static_cast<int64_t>(w->coarse.size());
  const auto dot = [&](auto partial, Range columns, std::vector<double>* sums) {
    using Partial = decltype(partial);
    if (stride_ == 1) {
      rows::Dot<Partial>(w->values, w->coarse, columns, sums->data());
    } else {
      tiles::Dot<Partial>(stride_, w->values, w->coarse, columns, sums->data());
    }
  };
  w->sums.assign(w->values.size() * w->coarse.size() * static_cast<size_t>(parts), 0.0);
  for (const Stretch& stretch : stretches) {
    if (stretch.repeats > 0) {
      w->repeated.assign(w->sums.size(), 0.0);
      dot(double{}, stretch.columns, &w->repeated);
      for (size_t i = 0; i < w->sums.size(); ++i)
        w->sums[i] += static_cast<double>(1 + stretch.repeats) * w->repeated[i];
      w->skipped += static_cast<int64_t>(w->values.size()) * coarse * stride_ * stretch.repeats *
                    stretch.columns.size();
    } else if (IsExactGradient(s_)) {
      dot(double{}, stretch.columns, &w->sums);
    } else {
      dot(float{}, stretch.columns, &w->sums);
    }
  }
  const double* sum = w->sums.data();
  for (size_t i = 0; i < w->sources.size(); i += static_cast<size_t>(shifts_)) {
    const RowOf& source = w->sources[i];
    for (int64_t first = 0; first < shifts_ * stride_; first += stride_) {  // column tap
      const int64_t phases = std::min(stride_, s_.columns.kernel - first);
      for (const RowOf& output : w->outputs.of) {
        double* to =
            diff_weights +
            WeightIndex(output.channel, source.channel, s_.Tap(output.row, source.row)) * s_.columns.kernel +
            first;
        for (int64_t p = 0; p < phases; ++p) {
          for (int64_t l = p; l < parts; l += stride_) to[p] += sum[l];
        }
        sum += parts;
      }
    }
  }
}

}  // namespace

bool TakesHighway(const CorrelationShape& shape) {
  return tiles::Takes(shape.columns.stride) && (shape.columns.stride == 1 || shape.columns.dilation == 1);
}

std::unique_ptr<Correlation<float>> MakeHighwayCorrelation(const CorrelationShape& shape) {
  return std::make_unique<HighwayCorrelation>(shape);
}

}  // namespace swath
