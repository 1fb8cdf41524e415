#include "tools/bench_slide.h"

#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>

#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <vector>

extern char** environ;

namespace swath::tools {
namespace {

std::string DefaultFolder() {
  const char* cache = std::getenv("XDG_CACHE_HOME");
  const char* home = std::getenv("HOME");
  return std::string(cache ? cache : home ? std::string(home) + "/.cache" : "/tmp") + "/swath/bench";
}

/// Writes the slide in a process of its own, so that its memory is not taken for the step's.
void MakeSlide(const std::string& folder, const BenchSlide& slide) {
  std::vector<std::string> words = {
      "swath", "synth", folder,   "--slides", "1", "--size", slide.size, "--seed", std::to_string(slide.seed),
      "--val", "0",     "--test", "0"};
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, 2, 1);  // its report is not this command's output
  pid_t child = 0;
  const int failed = posix_spawn(&child, "/proc/self/exe", &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  int status = 0;
  if (failed || waitpid(child, &status, 0) < 0 || !WIFEXITED(status)) {
    throw std::runtime_error(folder +
                             ": the process that makes the slide for the benchmark did not end by itself");
  }
  // It has said why.
  if (WEXITSTATUS(status) != 0) throw CLI::RuntimeError(WEXITSTATUS(status));
}

/// Makes the slide, or leaves no folder that was not there before.
void MakeSlideOrNothing(const std::string& path, const BenchSlide& slide) {
  namespace fs = std::filesystem;
  fs::path folder = fs::absolute(path), kept = folder;
  std::error_code ignored;
  while (!fs::exists(kept, ignored) && kept.has_relative_path()) kept = kept.parent_path();
  try {
    MakeSlide(path, slide);
  } catch (...) {
    for (; folder != kept; folder = folder.parent_path()) fs::remove(folder, ignored);  // if empty
    throw;
  }
}

}  // namespace

void AddBenchSlideOptions(CLI::App* command, BenchSlide* slide) {
  command->add_option("--size", slide->size, "WIDTHxHEIGHT in pixels")->capture_default_str();
  command->add_option("--data", slide->data, "Folder that keeps the slides [~/.cache/swath/bench]");
}

std::string MakeBenchSlide(const BenchSlide& slide) {
  const std::string folder =
      fmt::format("{}/{}-seed{}", slide.data.empty() ? DefaultFolder() : slide.data, slide.size, slide.seed);
  const std::string csv = folder + "/slides.csv";
  if (!std::filesystem::exists(csv)) MakeSlideOrNothing(folder, slide);
  return csv;
}

}  // namespace swath::tools
