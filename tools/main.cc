/// `swath`: the command line. Errors become one line on standard error and the exit status of their code.
#include <cstdio>
#include <exception>
#include <new>

#include "swath/error.h"
#include "tools/commands.h"
#include "tools/config_file.h"

namespace {

int Fail(int status, const char* message) {
  std::fprintf(stderr, "swath: %s\n", message);
  return status;
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

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Train and run convolutional networks end to end on gigapixel images, row by row, exactly."};
  app.require_subcommand(1);
  app.failure_message(CLI::FailureMessage::simple);
  swath::tools::AddBench(app);
  swath::tools::AddCheckGradients(app);
  swath::tools::AddEval(app);
  swath::tools::AddInfo(app);
  swath::tools::AddModel(app);
  swath::tools::AddPlan(app);
  swath::tools::AddPredict(app);
  swath::tools::AddSynth(app);
  swath::tools::AddTrain(app);
  AddConfigFiles(app);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    const int status = app.exit(e);
    return status == 0 ? 0 : static_cast<int>(swath::ErrorCode::kUsage);
  } catch (const swath::Error& e) {
    return Fail(static_cast<int>(e.code()), e.what());
  } catch (const std::bad_alloc&) {
    return Fail(1, "out of memory");
  } catch (const std::exception& e) {
    return Fail(1, e.what());
  }
  return 0;
}
