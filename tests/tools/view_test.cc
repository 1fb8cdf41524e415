/// `swath view`: which slides and layers it offers, and what ends it before it serves anything.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/ask_server.h"
#include "tests/support/whole_file.h"
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

  std::string out() const { return test::ReadFile(folder_.File("out")); }
  std::string err() const { return test::ReadFile(folder_.File("err")); }

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
  test::WriteFile(folder_.File("b_mask_2.tif"), "no picture");
  ExpectError({a_, b_, "--overlay", folder_.File("b_mask_2.tif")}, 3,
              "b_mask_2.tif: a mask is a PNG, a TIFF or a .npy; this file is none of them");
  test::WriteFile(folder_.File("a.geojson"), R"({"type": "FeatureCollection", "feat)");
  ExpectError({a_, "--overlay", folder_.File("a.geojson")}, 3, "a.geojson: not JSON");
  ExpectError({a_, "--overlay", folder_.File("none.tif")}, 3, "none.tif: cannot be opened");
  // Of what is found as well, nothing is said.
  ExpectError({a_, b_, "--overlay", folder_.File(""), "--overlay", folder_.File("b_mask_2.tif")}, 3,
              "b_mask_2.tif");
}

TEST_F(ViewTest, AnOverlayThatIsFoundMayBeLeftOut) {
  test::WriteFile(folder_.File("a_mask_2.tif"), "no picture");
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

TEST_F(ViewTest, ThePixelSizeMayBeStated) {
  EXPECT_EQ(Viewer({a_}).Get("slides/0.json")["mppX"], nullptr);
  const Viewer viewer({a_, b_, "--slide-mpp", "0.25"});
  EXPECT_EQ(viewer.Get("slides/0.json")["mppX"], 0.25);
  EXPECT_EQ(viewer.Get("slides/1.json")["mppY"], 0.25);
  ExpectError({a_, "--slide-mpp", "0"}, 2, "--slide-mpp: expected a number above 0, found '0'");
}

TEST_F(ViewTest, ADatasetIsShownInItsOrderWithItsMasks) {
  test::WriteFile(folder_.File("a drawing.geojson"),
                  R"({"type": "Feature", "properties": {"classification": {"name": "tumour"}}, "geometry":)"
                  R"({"type": "Polygon", "coordinates": [[[0, 0], [9, 0], [9, 9], [0, 0]]]}})");
  test::WritePng(folder_.File("part.png"), 10, 10, 1, [](int64_t x, int64_t, int64_t) { return x % 2; });
  // A slide of several lines is shown once.
  test::WriteFile(folder_.File("slides.csv"),
                  "slide,mask,region,mpp\nc.png,part.png,\"4,6,20,20\",0.5\na.png,a drawing.geojson,,\n"
                  "c.png,c_mask.png,,0.5\nb.png,,,\n");
  const Viewer viewer({folder_.File("slides.csv"), "--overlay", folder_.File("")});
  EXPECT_EQ(viewer.err(), "");
  EXPECT_THAT(viewer.slides(), ElementsAre("c.png", "a.png", "b.png"));
  EXPECT_THAT(viewer.Layers(0), ElementsAre("part.png", "c_mask.png"));
  EXPECT_THAT(viewer.Layers(1), ElementsAre("a_mask.png", "a drawing.geojson"));
  EXPECT_THAT(viewer.Layers(2), ElementsAre("b_mask.png"));
  const json slide = viewer.Get("slides/0.json");
  EXPECT_EQ(slide["mppX"], 0.5);
  EXPECT_EQ(slide["maps"][0]["region"], json({4, 6, 20, 20}));
  EXPECT_EQ(slide["maps"][1]["region"], json({0, 0, 40, 32}));
}

TEST_F(ViewTest, ALineOfADatasetThatIsWrongIsAnError) {
  test::WriteFile(folder_.File("slides.csv"), "slide,mask\na.png,a_mask.png\nb.png,none.png\n");
  ExpectError({folder_.File("slides.csv")}, 3, "slides.csv:3: mask: ");
  ExpectError({folder_.File("none.csv")}, 3, "none.csv: cannot be opened");
}

TEST_F(ViewTest, ARunKnowsItsSlides) {
  test::WriteFile(folder_.File("slides.csv"),
                  "slide,mask,split\nb.png,b_mask.png,val\na.png,a_mask.png,train\n");
  const std::string run = folder_.File("run");
  const test::Outcome trained = test::RunProgram({"train", "--data", folder_.File("slides.csv"), "--out", run,
                                                  "--model", "unet:depth=1,base=4", "--steps", "1"});
  ASSERT_EQ(trained.status, 0) << trained.err;
  std::filesystem::create_directory(run + "/maps");
  std::filesystem::copy(folder_.File("a_mask.png"), run + "/maps/a_mask_predicted.png");
  {
    const Viewer viewer({"--run", run});
    EXPECT_THAT(viewer.slides(), ElementsAre("b.png", "a.png"));
    EXPECT_THAT(viewer.Layers(0), ElementsAre("b_mask.png"));
    EXPECT_THAT(viewer.Layers(1), ElementsAre("a_mask.png", "a_mask_predicted.png"));
  }
  EXPECT_THAT(Viewer({c_, "--run", run}).slides(), ElementsAre("c.png"));
  ExpectError({}, 2, "view: SLIDE or --run is required");
  ExpectError({"--run", folder_.File("")}, 2, "expected a run of swath train, or slides beside it");
  std::filesystem::remove(folder_.File("slides.csv"));
  ExpectError({"--run", run}, 3, "was the data set of the run and is not there any more: name the slides");
}

}  // namespace
}  // namespace swath
