/// Runs the program that was built, as a shell would.
#pragma once

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <iterator>
#include <string>
#include <vector>

#include "tests/support/temporary_folder.h"
#include "tests/support/whole_file.h"

extern char** environ;

namespace swath::test {

/// Starts `swath` with these arguments. Its output goes to the files of these names.
inline pid_t StartProgram(const std::vector<std::string>& arguments, const std::string& out,
                          const std::string& err) {
  std::vector<std::string> words = {"swath"};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, out.c_str(), O_WRONLY | O_CREAT, 0600);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, err.c_str(), O_WRONLY | O_CREAT, 0600);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t signals;  // a shell that runs the tests in the background has them ignored
  sigfillset(&signals);
  posix_spawnattr_setsigdefault(&attributes, &signals);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
  pid_t child = -1;
  if (posix_spawn(&child, SWATH_PROGRAM, &actions, &attributes, argv.data(), environ) != 0) child = -1;
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  return child;
}

struct Outcome {
  int status = -1;  ///< -1 if it did not exit by itself
  std::string out;
  std::string err;
};

/// Runs `swath` to its end. Where `out` is given, standard output goes there and is not read back.
inline Outcome RunProgram(const std::vector<std::string>& arguments, const std::string& out = "") {
  const TemporaryFolder folder;
  const pid_t child = StartProgram(arguments, out.empty() ? folder.File("out") : out, folder.File("err"));
  Outcome outcome;
  int status = 0;
  if (child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status)) {
    outcome.status = WEXITSTATUS(status);
  }
  if (out.empty()) outcome.out = test::ReadFile(folder.File("out"));
  outcome.err = test::ReadFile(folder.File("err"));
  return outcome;
}

}  // namespace swath::test
