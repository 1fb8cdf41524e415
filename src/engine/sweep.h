/// The sweeps of a step: what each goes through, forward and back.
///
/// A network without reductions has one, with one backward sweep. A tensor in core is known when all rows of
/// what it was reduced from have been seen: a chain of L reductions, each needed by the next, takes L sweeps
/// forward. Going back it is the same: where rows read a tensor in core, its gradient is known when all of
/// them have gone back, and only then can what lies before the reduction go back. So there are up to L sweeps
/// that go back part of the way, and a last one, which goes all the way and adds up the gradients of
/// parameters: at most 2 L + 1. Every sweep computes anew, from the image on, what it reads.
#pragma once

#include <span>
#include <vector>

#include "engine/program.h"
#include "engine/strip.h"

namespace swath {

struct Sweep {
  std::vector<bool> forward;   ///< by op: its rows are computed; of a reduction, in a forward sweep, added up
  std::vector<bool> backward;  ///< by op: its gradient goes back
  std::vector<bool> adds_core;  ///< by op: the gradients of its sources in core are added up
  bool output = false;          ///< the output's rows are taken: by a loss, or as a prediction
  bool trains = false;          ///< gradients of parameters are added up
  std::vector<Strip> strips;    ///< those of a part follow one another

  bool goes_back() const;
  std::span<const Strip> StripsOf(size_t part) const;
};

struct Sweeps {
  /// Each adds up some reductions; forward_cores[i] are the core ops that can be computed after the i-th.
  std::vector<Sweep> forward;
  std::vector<std::vector<int>> forward_cores;
  /// Forward to the output, where it is streamed.
  Sweep output;
  /// The last one goes all the way. backward_cores[i] are the core ops that go back before the i-th, in the
  /// order in which they do, and at the end those that go back after the last.
  std::vector<Sweep> backward;
  std::vector<std::vector<int>> backward_cores;

  /// All of them, `output` included where there is one.
  std::vector<Sweep*> All();
};

/// Without strips.
Sweeps PlanSweeps(const Program& program);

}  // namespace swath
