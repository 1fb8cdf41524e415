#include <fmt/format.h>
#include <fmt/ranges.h>

#include <set>

#include "base/quantities.h"
#include "report/html.h"
#include "report/sections.h"

namespace swath {
namespace {

using Kind = html::Column::Kind;

std::string FilesTable(const Report& report) {
  std::string text = fmt::format("<p>The list of slides is <code>{}</code>, SHA-256 <code>{}</code>.</p>\n",
                                 html::Escape(report.csv_name), report.csv_sha256);
  html::Table table(
      "Slides and masks, with the SHA-256 of their bytes when this report was made",
      {{"file", Kind::kText}, {"split", Kind::kText}, {"size", Kind::kNumber}, {"SHA-256", Kind::kCode}});
  bool several = false;
  for (const ReportFile& file : report.files) {
    several |= file.files > 1;
    table.Row({html::Escape(file.name) + (file.changed ? " <b>(changed since training)</b>" : ""),
               html::Escape(file.split),
               Bytes(file.bytes) + (file.files > 1 ? fmt::format(" in {} files", file.files) : ""),
               html::Escape(file.sha256)});
  }
  text += table.Html();
  text +=
      "<p class=\"note\">The SHA-256 of a file is what <code>sha256sum</code> prints for it. A file counts "
      "as "
      "the one that was trained on where its size and the time of its last change are those that were "
      "written "
      "down then.</p>\n";
  if (several) {
    text +=
        "<p class=\"note\">Of a slide of several files it is the SHA-256 of the list that "
        "<code>sha256sum</code> prints for them in the order of their names.</p>\n";
  }
  return text;
}

std::string EnvironmentFacts(const RunSession& session) {
  const Environment& environment = session.environment;
  html::Facts facts;
  facts.Add("started",
            UtcTime(session.started) +
                (session.first_step > 0 ? fmt::format(", after step {}", Grouped(session.first_step)) : ""));
  facts.Add("Swath", html::Escape(fmt::format("{}, built by {}", environment.version, environment.compiler)));
  facts.Add("processor",
            html::Escape(fmt::format("{}, {} to use, kernels for {}",
                                     environment.processor.empty() ? "unnamed" : environment.processor,
                                     environment.processors, session.simd_target)));
  facts.Add("threads", fmt::format("{}", session.threads));
  facts.Add("memory", Bytes(environment.memory_bytes));
  facts.Add("system", html::Escape(environment.system));
  return facts.Html();
}

std::string Commands(const Report& report) {
  std::string commands;
  for (const RunSession& session : report.sessions) {
    commands += fmt::format("cd {}\n{}\n", ShellLine({session.environment.folder}),
                            ShellLine(session.environment.command));
  }
  commands +=
      fmt::format("cd {}\n{}", ShellLine({report.environment.folder}), ShellLine(report.environment.command));
  return "<pre>" + html::Escape(commands) + "</pre>\n";
}

std::string Citation(const Report& report) {
  const RunSession& session = report.sessions.back();
  const int64_t validation = session.validation_slides;
  std::set<std::string> versions;
  for (const RunSession& each : report.sessions) versions.insert(each.environment.version);
  const Estimate& first = report.figures.front().figures.front();
  const std::string interval = IntervalText(first.interval);
  return fmt::format(
      "<p>For a section on methods:</p>\n<blockquote><p>{} ({} trained values) was trained with Swath {} end "
      "to "
      "end on {}, {} steps, loss {}, seed {}{}. On {} of the split {} it reached {} {}{}.</p></blockquote>\n"
      "<p>Swath {}: exact end-to-end training of convolutional networks on gigapixel images, row by row. "
      "It starts from S. W. Remedios et al., <i>Exploring shared memory architectures for end-to-end "
      "gigapixel "
      "deep learning</i>, MIDL 2023, arXiv 2304.12149.</p>\n",
      html::Escape(report.model), Grouped(session.parameters),
      html::Escape(fmt::format("{}", fmt::join(versions, ", "))), TrainedOn(report),
      Grouped(report.history.steps), html::Escape(session.loss), session.seed,
      validation > 0 ? fmt::format("; weights were chosen on {}",
                                   Plural(validation, ("validation " + report.unit).c_str()))
                     : "",
      Plural(static_cast<int64_t>(report.slides.size()), report.unit.c_str()), html::Escape(report.split),
      html::Escape(report.figure_names.front()), Figure(first.value),
      interval.empty() ? "" : fmt::format(" (95 % interval {})", interval),
      html::Escape(session.environment.version));
}

}  // namespace

std::string ProvenanceSection(const Report& report) {
  std::string section =
      "<section aria-labelledby=\"data\">\n<h2 id=\"data\">Data set</h2>\n" + FilesTable(report) +
      "</section>\n<section aria-labelledby=\"environment\">\n<h2 id=\"environment\">Environment</h2>\n";
  for (const RunSession& session : report.sessions) section += EnvironmentFacts(session);
  const int64_t strips = report.sessions.back().plan.value("strips", int64_t{0});
  return section +
         fmt::format(
             "</section>\n<section aria-labelledby=\"again\">\n<h2 id=\"again\">Reproduce and cite</h2>\n"
             "<p>What was typed, the report last:</p>\n{}"
             "<p>The same version, files, options and number of strips ({}) give the same weights, bit for "
             "bit, "
             "whatever the number of threads, on processors with the same instructions. The weights that are "
             "judged here are <code>model.onnx</code>, SHA-256 <code>{}</code>.</p>\n{}</section>\n",
             Commands(report), strips, report.model_sha256, Citation(report));
}

}  // namespace swath
