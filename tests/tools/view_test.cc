/// `swath view`: which slides and layers it offers, and what ends it before it serves anything.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <chrono>
#include <csignal>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/ask_server.h"
#include "tests/tools/run_program.h"
#include "tests/train/slides.h"

namespace swath {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

/// A `swath view` that runs until the end of the test.
class Viewer {
 public:
  explicit Viewer(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "view");
    child_ = test::StartProgram(arguments, folder_.File("out"), folder_.File("err"));
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (child_ > 0 && out().find("Ctrl-C ends it\n") == std::string::npos &&
           std::chrono::steady_clock::now() < deadline) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
      if (waitpid(child_, nullptr, WNOHANG) != 0) child_ = -1;
    }
    EXPECT_THAT(out(), HasSubstr("Ctrl-C ends it\n")) << err();
  }
  ~Viewer() {
    if (child_ <= 0) return;
    kill(child_, SIGTERM);
    waitpid(child_, nullptr, 0);
  }
  Viewer(const Viewer&) = delete;
  Viewer& operator=(const Viewer&) = delete;

  std::string out() const { return test::ReadText(folder_.File("out")); }
  std::string err() const { return test::ReadText(folder_.File("err")); }

  json Get(const std::string& path) const {
    // http://HOST:PORT/TOKEN/
    const std::string url = out().substr(7, out().find('\n') - 7), host = url.substr(0, url.find('/'));
    const auto port = static_cast<uint16_t>(std::stoi(host.substr(host.find(':') + 1)));
    const std::string reply = test::GetFromServer(port, url.substr(host.size()) + path, host);
    EXPECT_THAT(reply, StartsWith("HTTP/1.1 200 ")) << reply;
    return json::parse(reply.substr(reply.find("\r\n\r\n") + 4));
  }

  std::vector<std::string> slides() const { return Get("slides.json")["slides"]; }
  /// The names of the maps of a slide and then those of its annotations.
  std::vector<std::string> Layers(size_t slide) const {
    const json all = Get("slides/" + std::to_string(slide) + ".json");
    std::vector<std::string> names;
    for (const char* kind : {"maps", "annotations"}) {
      for (const json& layer : all[kind]) names.push_back(layer["name"]);
    }
    return names;
  }

 private:
  TemporaryFolder folder_;
  pid_t child_ = -1;
};

class ViewTest : public testing::Test {
 protected:
  ViewTest() {
    for (const char* name : {"a", "b", "c"}) test::WriteSlide(folder_, name, 40, 32, name[0]);
  }

  void ExpectError(std::vector<std::string> arguments, int status, const std::string& message) const {
    SCOPED_TRACE(testing::PrintToString(arguments));
    arguments.insert(arguments.begin(), "view");
    const test::Outcome outcome = test::RunProgram(arguments);
    EXPECT_EQ(outcome.status, status);
    EXPECT_EQ(outcome.out, "");
    EXPECT_THAT(outcome.err, HasSubstr(message));
    EXPECT_EQ(outcome.err.find('\n'), outcome.err.size() - 1) << outcome.err;
  }

  TemporaryFolder folder_;
  std::string a_ = folder_.File("a.png"), b_ = folder_.File("b.png"), c_ = folder_.File("c.png");
};

TEST_F(ViewTest, AnOverlayThatIsNamedHasToBeShown) {
  test::WriteText(folder_.File("b_mask_2.tif"), "no picture");
  ExpectError({a_, b_, "--overlay", folder_.File("b_mask_2.tif")}, 3,
              "b_mask_2.tif: a mask is a PNG, a TIFF or a .npy; this file is none of them");
  test::WriteText(folder_.File("a.geojson"), R"({"type": "FeatureCollection", "feat)");
  ExpectError({a_, "--overlay", folder_.File("a.geojson")}, 3, "a.geojson: not JSON");
  ExpectError({a_, "--overlay", folder_.File("none.tif")}, 3, "none.tif: cannot be opened");
  // Of what is found as well, nothing is said.
  ExpectError({a_, b_, "--overlay", folder_.File(""), "--overlay", folder_.File("b_mask_2.tif")}, 3,
              "b_mask_2.tif");
}

TEST_F(ViewTest, AnOverlayThatIsFoundMayBeLeftOut) {
  test::WriteText(folder_.File("a_mask_2.tif"), "no picture");
  for (const char* option : {"--overlay", "--run"}) {
    const Viewer viewer({a_, b_, option, folder_.File("")});
    EXPECT_THAT(viewer.err(), HasSubstr("swath: not shown: " + folder_.File("a_mask_2.tif: a mask is a")));
    EXPECT_THAT(viewer.Layers(0), ElementsAre("a_mask.png"));
    EXPECT_THAT(viewer.Layers(1), ElementsAre("b_mask.png"));
  }
}

TEST_F(ViewTest, AnOverlayThatIsFoundTwiceIsShownOnce) {
  const Viewer viewer({a_, "--overlay", folder_.File(""), "--overlay", folder_.File("a_mask.png")});
  EXPECT_THAT(viewer.Layers(0), ElementsAre("a_mask.png"));
}

}  // namespace
}  // namespace swath
