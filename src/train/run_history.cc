#include "train/run_history.h"

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>

namespace swath {
namespace {

/// JSON has no infinities: they were written as null.
double Number(const nlohmann::json& record, const char* key) {
  const auto value = record.find(key);
  return value != record.end() && value->is_number() ? value->get<double>() : 0.0;
}

}  // namespace

RunHistory ReadRunHistory(const std::string& path, int64_t last_step) {
  RunHistory history;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    const nlohmann::json record = nlohmann::json::parse(line, nullptr, false);
    if (!record.is_object() || !record.contains("step") || !record["step"].is_number_integer()) continue;
    const int64_t step = record["step"];
    if (step > last_step) continue;
    history.kept += line + "\n";
    CurvePoint point{step, Number(record, "loss")};
    for (const char* score : {"dice", "auc", "accuracy", "rmse"}) {
      if (!record.contains(score)) continue;
      point.score = record[score].is_number() ? Number(record, score) : point.score;
      history.curves.score = score;
    }
    const bool validation = record.contains("split") && record["split"] == "val";
    (validation ? history.curves.validation : history.curves.train).push_back(point);
    (validation ? history.validation_seconds : history.training_seconds) += Number(record, "seconds");
    history.peak_resident_mib = std::max(history.peak_resident_mib, Number(record, "peak_rss_mib"));
    history.steps = std::max(history.steps, step);
    if (validation && record.contains("best") && record["best"] == true) history.best_step = step;
  }
  return history;
}

}  // namespace swath
