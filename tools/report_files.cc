#include <fmt/format.h>

#include <filesystem>
#include <map>

#include "base/digest.h"
#include "tools/progress_line.h"
#include "tools/report_parts.h"

namespace swath::tools {

void ReportFiles(const Dataset& dataset, Report* report) {
  const RunSession& session = report->sessions.back();
  std::map<std::string, const RunSession::File*> trained;
  for (const RunSession::File& file : session.files) trained[file.name] = &file;
  std::map<std::string, std::pair<std::string, std::string>> splits;  // path and splits, by name
  int64_t bytes = 0, done = 0;
  std::vector<std::string> order;
  for (const DatasetEntry& entry : dataset.entries) {
    for (const std::string& path : {entry.slide, entry.mask, entry.tissue_file}) {
      if (path.empty()) continue;
      const std::string name = NameInDataset(dataset, path);
      const auto [it, is_new] = splits.try_emplace(name, path, ToString(entry.split));
      if (is_new) {
        order.push_back(name);
        bytes += AtEntry(dataset, entry, [&] { return FileFacts(path).bytes; });
      } else if (it->second.second.find(ToString(entry.split)) == std::string::npos) {
        it->second.second += ", " + ToString(entry.split);
      }
    }
  }
  report->csv_name = std::filesystem::path(dataset.path).filename();
  report->csv_sha256 = DigestFile(dataset.path).sha256;
  if (report->csv_sha256 != session.csv_sha256) {
    report->warnings.push_back(fmt::format(
        "{} is not as it was when the network was trained: its slides, splits or regions may be others.",
        report->csv_name));
  }
  int64_t changed = 0;
  StatusLine line;
  for (const std::string& name : order) {
    const auto& [path, split] = splits.at(name);
    const FileDigest digest = DigestFile(path, [&](int64_t read) {
      line.Show(fmt::format("digests of files: {:.0f} % of {}",
                            100.0 * static_cast<double>(done + read) / static_cast<double>(bytes),
                            Bytes(bytes)));
    });
    done += digest.bytes;
    const auto then = trained.find(name);
    const bool same = then != trained.end() && then->second->bytes == digest.bytes &&
                      then->second->modified == digest.modified;
    changed += !same;
    report->files.push_back({name, split, digest.bytes, digest.files, digest.sha256, !same});
  }
  line.Clear();
  if (changed > 0) {
    report->warnings.push_back(
        fmt::format("{} of {} files are not as they were when the network was trained: see Data set.",
                    changed, order.size()));
  }
}

}  // namespace swath::tools
