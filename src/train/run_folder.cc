#include "train/run_folder.h"

#include <cmath>
#include <filesystem>
#include <utility>

#include "base/error.h"
#include "base/json_text.h"
#include "base/pending_file.h"

namespace swath {
namespace {

constexpr double kMebibyte = 1024.0 * 1024;

void WriteFile(const std::string& path, const std::string& content) {
  PendingFile pending(path);
  std::ofstream file(pending.temporary(), std::ios::binary);
  file << content;
  file.close();
  if (!file) Fail(ErrorCode::kOutput, "{}: cannot be written", path);
  pending.Commit();
}

/// JSON has no infinities: they were written as null.
double Number(const nlohmann::json& record, const char* key) {
  const auto value = record.find(key);
  return value != record.end() && value->is_number() ? value->get<double>() : 0.0;
}

/// Figures in the metrics are for people and plots; training never reads them back.
double Rounded(double value, int digits) {
  const double scale = std::pow(10, digits);
  return std::round(value * scale) / scale;
}

}  // namespace

RunFolder::RunFolder(std::string path, bool resume) : path_(std::move(path)) {
  if (!resume) {
    for (const std::string& file : {state(), best_model(), last_model(), File("metrics.jsonl"),
                                    File("config.toml"), File("curves.svg")}) {
      if (!std::filesystem::exists(file)) continue;
      Fail(ErrorCode::kUsage,
           "{}: holds a run already ({}): continue it with --resume, or take another --out", path_,
           std::filesystem::path(file).filename().string());
    }
  }
}

void RunFolder::Create() const {
  std::error_code error;
  std::filesystem::create_directories(path_, error);
  if (error) Fail(ErrorCode::kOutput, "{}: cannot be created: {}", path_, error.message());
}

void RunFolder::OpenMetrics(int64_t step) {
  const std::string path = File("metrics.jsonl");
  std::string kept;
  std::ifstream before(path);
  for (std::string line; step > 0 && std::getline(before, line);) {
    const nlohmann::json record = nlohmann::json::parse(line, nullptr, false);
    if (!record.is_object() || !record.contains("step") || record["step"] > step) continue;
    kept += line + "\n";
    const CurvePoint point{record["step"], Number(record, "loss"), Number(record, "dice")};
    (record.value("split", "") == "val" ? curves_.validation : curves_.train).push_back(point);
  }
  WriteFile(path, kept);
  metrics_.open(path, std::ios::app);
}

void RunFolder::WriteConfig(const std::string& config) const { WriteFile(File("config.toml"), config); }

void RunFolder::AppendLine(const nlohmann::ordered_json& record) {
  metrics_ << JsonText(record) << std::endl;
  if (!metrics_) Fail(ErrorCode::kOutput, "{}: cannot be written", File("metrics.jsonl"));
}

void RunFolder::Append(const StepRecord& record) {
  AppendLine(nlohmann::ordered_json{
      {"step", record.step},
      {"split", "train"},
      {"epoch", record.epoch},
      {"slide", record.slide},
      {"loss", record.loss},
      {"dice", record.dice},
      {"lr", record.learning_rate},
      {"gradient_norm", record.gradient_norm},
      {"seconds", Rounded(record.seconds, 4)},
      {"mpx_per_s", Rounded(record.megapixels_per_second, 3)},
      {"peak_rss_mib", Rounded(static_cast<double>(record.peak_resident_bytes) / kMebibyte, 1)},
      {"plan_bytes", record.plan_bytes},
      {"strips", record.strips}});
  curves_.train.push_back({record.step, record.loss, record.dice});
}

void RunFolder::Append(const ValidationRecord& record) {
  auto slides = nlohmann::ordered_json::array();
  for (const auto& slide : record.slides) {
    slides.push_back({{"slide", slide.name}, {"loss", slide.loss}, {"dice", slide.dice}});
  }
  AppendLine(nlohmann::ordered_json{{"step", record.step},
                                    {"split", "val"},
                                    {"loss", record.loss},
                                    {"dice", record.dice},
                                    {"best", record.best},
                                    {"seconds", Rounded(record.seconds, 4)},
                                    {"slides", slides}});
  curves_.validation.push_back({record.step, record.loss, record.dice});
}

void RunFolder::WriteCurves(const std::string& title) const {
  WriteFile(File("curves.svg"), DrawCurves(title, curves_));
}

}  // namespace swath
