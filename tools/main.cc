/// `swath`: the command line. Errors become one line on standard error and the exit status of their code.
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <exception>
#include <new>
#include <string>

#include "base/pending_file.h"
#include "swath/error.h"
#include "tools/commands.h"
#include "tools/config_file.h"
#include "tools/usage_error.h"

namespace {

/// Names come from outside and may hold anything; the message stays one line.
int Fail(int status, const std::string& message) {
  std::fprintf(stderr, "swath: %s\n", swath::Error::OneLine(message).c_str());
  return status;
}

int Fail(swath::ErrorCode code, const std::string& message) { return Fail(static_cast<int>(code), message); }

int OutputFailed(int error) {
  const std::string reason = error != 0 ? std::string(": ") + std::strerror(error) : "";
  return Fail(swath::ErrorCode::kOutput, "standard output: cannot be written" + reason);
}

/// A command that ran to its end has failed all the same where its output did not arrive.
int FinishOutput() {
  const bool failed = std::ferror(stdout) != 0;
  errno = 0;
  return std::fflush(stdout) != 0 || failed ? OutputFailed(errno) : 0;
}

/// The signal acts when the handler returns: SA_RESETHAND has given it back its default action, so that the
/// status of the process is the signal's.
extern "C" void EndBySignal(int signal) {
  swath::RemovePendingFiles();
  std::raise(signal);
}

/// What is ignored from outside, as under nohup, stays ignored.
void HandleSignals() {
  struct sigaction action = {};
  action.sa_handler = EndBySignal;
  action.sa_flags = SA_RESETHAND;
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&action.sa_mask, signal);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction before = {};
    if (sigaction(signal, nullptr, &before) == 0 && before.sa_handler == SIG_DFL) {
      sigaction(signal, &action, nullptr);
    }
  }
}

/// Every command that runs, not those that only group others, takes its options from a file, too.
void AddConfigFiles(CLI::App& app) {
  for (CLI::App* command : app.get_subcommands([](CLI::App*) { return true; })) {
    if (command->get_subcommands([](CLI::App*) { return true; }).empty()) {
      swath::tools::AddConfigFile(command);
    } else {
      AddConfigFiles(*command);
    }
  }
}

int Run(CLI::App& app, int argc, char** argv) {
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& e) {  // help, version
    app.exit(e);
  } catch (const CLI::RuntimeError& e) {  // another process has said what is wrong
    return e.get_exit_code();
  } catch (const CLI::ParseError& e) {
    return Fail(swath::ErrorCode::kUsage, swath::tools::UsageMessage(app, e));
  } catch (const swath::Error& e) {
    return Fail(e.code(), e.what());
  } catch (const std::bad_alloc&) {
    return Fail(1, "out of memory");
  } catch (const std::exception& e) {
    return std::ferror(stdout) != 0 ? OutputFailed(0) : Fail(1, e.what());
  }
  return FinishOutput();
}

}  // namespace

int main(int argc, char** argv) {
  HandleSignals();
  CLI::App app{"Train and run convolutional networks end to end on gigapixel images, row by row, exactly."};
  app.require_subcommand(1);
  app.set_version_flag("--version", "swath " SWATH_VERSION, "Print the version and exit");
  swath::tools::AddAnnotate(app);
  swath::tools::AddBench(app);
  swath::tools::AddCheckGradients(app);
  swath::tools::AddEval(app);
  swath::tools::AddInfo(app);
  swath::tools::AddModel(app);
  swath::tools::AddPlan(app);
  swath::tools::AddPredict(app);
  swath::tools::AddReport(app);
  swath::tools::AddSynth(app);
  swath::tools::AddTissue(app);
  swath::tools::AddTrain(app);
  swath::tools::AddView(app);
  AddConfigFiles(app);
  return Run(app, argc, argv);
}
