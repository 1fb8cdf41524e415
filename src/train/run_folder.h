/// The files of a run.
#pragma once

#include <cstdint>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "swath/trainer.h"
#include "train/curves.h"
#include "train/event_file.h"
#include "train/run_session.h"

namespace swath {

class RunFolder {
 public:
  /// Without `resume`, throws Error (kUsage) for a folder that holds a run, or files that a run would write
  /// over.
  RunFolder(std::string path, bool resume);
  /// Makes the folder if it is absent.
  void Create() const;

  std::string File(const char* name) const { return path_ + "/" + name; }
  std::string best_model() const { return File("model.onnx"); }
  std::string last_model() const { return File("last.onnx"); }
  std::string state() const { return File("training-state"); }

  std::string sessions() const { return File("sessions.jsonl"); }

  /// Opens metrics.jsonl, empty or, where a run goes on after `step`, without the lines of later steps (a run
  /// that was killed has metrics that are newer than its state); and a file of TensorBoard's beside it.
  void OpenMetrics(int64_t step);

  /// After those of the run so far.
  void WriteSession(const RunSession& session) const;
  void WriteConfig(const std::string& config) const;
  void WriteWeights(const std::string& report) const;
  void Append(const StepRecord& record);
  void Append(const ValidationRecord& record);
  void WriteCurves(const std::string& title) const;

 private:
  void AppendLine(const nlohmann::ordered_json& record);

  std::string path_;
  std::ofstream metrics_;
  EventFile events_;
  Curves curves_;
};

}  // namespace swath
