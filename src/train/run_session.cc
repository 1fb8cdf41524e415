#include "train/run_session.h"

#include <chrono>
#include <filesystem>
#include <fstream>
#include <set>

#include "base/digest.h"
#include "base/error.h"
#include "base/processors.h"
#include "kernels/rows.h"

namespace swath {
namespace {

nlohmann::ordered_json PixelsJson(const RunSession& session) {
  const DatasetOptions& options = session.options;
  const LabelRules& rules = options.label_rules;
  auto classes = nlohmann::ordered_json::array();
  for (const auto& [name, rule] : rules.classes)
    classes.push_back({name, static_cast<int>(rule.kind), rule.label});
  nlohmann::ordered_json json = {{"labels", options.labels == Labels::kTargets ? "targets" : "masks"},
                                 {"ignore_label", session.ignore_label},
                                 {"annotations", classes},
                                 {"elsewhere", rules.elsewhere},
                                 {"find_tissue", options.find_tissue}};
  if (options.level) json["level"] = *options.level;
  if (options.mpp) json["mpp"] = *options.mpp;
  if (options.slide.mpp) json["slide_mpp"] = *options.slide.mpp;
  return json;
}

void ReadPixels(const nlohmann::json& json, RunSession* session) {
  DatasetOptions& options = session->options;
  options.labels = json.at("labels") == "targets" ? Labels::kTargets : Labels::kMasks;
  session->ignore_label = json.at("ignore_label");
  if (json.contains("level")) options.level = json.at("level").get<int>();
  if (json.contains("mpp")) options.mpp = json.at("mpp").get<double>();
  options.find_tissue = json.value("find_tissue", false);
  if (json.contains("slide_mpp")) options.slide.mpp = json.at("slide_mpp").get<double>();
  options.label_rules.elsewhere = json.at("elsewhere");
  options.label_rules.ignore = static_cast<uint8_t>(session->ignore_label);
  for (const auto& rule : json.at("annotations")) {
    options.label_rules.classes[rule.at(0)] = {static_cast<LabelRule::Kind>(rule.at(1).get<int>()),
                                               rule.at(2).get<uint8_t>()};
  }
}

RunSession ReadRunSession(const nlohmann::json& json) {
  RunSession session{.started = json.at("started"), .first_step = json.at("first_step")};
  const auto& environment = json.at("environment");
  session.environment = {.version = json.at("swath"),
                         .compiler = environment.at("compiler"),
                         .command = json.at("command"),
                         .folder = json.at("folder"),
                         .processor = environment.at("processor"),
                         .processors = environment.at("processors"),
                         .memory_bytes = environment.at("memory_bytes"),
                         .system = environment.at("system")};
  session.threads = environment.at("threads");
  session.simd_target = environment.at("simd");
  const auto& data = json.at("data");
  session.csv = data.at("csv");
  session.csv_sha256 = data.at("sha256");
  ReadPixels(data, &session);
  for (const auto& file : data.at("files"))
    session.files.push_back({file.at("name"), file.at("bytes"), file.at("modified")});
  session.loss = json.at("loss");
  session.seed = json.at("seed");
  session.steps = json.at("steps");
  if (json.contains("sample_region"))
    session.sample_region = RegionSize{json.at("sample_region").at(0), json.at("sample_region").at(1)};
  session.training_slides = json.at("training_slides");
  session.validation_slides = json.at("validation_slides");
  session.parameters = json.at("parameters");
  session.frozen = json.at("frozen");
  session.memory_limit = json.at("memory_limit");
  session.plan_bytes = json.at("plan_bytes");
  session.plan = json.at("plan");
  return session;
}

}  // namespace

nlohmann::ordered_json PlanFigures(const Plan& plan) {
  return {{"width", plan.width},
          {"height", plan.height},
          {"strips", plan.options.strips},
          {"in_flight", plan.in_flight},
          {"team", plan.team},
          {"panels", plan.options.panels},
          {"precision", ToString(plan.options.precision)},
          {"sweeps", plan.sweeps},
          {"cotangents", plan.cotangents},
          {"input_rows", plan.input_rows},
          {"input_pixels", plan.input_pixels},
          {"parts", plan.parts},
          {"ring_bytes", plan.ring_bytes},
          {"view_bytes", plan.view_bytes},
          {"workspace_bytes", plan.workspace_bytes},
          {"label_bytes", plan.label_bytes},
          {"gradient_bytes", plan.gradient_bytes},
          {"weight_bytes", plan.weight_bytes},
          {"core_bytes", plan.core_bytes},
          {"engine_bytes", plan.engine_bytes()},
          {"forward_multiply_adds", plan.forward_multiply_adds},
          {"backward_multiply_adds", plan.backward_multiply_adds}};
}

std::string NameInDataset(const Dataset& dataset, const std::string& path) {
  namespace fs = std::filesystem;
  return fs::absolute(path).lexically_normal().lexically_proximate(
      fs::absolute(dataset.path).lexically_normal().parent_path());
}

std::vector<RunSession::File> DatasetFiles(const Dataset& dataset) {
  std::vector<RunSession::File> files;
  std::set<std::string> seen;
  for (const DatasetEntry& entry : dataset.entries) {
    for (const std::string& path : {entry.slide, entry.mask, entry.tissue_file}) {
      if (path.empty() || !seen.insert(path).second) continue;
      const FileDigest facts = AtEntry(dataset, entry, [&] { return FileFacts(path); });
      files.push_back({NameInDataset(dataset, path), facts.bytes, facts.modified});
    }
  }
  return files;
}

RunSession MakeRunSession(const Dataset& dataset, const TrainOptions& options, const TrainSummary& summary) {
  using Clock = std::chrono::system_clock;
  return {.started = Clock::to_time_t(Clock::now()),
          .first_step = summary.first_step,
          .environment = ReadEnvironment(),
          .threads = options.plan.threads > 0 ? options.plan.threads : Processors(),
          .simd_target = rows::TargetName(),
          .csv = std::filesystem::absolute(dataset.path).lexically_normal(),
          .csv_sha256 = DigestFile(dataset.path).sha256,
          .options = dataset.options,
          .ignore_label = options.loss.ignore_label,
          .files = DatasetFiles(dataset),
          .loss = options.slide_loss ? ToString(options.slide_loss->kind) : ToString(options.loss.kind),
          .seed = options.seed,
          .steps = options.schedule.steps,
          .sample_region = options.sample_region,
          .training_slides = summary.training_slides,
          .validation_slides = summary.validation_slides,
          .parameters = summary.parameters,
          .frozen = summary.frozen,
          .memory_limit = options.memory,
          .plan_bytes = summary.plan_bytes,
          .plan = PlanFigures(summary.plan)};
}

nlohmann::ordered_json ToJson(const RunSession& session) {
  const Environment& environment = session.environment;
  nlohmann::ordered_json data = {{"csv", session.csv}, {"sha256", session.csv_sha256}};
  data.update(PixelsJson(session));
  auto& files = data["files"] = nlohmann::ordered_json::array();
  for (const RunSession::File& file : session.files)
    files.push_back({{"name", file.name}, {"bytes", file.bytes}, {"modified", file.modified}});
  nlohmann::ordered_json json = {{"started", session.started},
                                 {"first_step", session.first_step},
                                 {"swath", environment.version},
                                 {"command", environment.command},
                                 {"folder", environment.folder},
                                 {"environment",
                                  {{"processor", environment.processor},
                                   {"processors", environment.processors},
                                   {"memory_bytes", environment.memory_bytes},
                                   {"system", environment.system},
                                   {"compiler", environment.compiler},
                                   {"threads", session.threads},
                                   {"simd", session.simd_target}}},
                                 {"loss", session.loss},
                                 {"seed", session.seed},
                                 {"steps", session.steps},
                                 {"training_slides", session.training_slides},
                                 {"validation_slides", session.validation_slides},
                                 {"parameters", session.parameters},
                                 {"frozen", session.frozen},
                                 {"memory_limit", session.memory_limit},
                                 {"plan_bytes", session.plan_bytes},
                                 {"plan", session.plan},
                                 {"data", data}};
  if (session.sample_region)
    json["sample_region"] = {session.sample_region->width, session.sample_region->height};
  return json;
}

std::vector<RunSession> ReadRunSessions(const std::string& path) {
  std::ifstream file(path);
  if (!file) Fail(ErrorCode::kInput, "{}: cannot be opened", path);
  std::vector<RunSession> sessions;
  int64_t number = 0;
  for (std::string line; std::getline(file, line);) {
    ++number;
    try {
      sessions.push_back(ReadRunSession(nlohmann::json::parse(line)));
    } catch (const nlohmann::json::exception&) {
      Fail(ErrorCode::kInput, "{}:{}: expected a session as swath train writes it, found something else",
           path, number);
    }
  }
  if (sessions.empty()) Fail(ErrorCode::kInput, "{}: expected a line a session, found none", path);
  return sessions;
}

}  // namespace swath
