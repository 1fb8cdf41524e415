#include "train/run_folder.h"

#include <cmath>
#include <filesystem>
#include <iterator>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/json_text.h"
#include "base/pending_file.h"
#include "train/run_history.h"

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

/// Figures in the metrics are for people and plots; training never reads them back.
double Rounded(double value, int digits) {
  const double scale = std::pow(10, digits);
  return std::round(value * scale) / scale;
}

}  // namespace

RunFolder::RunFolder(std::string path, bool resume) : path_(std::move(path)) {
  if (!resume) {
    for (const std::string& file :
         {state(), best_model(), last_model(), File("metrics.jsonl"), File("config.toml"),
          File("weights.txt"), File("curves.svg"), sessions()}) {
      if (!std::filesystem::exists(file)) continue;
      Fail(ErrorCode::kUsage,
           "{}: holds a run already ({}): continue it with --resume, or take another --out", path_,
           std::filesystem::path(file).filename().string());
    }
  }
}

void RunFolder::Create() const { MakeFolder(path_); }

void RunFolder::OpenMetrics(int64_t step) {
  const std::string path = File("metrics.jsonl");
  const RunHistory history = step > 0 ? ReadRunHistory(path, step) : RunHistory();
  curves_ = history.curves;
  WriteFile(path, history.kept);
  metrics_.open(path, std::ios::app);
  events_.Open(path_, step + 1);
}

void RunFolder::WriteSession(const RunSession& session) const {
  std::string before;
  std::ifstream file(sessions(), std::ios::binary);
  if (session.first_step > 0) before.assign(std::istreambuf_iterator<char>(file), {});
  WriteFile(sessions(), before + JsonText(ToJson(session)) + "\n");
}

void RunFolder::WriteConfig(const std::string& config) const { WriteFile(File("config.toml"), config); }

void RunFolder::WriteWeights(const std::string& report) const { WriteFile(File("weights.txt"), report); }

void RunFolder::AppendLine(const nlohmann::ordered_json& record) {
  metrics_ << JsonText(record) << std::endl;
  if (!metrics_) Fail(ErrorCode::kOutput, "{}: cannot be written", File("metrics.jsonl"));
}

void RunFolder::Append(const StepRecord& record) {
  nlohmann::ordered_json line = {{"step", record.step},
                                 {"split", "train"},
                                 {"epoch", record.epoch},
                                 {"slide", record.slide},
                                 {"loss", record.loss}};
  if (record.dice) line["dice"] = *record.dice;
  line.update({{"lr", record.learning_rate},
               {"gradient_norm", record.gradient_norm},
               {"seconds", Rounded(record.seconds, 4)},
               {"mpx_per_s", Rounded(record.megapixels_per_second, 3)},
               {"peak_rss_mib", Rounded(static_cast<double>(record.peak_resident_bytes) / kMebibyte, 1)},
               {"plan_bytes", record.plan_bytes},
               {"strips", record.strips},
               {"panels", record.panels}});
  AppendLine(line);
  curves_.train.push_back({record.step, record.loss});
  if (record.dice) curves_.train.back().score = *record.dice;
  std::vector<EventScalar> scalars = {
      {"loss/train", record.loss},
      {"lr", record.learning_rate},
      {"gradient_norm", record.gradient_norm},
      {"mpx_per_s", record.megapixels_per_second},
      {"peak_rss_mib", static_cast<double>(record.peak_resident_bytes) / kMebibyte}};
  if (record.dice) scalars.push_back({"dice/train", *record.dice});
  events_.Append(record.step, scalars);
}

void RunFolder::Append(const ValidationRecord& record) {
  auto slides = nlohmann::ordered_json::array();
  for (const auto& slide : record.slides) {
    slides.push_back({{"slide", slide.name}, {"loss", slide.loss}});
    if (slide.dice) slides.back()["dice"] = *slide.dice;
    if (!slide.output.empty()) slides.back()["output"] = slide.output;
  }
  AppendLine(nlohmann::ordered_json{{"step", record.step},
                                    {"split", "val"},
                                    {"loss", record.loss},
                                    {record.score.name, record.score.value},
                                    {"best", record.best},
                                    {"seconds", Rounded(record.seconds, 4)},
                                    {"slides", slides}});
  curves_.validation.push_back({record.step, record.loss, record.score.value});
  curves_.score = record.score.name;
  events_.Append(record.step, {{"loss/val", record.loss}, {record.score.name + "/val", record.score.value}});
}

void RunFolder::WriteCurves(const std::string& title) const {
  WriteFile(File("curves.svg"), DrawCurves(title, curves_));
}

}  // namespace swath
